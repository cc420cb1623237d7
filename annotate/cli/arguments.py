"""How a command is added to the command line, whole numbers within bounds, and paths."""

import argparse
from collections.abc import Callable
from pathlib import Path

from annotate.settings import Settings

MOST_LINKS, MOST_LISTED, MOST_RATINGS = 10_000, 60_000, 1_000


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number within bounds."""

    def read(text: str) -> int:
        """Return the number; argparse says what is wrong with another text."""
        if not text.isascii() or not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return read


def given_path(text: str) -> Path:
    """Read a path; an empty one, as of a variable that is not set, would be the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty: name a file or folder, or . for this one")
    return Path(text)


Command = Callable[[str, Callable[[argparse.Namespace, Settings], None], str], argparse.ArgumentParser]
