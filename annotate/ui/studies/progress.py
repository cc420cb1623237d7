"""The Progress panel: how far a study is, who is rating, and when it will be done; kept true while it is looked at.

The page asks again every few seconds, but only while the panel is on screen. What it asks for reads counters and the
sittings of the last minutes, never all ratings. From here the owner can tell something to those who are rating.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from annotate import queries
from annotate.design.states import ACTIVE, LONGEST_MESSAGE, State
from annotate.methods import method_of
from annotate.methods.method import Unit
from annotate.ui.labelling import Labelling
from annotate.ui.studies.background import reset_on_study_change
from annotate.ui.studies.chosen import opened_study
from annotate.ui.studies.html import cells, empty, meter, note, table, text
from annotate.ui.studies.ownership import AT_ONCE, Guard
from annotate.ui.studies.users import OWNERS, SEE_PROGRESS, User
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.database.tables import Study

MOST_BARS = 41
SHOWN_PEOPLE = 30
ASK = files("annotate.ui.studies").joinpath("progress.js").read_text(encoding="utf-8")
"""It stops asking who does not answer: a pass that has run out would be complained of for ever."""


class ProgressShown(NamedTuple):
    """What a study shows: the panel, the message to those who rate, and whether one can be given."""

    panel: Any
    message: Any
    telling: Any


class Progress:
    """What the panel does."""

    def __init__(self, labelling: Labelling) -> None:
        self.labelling = labelling

    def show(self, study_id: int | None) -> str:
        """Return the panel."""
        if study_id is None:
            return ""
        now = datetime.now(UTC)
        with self.labelling.database.read() as db:
            if not queries.studies.is_study(db, study_id):  # and the page asks no more
                return empty(
                    "This study was deleted", "That was done in another window; the others are in All studies."
                )
            study = queries.studies.get_study(db, study_id)
            since = queries.progress.active_since(study, now)
            progress = queries.progress.study_progress(db, study, now)
            people = queries.progress.active_people(db, study_id, since)
            lately = queries.progress.ratings_since(db, study_id, since)
        return progress_panel(study, progress, people, lately, now)

    def enter(self, user: User, study_id: int | None) -> ProgressShown:
        """Show a study."""
        if study_id is None:
            return ProgressShown(gr.skip(), gr.skip(), gr.skip())
        with self.labelling.database.read() as db:
            study = queries.studies.get_study(db, study_id)
        rated = study.state in (State.OPEN, State.PAUSED)
        telling = gr.update(visible=rated and user.may(OWNERS, study_id))
        return ProgressShown(self.show(study_id), study.message, telling)

    def tell(self, study_id: int | None, message: str) -> str:
        """Show a message to everybody who is rating; an empty one takes it back."""
        with self.labelling.database.write() as db:
            queries.studies.set_message(db, opened_study(study_id), message or "", datetime.now(UTC))
        said = (message or "").strip()
        gr.Info("People see it with their next answer." if said else "The message is taken back.")
        return said


def build_progress_panel(labelling: Labelling, guard: Guard, study: gr.State, tab: gr.Tab) -> None:
    """Lay out the panel inside `tab` and connect it."""
    progress = Progress(labelling)
    panel = gr.HTML("", js_on_load=ASK, apply_default_css=False, elem_id="study-progress")
    with gr.Column(elem_id="telling", visible=False) as telling:
        message = gr.Textbox(
            label="Tell everybody who is rating",
            info="Shown above their pictures from their next answer on, until you take it back: clear the text and "
            "press the button again.",
            max_length=LONGEST_MESSAGE,
            max_lines=3,
            elem_id="message",
        )
        tell = gr.Button("Show this message", size="sm", elem_id="tell", scale=0)
    entered = [*ProgressShown(panel, message, telling)]
    running = [
        guard.on(tab.select, progress.enter, [study], entered, who=SEE_PROGRESS, user=True, **AT_ONCE),
        guard.on(panel.input, progress.show, [study], panel, who=SEE_PROGRESS, **AT_ONCE),
    ]
    reset_on_study_change(study, [panel, message], running)
    guard.on(tell.click, progress.tell, [study, message], message, who=OWNERS, **AT_ONCE)


def progress_panel(
    study: "Study",
    progress: "queries.progress.StudyProgress",
    people: "list[queries.progress.Active]",
    lately: int,
    now: datetime,
) -> str:
    """Draw everything; `lately` counts the ratings of the last ten minutes."""
    if not progress.pictures:
        return empty("Nothing to rate yet", "Add pictures in Set-up.")
    if not progress.units:
        return empty("Nothing to compare yet", "The pairs are chosen when the study is opened.")
    unit = "pair" if method_of(study.protocol).unit is Unit.PAIR else "picture"
    units = f"{unit.capitalize()}s"
    live = "" if study.state is State.CLOSED else " data-live"
    figures = [
        ("Ratings", f"{progress.ratings:,}", f"of {progress.wanted:,} wanted"),
        (f"{units} complete", f"{progress.complete:,}", f"of {progress.units:,}"),
        ("People", f"{progress.participants:,}", people_in_words(progress)),
        ("Left", *time_left(progress.missing, lately, progress.active_participants, unit)),
    ]
    said = f"As of {now:%H:%M:%S} UTC; goes on by itself while you look." if live else "The study is closed."
    return (
        f"<div{live}>{numbers(figures)}"
        f'<div class="whole">{meter(1 - progress.missing / progress.wanted)}</div>'
        f"<h3>{units} by number of ratings</h3>"
        f"{rating_bars(progress.stimuli_by_ratings, progress.ratings_wanted, unit)}"
        f"<h3>Rating now</h3>{_people_table(people, progress, now)}"
        f'<p class="hint">{said}</p></div>'
    )


def people_in_words(progress: "queries.progress.StudyProgress") -> str:
    """Say how many of the people are rating, have finished and have left, and how many never began."""
    states = [
        (progress.active_participants, "rating now"),
        (progress.finished, "finished"),
        (progress.left, "left before the end"),
        (progress.invited, "invited, not begun"),
    ]
    return ", ".join(f"{count:,} {state}" for count, state in states if count) or "nobody has begun"


def numbers(figures: list[tuple[str, str, str]]) -> str:
    """Draw large numbers with what they are and what they are of."""
    shown = "".join(f"<div><dt>{name}</dt><dd><b>{value}</b> {of}</dd></div>" for name, value, of in figures)
    return f'<dl class="numbers">{shown}</dl>'


def time_left(missing: int, lately: int, active: int, unit: str) -> tuple[str, str]:
    """Return how long `missing` ratings take if people go on as in the last ten minutes, and how fast that is.

    Where nobody is rating no time is told, however many ratings came `lately`.
    """
    if not missing:
        return "Done", f"every {unit} has its ratings"
    rating = "rating" if missing == 1 else "ratings"
    if not active:
        return f"{missing:,}", f"{rating} missing; nobody is rating now"
    if not lately:
        return f"{missing:,}", f"{rating} missing; too early to say how long"
    per_minute = lately / (ACTIVE / timedelta(minutes=1))
    return f"about {duration(missing / per_minute)}", f"at {per_minute:.1f} ratings a minute"


def duration(minutes: float) -> str:
    """Return a time in the unit that fits it."""
    if minutes < 90:
        return f"{max(1, round(minutes))} min"
    hours = minutes / 60
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


def rating_bars(by_ratings: Mapping[int, int], wanted: int, unit: str) -> str:
    """Draw how many pictures or pairs have how many ratings, from none to all that are wanted."""
    last = max(wanted, *by_ratings)
    width = -(-(last + 1) // MOST_BARS)
    counts = [sum(by_ratings.get(times, 0) for times in range(low, low + width)) for low in range(0, last + 1, width)]
    highest = max(counts)
    bars = "".join(
        f'<i class="{"done" if width * index >= wanted else ""}" style="height:{100 * count / highest:.1f}%" '
        f'title="{_span(width * index, width)} ratings: {counted(count, unit)}"></i>'
        for index, count in enumerate(counts)
    )
    return (
        f'<div class="rating-bars" role="img" aria-label="{unit.capitalize()}s by number of ratings, 0 to {last}">'
        f'<div class="bins">{bars}</div><div class="ends"><span>0 ratings</span><span>{last}</span></div></div>'
    )


def _span(low: int, width: int) -> str:
    return f"{low}" if width == 1 else f"{low} to {low + width - 1}"


def _people_table(
    people: "list[queries.progress.Active]", progress: "queries.progress.StudyProgress", now: datetime
) -> str:
    if not people:
        last = progress.last_answer_at
        return note(f"Nobody is rating now; {'nobody has begun' if last is None else f'last seen {ago(now - last)}'}.")
    rows = [
        cells(
            f"<code>{text(each.pseudonym)}</code>",
            ago(now - each.last_seen_at),
            f"{meter(each.rated / max(1, each.planned))} {each.rated:,} of {each.planned:,}",
            f"{each.lately:,}",
        )
        for each in people[:SHOWN_PEOPLE]
    ]
    more = note(f"and {len(people) - SHOWN_PEOPLE:,} more.") if len(people) > SHOWN_PEOPLE else ""
    return table(("Person", "Seen", "Of their sitting", "In ten minutes"), rows, caption="Who is rating now") + more


def ago(passed: timedelta) -> str:
    """Return how long ago something was, in the unit that fits."""
    seconds = max(0, round(passed.total_seconds()))
    return f"{seconds} s ago" if seconds < 90 else f"{duration(seconds / 60)} ago"
