"""How a command is added to the command line, and whole numbers within bounds."""

import argparse
from collections.abc import Callable

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


Command = Callable[[str, Callable[[argparse.Namespace, Settings], None], str], argparse.ArgumentParser]
