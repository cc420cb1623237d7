"""What the panels are drawn with: nothing that came from outside can be markup."""

import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from PIL import Image

from annotate.ui.studies import background
from annotate.ui.studies.background import run_in_background
from annotate.ui.studies.html import pager, press, text, thumbnail, whole_number

MARKUP = "<b>${value}</b>'\""


def test_text_is_neither_markup_nor_template() -> None:
    assert not set("<>${}'\"") & set(text(MARKUP))
    assert text(1) == "1"


def test_what_a_button_carries_stays_inside_its_attribute() -> None:
    assert press("open", MARKUP, study=MARKUP).count("<") == 2


@pytest.mark.parametrize(
    ("sent", "number"), [("7", 7), (8, 8), ("-1", 0), ("x", 0), (None, 0), ("9" * 30, 10**9), (2.5, 0)]
)
def test_nonsense_from_the_page_is_the_least_number(sent: object, number: int) -> None:
    assert whole_number(sent) == number


def test_a_pager_goes_on_and_back_only_where_there_is_something() -> None:
    assert pager(0, 50, 50) == ""
    assert "Back" not in pager(0, 50, 120)
    assert "Next" not in pager(100, 20, 120)
    assert 'data-first="50"' in pager(0, 50, 120)


def test_a_missing_or_damaged_picture_does_not_break_a_page(tmp_path: Path) -> None:
    (tmp_path / "damaged.png").write_bytes(b"\x89PNG junk")
    assert "no-picture" in thumbnail(tmp_path / "missing.png")
    assert "no-picture" in thumbnail(tmp_path / "damaged.png")


def test_a_thumbnail_stands_as_the_browser_shows_the_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    Image.new("RGB", (400, 100)).save(tmp_path / "turned.jpg", exif=exif)
    assert 'width="48" height="192"' in thumbnail(tmp_path / "turned.jpg")


def finish(steps: Generator[str, None, int]) -> tuple[list[str], int]:
    said = []
    while True:
        try:
            said.append(next(steps))
        except StopIteration as end:
            return said, end.value


def test_long_work_says_how_far_it_is_and_short_work_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "TOLD_EVERY_S", 0.02)
    done: list[int] = []

    def work() -> int:
        while len(done) < 5:
            time.sleep(0.02)
        return 7

    def say() -> str:
        done.append(1)
        return f"{len(done)}"

    told, result = finish(run_in_background(work, say))
    assert (told[:5], result) == (["1", "2", "3", "4", "5"], 7)  # and perhaps once more while the work ends
    monkeypatch.setattr(background, "TOLD_EVERY_S", 60)
    assert finish(run_in_background(lambda: 8, say)) == ([], 8)


@pytest.mark.parametrize("kind", [ValueError, TimeoutError])
def test_an_error_of_the_work_comes_out(kind: type[Exception]) -> None:
    def work() -> int:
        raise kind("its own")

    with pytest.raises(kind, match="its own"):
        finish(run_in_background(work, lambda: ""))


def test_who_leaves_does_not_wait_for_the_work_and_it_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "TOLD_EVERY_S", 0.01)
    go_on, finished = threading.Event(), threading.Event()

    def work() -> None:
        if go_on.wait(timeout=30):
            finished.set()

    following = run_in_background(work, lambda: "")
    next(following)
    following.close()  # would never come back if it waited
    assert not finished.is_set()
    go_on.set()
    assert finished.wait(timeout=30)


def test_the_log_tells_of_a_failure_that_nobody_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "TOLD_EVERY_S", 0.01)
    left, logged = threading.Event(), threading.Event()

    def work() -> None:
        left.wait(timeout=30)
        raise ValueError("its own")

    monkeypatch.setattr(background.logger, "error", lambda *_, **__: logged.set())
    following = run_in_background(work, lambda: "")
    next(following)
    following.close()
    left.set()
    assert logged.wait(timeout=30)
