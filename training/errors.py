"""Errors that the training scripts raise on purpose, each one line for the person at the terminal.

TrainingError
├── DataError        a data set is missing, malformed or inconsistent
├── DivergenceError  the loss is no finite number any more
├── RunError         the run folder holds another run, or options do not fit together
└── StorageError     a file of the run cannot be written; what was there before is whole
"""


class TrainingError(Exception):
    """Base class: the scripts print its message and exit with status 1."""


class DataError(TrainingError):
    """A folder, label or picture is not what the data set format asks for."""


class DivergenceError(TrainingError):
    """The loss became NaN or infinite; the last checkpoint is kept."""


class RunError(TrainingError):
    """The run folder holds another run, or options contradict each other."""


class StorageError(TrainingError):
    """A file cannot be written, mostly because the disk is full; the file it was to replace is kept whole."""
