"""The version of this package, on its own so that whoever notes it down imports nothing else."""

__version__ = "0.1.0"
