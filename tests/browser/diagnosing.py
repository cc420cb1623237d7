"""A network that is slow at the last picture and may break down there, and what the Studies tab shows meanwhile."""

import threading
from typing import Any

from playwright.sync_api import Page, expect

LAST_IS_DIAGNOSED = threading.Event()
"""Until then the last picture takes as long as it likes."""
BREAKS_DOWN = threading.Event()
"""While it is set, the last picture ends in an error that nobody foresaw."""


def find_blur(last: bytes, data: bytes) -> list[dict[str, Any]]:
    """Diagnose a picture as a slow network would that always finds the same."""
    if data == last:
        LAST_IS_DIAGNOSED.wait(timeout=60)
        assert not BREAKS_DOWN.is_set()
    return [{"type": "gaussian_blur", "probability": 0.9, "severity": 0.5}]


def diagnose_and_stop(page: Page, pictures: int) -> None:
    """Have as many pictures diagnosed, stop before the last one, go on, fail, and go on again."""
    found, start, stop = (
        page.locator(each) for each in ("#complaint-agreement", "#diagnose-pictures", "#stop-diagnosing")
    )
    start.click()
    expect(found).to_contain_text(f"lite is looking at the pictures, 0 of {pictures}")
    expect(start).to_be_hidden()
    stop.click()
    expect(found).to_have_text(f"Stopped after {pictures - 1} of {pictures} pictures.")
    expect(stop).to_be_hidden()
    BREAKS_DOWN.set()
    start.click()
    expect(found).to_contain_text("is looking at the pictures")
    LAST_IS_DIAGNOSED.set()
    expect(found).to_be_empty()
    expect(start).to_be_visible()
    expect(stop).to_be_hidden()
    BREAKS_DOWN.clear()
    start.click()
    expect(found).to_contain_text(f"lite looked at {pictures} pictures.")
    expect(found.locator("table.diagnoses td").first).to_have_text("gaussian blur")
    expect(start).to_be_visible()
    expect(stop).to_be_hidden()
