"""The commands of `fiqa-annotate`, in the groups that its help shows; `annotate.__main__` reads the arguments.

Imports every room but `ui`. A new command: a function of (options, settings) in the group it belongs to, and its
arguments in that group's `add_…` function. Heavy modules are imported when a command needs them.
"""
