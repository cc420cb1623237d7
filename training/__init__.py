"""Training scripts, run as `python -m training.…`; they write files and are imported by nobody."""
