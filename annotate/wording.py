"""Numbers with their nouns, and lists, for sentences that people read."""

from collections.abc import Sequence


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, "1 picture" or "1,200 pictures"; `plural` is for nouns that take no s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(names: Sequence[str], word: str = "and") -> str:
    """Return names as a sentence lists them, "a", "a and b" or "a, b and c"."""
    return f" {word} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
