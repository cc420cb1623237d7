"""Numbers with their nouns, for sentences that people read."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, "1 picture" or "1,200 pictures"; `plural` is for nouns that take no s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
