"""What a study takes of people's time, in a sentence."""

from typing import TYPE_CHECKING

from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.design.sitting_plan import Effort


def effort_in_words(needed: "Effort | None") -> str:
    """Return the sentence for what is needed, None where nothing can be asked."""
    if needed is None:
        return "No estimate of the effort: there are no pictures to rate, or no two of one source to compare."
    up_to = "up to " * (needed.unit == "pair")  # a design may end before
    minutes = counted(max(1, round(needed.minutes)), "minute")
    timed = needed.item.answers
    known = f"the median of {counted(timed, 'answer')}" if timed else "an estimate"
    return (
        f"Effort: {up_to}{counted(needed.ratings, 'answer')} to {counted(needed.units, needed.unit)}, by "
        f"{counted(needed.people, 'person', 'people')} in {counted(needed.sittings, 'sitting')} of up to "
        f"{counted(needed.items, 'item')} and {minutes}; {needed.hours:.1f} hours in all, at "
        f"{round(needed.item.seconds, 1):g} s an item ({known})."
    )
