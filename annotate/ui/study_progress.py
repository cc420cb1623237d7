"""The Progress panel: how far a study is, who is rating, and when it will be done; kept true while it is looked at.

The page asks again every few seconds, but only while the panel is on screen. What it asks for reads counters and the
sittings of the last minutes, never all ratings.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import gradio as gr

from annotate.ratings import ItemKind
from annotate.study import State
from annotate.ui.labelling import Labelling
from annotate.ui.late import store
from annotate.ui.ownership import AT_ONCE, Guard
from annotate.ui.study_html import cells, empty, meter, note, table, text
from annotate.ui.study_work import leave_behind

if TYPE_CHECKING:
    from annotate.tables import Study

RECENT = timedelta(minutes=10)
"""Who was seen since then is rating; how fast it goes is measured over this time."""
MOST_BARS = 41
SHOWN_PEOPLE = 30
ASK = """
let unanswered = 0;
watch("value", () => { unanswered = 0; });
const timer = setInterval(() => {
  if (!element.isConnected) clearInterval(timer);
  else if (unanswered < 3 && !document.hidden && element.querySelector("[data-live]")?.offsetParent) {
    unanswered += 1;
    trigger("input");
  }
}, 4000);
"""
"""It stops asking who does not answer: a pass that has run out would be complained of for ever."""


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
            study = store.get_study(db, study_id)
            progress = store.study_progress(db, study_id, now - RECENT)
            people = store.active_people(db, study_id, now - RECENT)
            lately = store.ratings_since(db, study_id, now - RECENT)
        return progress_panel(study, progress, people, lately, now)


def build_progress_panel(labelling: Labelling, guard: Guard, study: gr.State, tab: gr.Tab) -> None:
    """Lay out the panel inside `tab` and connect it."""
    progress = Progress(labelling)
    panel = gr.HTML("", js_on_load=ASK, apply_default_css=False, elem_id="study-progress")
    running = guard.on([tab.select, panel.input], progress.show, [study], panel, **AT_ONCE)
    leave_behind(study, [panel], [running])


def progress_panel(
    study: "Study", progress: "store.StudyProgress", people: "list[store.Active]", lately: int, now: datetime
) -> str:
    """Draw everything; `lately` counts the ratings of the last `RECENT`."""
    pictures = progress.stimuli.get(ItemKind.RATED, 0)
    if not pictures:
        return empty("Nothing to rate yet", "Add pictures in Set-up.")
    each = int(study.protocol["ratings_wanted"])
    missing = sum(max(0, each - times) * count for times, count in progress.stimuli_by_ratings.items())
    complete = sum(count for times, count in progress.stimuli_by_ratings.items() if times >= each)
    live = "" if study.state is State.CLOSED else " data-live"
    figures = [
        ("Ratings", f"{progress.ratings:,}", f"of {each * pictures:,} wanted"),
        ("Pictures complete", f"{complete:,}", f"of {pictures:,}"),
        ("People", f"{progress.participants:,}", f"{progress.sittings_ended:,} sittings ended"),
        ("Left", *time_left(missing, lately)),
    ]
    return (
        f"<div{live}>{numbers(figures)}"
        f'<div class="whole">{meter(1 - missing / (each * pictures))}</div>'
        f"<h3>Pictures by number of ratings</h3>{rating_bars(progress.stimuli_by_ratings, each)}"
        f"<h3>Rating now</h3>{_people_table(people, now)}"
        f'<p class="hint">As of {now:%H:%M:%S} UTC; goes on by itself while you look.</p></div>'
    )


def numbers(figures: list[tuple[str, str, str]]) -> str:
    """Draw large numbers with what they are and what they are of."""
    shown = "".join(f"<div><dt>{name}</dt><dd><b>{value}</b> {of}</dd></div>" for name, value, of in figures)
    return f'<dl class="numbers">{shown}</dl>'


def time_left(missing: int, lately: int) -> tuple[str, str]:
    """Return how long `missing` ratings take if people go on as in the last `RECENT`, and how fast that is."""
    if not missing:
        return "Done", "every picture has its ratings"
    per_minute = lately / (RECENT / timedelta(minutes=1))
    if not lately:
        return f"{missing:,}", "ratings missing; nobody is rating"
    return f"about {duration(missing / per_minute)}", f"at {per_minute:.1f} ratings a minute"


def duration(minutes: float) -> str:
    """Return a time in the unit that fits it."""
    if minutes < 90:
        return f"{max(1, round(minutes))} min"
    hours = minutes / 60
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


def rating_bars(by_ratings: Mapping[int, int], wanted: int) -> str:
    """Draw how many pictures have how many ratings, from none to all that are wanted."""
    last = max(wanted, *by_ratings)
    width = -(-(last + 1) // MOST_BARS)
    counts = [sum(by_ratings.get(times, 0) for times in range(low, low + width)) for low in range(0, last + 1, width)]
    highest = max(counts)
    bars = "".join(
        f'<i class="{"done" if width * index >= wanted else ""}" style="height:{100 * count / highest:.1f}%" '
        f'title="{_span(width * index, width)} ratings: {count:,} pictures"></i>'
        for index, count in enumerate(counts)
    )
    return (
        f'<div class="rating-bars" role="img" aria-label="Pictures by number of ratings, 0 to {last}">'
        f'<div class="bins">{bars}</div><div class="ends"><span>0 ratings</span><span>{last}</span></div></div>'
    )


def _span(low: int, width: int) -> str:
    return f"{low}" if width == 1 else f"{low} to {low + width - 1}"


def _people_table(people: "list[store.Active]", now: datetime) -> str:
    if not people:
        return note("Nobody was seen in the last ten minutes.")
    rows = [
        cells(
            f"<code>{text(each.pseudonym)}</code>",
            _ago(now - each.last_seen_at),
            f"{meter(each.rated / max(1, each.planned))} {each.rated:,} of {each.planned:,}",
            f"{each.lately:,}",
        )
        for each in people[:SHOWN_PEOPLE]
    ]
    more = note(f"and {len(people) - SHOWN_PEOPLE:,} more.") if len(people) > SHOWN_PEOPLE else ""
    return table(("Person", "Seen", "Of their sitting", "In ten minutes"), rows, caption="Who is rating now") + more


def _ago(passed: timedelta) -> str:
    seconds = max(0, round(passed.total_seconds()))
    return f"{seconds} s ago" if seconds < 90 else f"{round(seconds / 60)} min ago"
