"""A study from its pictures to its MOS: people in browsers of their own label it to the end, whatever happens to them.

They undo, load the page again, click twice, use two tabs or lose the connection, one person each; RATERS=20 in the
environment makes them twenty, as many as a study has, which takes minutes. In the middle the app is killed and started
again. Afterwards the database says what was stored.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.async_api import Route, expect
from skimage.data import astronaut
from sqlalchemy import func, select

from annotate import queries
from annotate.analysis import mos_table
from annotate.database.engine import Database, open_database
from annotate.database.tables import Rating, Stimulus
from annotate.design.protocol import StudyProtocol
from annotate.design.states import State
from annotate.queries.ratings import RatingRow
from annotate.rating import links
from annotate.rating.steps import StepKind
from annotate.settings import Settings
from annotate.stimuli.files import Candidate
from fiqa.degradation.synthetic import degrade
from tests.annotate.rated import Person
from tests.annotate.studies import make_study
from tests.app_process import ROOT, free_port, run_app
from tests.browser.raters import Rater, open_pages

PROGRAM = Path(__file__).with_name("app_without_network.py")
PICTURES = 12
SMALLEST_PX = 300
TYPES = ("gaussian_blur", "gaussian_noise", "jpeg")
AT_THE_DOOR = 3
"""People whose pages load at the same time; more would only take each other's processor."""
BEFORE_THE_KILL = 7
"""Pictures that everybody rates before; nobody loads the page while the app is away, so that nobody has to again."""


def side_of(number: int) -> int:
    """Return how wide a picture is: each in its own way, by which a rater knows which one is on screen."""
    return SMALLEST_PX + 2 * number


def name_of(side_px: int) -> str:
    return f"{(side_px - SMALLEST_PX) // 2:02}.png"


def picture(number: int) -> bytes:
    """Return the astronaut as a PNG, the worse the greater the number."""
    side = side_of(number)
    damage = [(TYPES[number % len(TYPES)], 0.9 * number / PICTURES)]
    buffer = BytesIO()
    Image.fromarray(degrade(astronaut()[:side, 60 : 60 + side], damage)).save(buffer, "PNG")
    return buffer.getvalue()


def opinion(person: int, side_px: int) -> int:
    """Return the grade that somebody gives to a picture; people differ a little."""
    chance = np.random.default_rng((person, side_px))
    quality = 4.6 - 3.2 * (side_px - SMALLEST_PX) / (2 * PICTURES)
    return int(np.clip(np.rint(quality + chance.normal(0, 0.6)), 1, 5))


def another(grade: int) -> int:
    return grade % 5 + 1


# ---- what happens to people while they rate the picture on screen ----

Incident = Callable[[Rater, int], Awaitable[None]]


async def change_their_mind(rater: Rater, grade: int) -> None:
    await rater.press(another(grade))
    await rater.look()
    await rater.page.keyboard.press("z")
    await rater.look()
    await rater.press(grade)


async def load_again_at_once(rater: Rater, grade: int) -> None:
    """The answer may be on its way, or not even that."""
    await rater.press(grade)
    await rater.open()


async def click_twice(rater: Rater, grade: int) -> None:
    await rater.page.dblclick(f'.grade[value="{grade}"]')


async def use_two_tabs(rater: Rater, grade: int) -> None:
    """The second tab is a picture behind when it answers."""
    other = Rater(await rater.page.context.new_page(), rater.link)
    await other.open()
    behind = await other.look()
    await rater.press(grade)
    await rater.page.wait_for_function("document.querySelector('.spoken').textContent.startsWith('Saved')")
    await other.press(another(grade))
    assert await other.look() != behind
    await other.page.close()


async def lose_the_connection(rater: Rater, grade: int) -> None:
    await rater.page.context.set_offline(True)
    await rater.press(grade)
    await expect(rater.page.locator(".rate .banner")).to_be_visible()
    await rater.page.context.set_offline(False)


async def lose_the_acknowledgement(rater: Rater, grade: int) -> None:
    """The answer arrives, and the page does not get to know."""

    async def drop(route: Route) -> None:
        await route.fetch()
        await route.abort()

    await rater.page.route("**/rating/rate", drop, times=1)
    await rater.press(grade)


INCIDENTS: Sequence[Incident] = (
    change_their_mind, load_again_at_once, click_twice, use_two_tabs, lose_the_connection, lose_the_acknowledgement,
)  # fmt: skip
PEOPLE = int(os.environ.get("RATERS", len(INCIDENTS)))
PROTOCOL = StudyProtocol(
    ratings_wanted=PEOPLE, training_count=0, gold_every=0, trap_every=0, repeat_every=0, break_every=5, break_s=0
)


# ---- the story ----


@dataclass
class Volunteer:
    """Somebody who rates to the end; `given` maps pictures by name to the grades that they mean, in their order."""

    number: int
    pseudonym: str
    link: str
    given: dict[str, int]
    code: str = ""

    async def label(self, rater: Rater, door: asyncio.Semaphore, kill: asyncio.Barrier) -> None:
        """Rate to the end."""
        async with door:
            await rater.enter()
        incident = INCIDENTS[self.number % len(INCIDENTS)]
        while (side_px := await rater.look()) is not None:
            grade = opinion(self.number, side_px)
            act = incident if len(self.given) == 1 + self.number % 5 else Rater.press
            await act(rater, grade)
            self.given[name_of(side_px)] = grade
            if len(self.given) == BEFORE_THE_KILL:
                await kill.wait()
        self.code = rater.code


@dataclass(frozen=True)
class Labelled:
    """A study that is rated to the end."""

    database: Database
    study_id: int
    people: Sequence[Volunteer]

    def ratings(self) -> list[RatingRow]:
        with self.database.read() as db:
            return list(queries.ratings.stream_ratings(db, self.study_id))


@pytest.fixture(scope="module")
def labelled(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelled]:
    folder = tmp_path_factory.mktemp("story")
    settings = Settings.from_environment({"FIQA_DATA_DIR": str(folder / "data")})
    port = free_port()
    with closing(open_database(settings.database_url)) as database:
        study_id, people = prepare(database, settings.data_dir, f"http://127.0.0.1:{port}/")
    with ExitStack() as apps:
        start = partial(run_app, folder, port=port, program=PROGRAM, PYTHONPATH=str(ROOT))
        app = apps.enter_context(start())

        def kill_and_start() -> None:
            app.kill()
            apps.enter_context(start())

        # In a thread: the other tests' Playwright has an event loop in this one.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, label_together(people, kill_and_start)).result()
        with closing(open_database(settings.database_url)) as database:
            yield Labelled(database, study_id, people)


def prepare(database: Database, data_dir: Path, address: str) -> tuple[int, list[Volunteer]]:
    """Open a study, and make a personal link for everybody."""
    now = datetime.now(UTC)
    offered = [Candidate(f"{number:02}.png", partial(picture, number)) for number in range(PICTURES)]
    study_id = make_study(database, data_dir, offered, protocol=PROTOCOL)
    with database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.OPEN, now)
        invited = [queries.participants.create_participant(db, study_id, now) for _ in range(PEOPLE)]
        addresses = [f"{address}?participant={links.issue_link(db, each.id, now)}" for each in invited]
        return study_id, [Volunteer(n, each.pseudonym, addresses[n], {}) for n, each in enumerate(invited)]


async def label_together(people: Sequence[Volunteer], kill_and_start: Callable[[], None]) -> None:
    """Let everybody rate at the same time; kill the app when all have rated some, and are rating."""
    door, kill = asyncio.Semaphore(AT_THE_DOOR), asyncio.Barrier(len(people) + 1)

    async def interrupt() -> None:
        await kill.wait()
        await asyncio.sleep(0.3)
        await asyncio.to_thread(kill_and_start)

    async with open_pages(len(people)) as pages, asyncio.TaskGroup() as group:
        group.create_task(interrupt())
        for each, page in zip(people, pages, strict=True):
            group.create_task(each.label(Rater(page, each.link), door, kill))


def test_every_picture_has_exactly_the_ratings_that_were_wanted(labelled: Labelled) -> None:
    counts = Counter(row.stimulus for row in labelled.ratings())
    assert counts == {name_of(side_of(number)): PEOPLE for number in range(PICTURES)}
    with labelled.database.read() as db:
        places = db.execute(select(Stimulus.rated, Stimulus.taken).where(Stimulus.study_id == labelled.study_id)).all()
    assert {tuple(row) for row in places} == {(PEOPLE, PEOPLE)}


def test_what_people_gave_is_stored_for_the_picture_that_they_saw(labelled: Labelled) -> None:
    stored: dict[str, dict[str, float | None]] = {each.pseudonym: {} for each in labelled.people}
    for row in labelled.ratings():
        stored[row.participant][row.stimulus] = row.grade
    assert stored == {each.pseudonym: each.given for each in labelled.people}


def test_what_was_undone_is_marked_and_nothing_else_is(labelled: Labelled) -> None:
    undoing = [each for each in labelled.people if INCIDENTS[each.number % len(INCIDENTS)] is change_their_mind]
    with labelled.database.read() as db:
        undone = db.scalar(select(func.count()).where(Rating.undone_at.is_not(None)))
    assert undone == len(undoing)


def test_everybody_had_the_pictures_in_an_order_of_their_own(labelled: Labelled) -> None:
    assert len({tuple(each.given) for each in labelled.people}) == PEOPLE


def test_everybody_got_a_completion_code(labelled: Labelled) -> None:
    assert all(each.code for each in labelled.people)


def test_nothing_is_left_for_who_comes_late(labelled: Labelled) -> None:
    assert Person(labelled.database, labelled.study_id).start().kind is StepKind.FINISH


def test_the_mos_is_the_mean_of_what_people_gave(labelled: Labelled) -> None:
    with labelled.database.read() as db:
        table = mos_table(db, labelled.study_id)
    means = [np.mean([each.given[name] for each in labelled.people]) for name in table.stimulus_ids]
    np.testing.assert_allclose(table.mos, means)
