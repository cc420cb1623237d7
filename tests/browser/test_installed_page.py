"""The app beside an installed package, without a clone's folders around it."""

import shutil
from pathlib import Path

from playwright.sync_api import Browser

from tests.app_process import run_app
from tests.installed import ROOT, install_wheel


def test_the_page_is_styled_as_in_a_clone(tmp_path: Path, browser: Browser) -> None:
    program = tmp_path / "elsewhere" / "app.py"
    program.parent.mkdir()
    shutil.copy(ROOT / "app.py", program)
    with run_app(tmp_path, program=program, PYTHONPATH=str(install_wheel(tmp_path))) as app:
        page = browser.new_page()
        page.goto(app.address)
        page.wait_for_selector("#header h1")
        read = "([selector, name]) => getComputedStyle(document.querySelector(selector)).getPropertyValue(name)"
        assert page.evaluate(read, ["#header header", "display"]) == "flex"
        assert page.evaluate(read, ["#header button", "border-radius"]) == "50%"
        assert page.evaluate(read, ["#footer footer", "justify-content"]) == "space-between"
        page.close()
