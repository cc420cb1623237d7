"""The rating page as its visitors use it, and studies for them to rate."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from annotate import queries
from annotate.design.items import ItemKind
from annotate.design.states import State
from annotate.methods import make_protocol
from annotate.queries.ratings import RatingRow
from annotate.rating import links
from annotate.stimuli.files import Candidate
from annotate.ui.labelling import Labelling
from tests.annotate.studies import make_study

LOOK_MS = 260
"""A little more than the page takes for the second click of a double click."""
WAIT_MS = 60_000
SIDES_PX = (120, 90)
PLAIN: dict[str, Any] = {"training_count": 0, "gold_every": 0, "trap_every": 0, "repeat_every": 0, "break_every": 0}


def noise(number: int) -> NDArray[np.uint8]:
    """Return a picture (90, 120, 3) uint8 in which every wrong pixel shows."""
    return np.random.default_rng(number).integers(0, 256, (*SIDES_PX[::-1], 3), dtype=np.uint8)


def noise_png(number: int) -> bytes:
    buffer = BytesIO()
    Image.fromarray(noise(number)).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass(frozen=True)
class OpenStudy:
    """A study that people can rate, and what they have rated."""

    labelling: Labelling
    id: int
    join_code: str

    def personal_link(self) -> str:
        """Make a participant; return what follows the address in their link."""
        now = datetime.now(UTC)
        with self.labelling.database.write() as db:
            participant = queries.participants.create_participant(db, self.id, now, language="en")
            return f"?participant={links.issue_link(db, participant.id, now)}"

    def ratings(self) -> list[RatingRow]:
        """Return what counts, in the order in which it was rated."""
        with self.labelling.database.read() as db:
            return sorted(queries.ratings.stream_ratings(db, self.id), key=lambda row: row.rated_at)

    def grades(self) -> list[float | None]:
        return [row.grade for row in self.ratings()]


def open_study(
    labelling: Labelling,
    name: str,
    *,
    images: int = 4,
    training: int = 0,
    reference: int | None = None,
    **protocol: Any,
) -> OpenStudy:
    """Open a study of noise, without checks, training or breaks unless the protocol says so.

    `reference` is the number of the picture that is the reference of all others. Where pairs are compared, two training
    pictures are a pair, the first one the better.
    """
    offered = [
        Candidate(
            f"{number}.png",
            partial(noise_png, number),
            reference=None if reference in {None, number} else f"{reference}.png",
        )
        for number in range(images)
    ]
    offered += [
        Candidate(
            f"t{number}.png",
            partial(noise_png, 100 + number),
            source=f"t{number // 2}",
            kind=ItemKind.TRAINING,
            expected=3.0 - number % 2 * (protocol.get("method") == "pairs"),
        )
        for number in range(training)
    ]
    chosen = make_protocol({**PLAIN, "training_count": training, **protocol})
    study_id = make_study(labelling.database, labelling.settings.data_dir, offered, name=name, protocol=chosen)
    with labelling.database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.OPEN, datetime.now(UTC))
        return OpenStudy(labelling, study_id, queries.studies.get_study(db, study_id).join_code)


class RatingPage:
    """A participant's page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator(".rate")
        self.stage = page.locator(".viewing")
        self.banner = page.locator(".rate .banner")
        self.spoken = page.locator(".rate .spoken")
        page.set_default_timeout(WAIT_MS)

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name)

    def consent(self, agree: str = "I agree") -> None:
        self.page.check("#eligibility-box")
        self.page.check("#consent-box")
        self.button(agree).click()

    def pass_screen(self) -> None:
        self.page.select_option("#patches-dark", "3")
        self.page.select_option("#patches-light", "4")
        self.button("Continue").click()

    def start(self, address: str) -> None:
        """Open a link and go on to the first picture."""
        self.page.goto(address)
        self.consent()
        self.pass_screen()
        self.wait_for_picture()

    def wait_for_picture(self) -> str:
        """Wait until there is a picture that can be rated; return its number."""
        expect(self.stage).to_have_attribute("data-shown", re.compile(r"\d+"), timeout=WAIT_MS)
        return str(self.stage.get_attribute("data-shown"))

    def look(self) -> str:
        """Wait for a picture and look at it; return its number."""
        number = self.wait_for_picture()
        self.page.wait_for_timeout(LOOK_MS)
        return number

    def rate(self, *keys: str) -> None:
        """Rate a picture with each key, waiting for what follows."""
        for key in keys:
            number = self.look()
            self.page.keyboard.press(key)
            self.wait_until_gone(number)

    def wait_until_gone(self, number: str) -> None:
        self.page.wait_for_function(f"document.querySelector('.viewing')?.dataset.shown !== '{number}'")
