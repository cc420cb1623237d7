"""What the Set-up panel says of a study: its state, what its design takes and gives, what a reviewer objects to."""

from datetime import UTC, datetime

from annotate.design.protocol import StudyProtocol
from annotate.design.review import StimulusSummary, check_ready
from annotate.design.sitting_plan import Effort, ItemTime
from annotate.design.states import State
from annotate.errors import StudyStateError
from annotate.methods import method_of, study_effort
from annotate.ui.studies.html import note, text

NEXT_STEP = {
    State.DRAFT: "Nobody can rate yet. Add pictures, look through the protocol, take a test run, then open the study.",
    State.OPEN: "People can rate now, through the links below. To change how much is rated, or to add pictures, pause "
    "it. Personal links are under Participants.",
    State.PAUSED: "Nobody can rate at the moment; whoever is at it waits. Open it again to go on.",
    State.CLOSED: "The study has ended for good. Its votes can be looked at and downloaded.",
}


def study_overview(protocol: StudyProtocol, state: State, stimuli: StimulusSummary) -> str:
    """Say what the state means, what the design takes, and what is wrong with it."""
    said = [note(NEXT_STEP[state]), f'<p class="effort"><b>{text(method_of(protocol).title)}</b></p>']
    if needed := study_effort(protocol, stimuli):
        said.append(_effort(needed))
        if stimuli.pairs is None:
            said.append(_certainty(protocol))
    if state is not State.CLOSED:
        said += _objections(protocol, stimuli)
    return "".join(said)


def _effort(needed: Effort) -> str:
    minutes = max(1, round(needed.minutes))
    of = f" of <b>{needed.units:,}</b> pairs" if needed.unit == "pair" else ""
    return (
        f'<p class="effort"><b>{needed.ratings:,}</b> ratings wanted{of}: <b>{needed.people:,}</b> '
        f"{'person' if needed.people == 1 else 'people'} who finish, if all can be used. A sitting has up to "
        f"<b>{needed.items:,}</b> {needed.unit}s with the checks, about <b>{minutes:,}</b> "
        f"minute{'' if minutes == 1 else 's'}, at {_measured(needed.item)}; <b>{needed.hours:,.1f}</b> hours "
        "in all.</p>"
    )


def _measured(item: ItemTime) -> str:
    """Say what an item takes, and how that is known."""
    known = f"the median of {item.answers:,} answers" if item.answers else "an estimate"
    return f"{round(item.seconds, 1):g} s each ({known})"


def _certainty(protocol: StudyProtocol) -> str:
    """Say how well the design lets each MOS be known, and how many people a quarter of a grade of five takes."""
    from annotate.statistics import planning  # loads SciPy, which laying out the page does without

    spread = protocol.scale.high - protocol.scale.low
    width, goal = planning.expected_ci95(protocol.ratings_wanted, spread), spread / 16
    people = planning.ratings_for_ci95(goal, spread)
    known = f"Each MOS is then known to about ± {width:.2g} (95 %)" if protocol.ratings_wanted > 1 else ""
    return note(f"{known}{'; ' if known else ''}± {goal:.2g} takes {people} people for each picture.")


def _objections(protocol: StudyProtocol, stimuli: StimulusSummary) -> list[str]:
    try:
        warnings = check_ready(protocol, stimuli, datetime.now(UTC))
        method_of(protocol).check_design(protocol, stimuli)
        return [note(warning, "warning") for warning in warnings]
    except StudyStateError as error:
        return [note(str(error), "warning")]
