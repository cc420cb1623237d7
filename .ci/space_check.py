"""Start the app as a Hugging Face Space does, with nothing but its variables, and look at it in Chromium.

    python .ci/space_check.py

What a Space sets is from its documentation; 7860 is the port that it looks at. Ends with status 1 and the app's log
when the page, a score or the end at SIGTERM is not as it should be.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import expect  # noqa: E402

from tests.browser.conftest import open_browser  # noqa: E402

ADDRESS = "http://127.0.0.1:7860/"
THEIRS = ("https://huggingface.co/", "https://fonts.googleapis.com/", "https://fonts.gstatic.com/")
"""Whom the bar asks that Gradio puts on top of every Space."""
START_S, SCORE_MS = 180, 180_000
SPACE = {
    "SYSTEM": "spaces",
    "SPACE_ID": "someone/fiqa",
    "SPACE_HOST": "someone-fiqa.hf.space",
    "SPACE_AUTHOR_NAME": "someone",
    "SPACE_REPO_NAME": "fiqa",
    "SPACE_TITLE": "Face Image Quality",
    "GRADIO_ALLOW_FLAGGING": "never",
    "GRADIO_NUM_PORTS": "1",
    "GRADIO_SERVER_NAME": "0.0.0.0",  # noqa: S104  # the proxy is outside the container
    "GRADIO_THEME": "huggingface",
}


def main() -> int:
    """Run the check; returns the exit status."""
    if _is_served():
        print(f"Something is served at {ADDRESS} already, where the Space would be: end it first.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as home:
        log = Path(home, "log")
        environment = {**SPACE, "HOME": home, "PATH": os.environ["PATH"], "TMPDIR": home}
        with log.open("wb") as file:
            command = [sys.executable, "app.py"]
            app = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file)  # noqa: S603
        try:
            started = time.monotonic()
            _wait_for_page(app)
            print(f"The page is served after {time.monotonic() - started:.1f} s.")
            _look()
            app.send_signal(signal.SIGTERM)
            _expect(app.wait(timeout=60) == 0, f"The app ended with status {app.returncode} at SIGTERM.")
        except Exception as error:  # noqa: BLE001  whatever it is, the log tells more
            print(f"{error}\n{log.read_text()}", file=sys.stderr)
            return 1
        finally:
            app.kill()
    print("The Space works: page, score, health, end.")
    return 0


def _wait_for_page(app: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and app.poll() is None:
        if _is_served():
            return
        time.sleep(0.1)
    _expect(condition=False, problem="The app did not come up.")


def _is_served() -> bool:
    try:
        urlopen(f"{ADDRESS}healthz", timeout=5).close()  # noqa: S310  # our own server
    except HTTPError:
        return True
    except (URLError, ConnectionError):
        return False
    return True


def _look() -> None:
    """Score an example, and see that the page asks nobody else for anything."""
    with open_browser() as browser:
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(ADDRESS)
        page.locator("#examples img").first.wait_for(timeout=SCORE_MS)
        page.locator("#examples button").first.click()
        expect(page.locator("#panel .result")).to_be_visible(timeout=SCORE_MS)
        foreign = [url for url in asked if not url.startswith((ADDRESS, *THEIRS, "data:", "blob:"))]
        _expect(not foreign, f"The page asked others: {foreign}")


def _expect(condition: bool, problem: str) -> None:
    if not condition:
        raise RuntimeError(problem)


if __name__ == "__main__":
    sys.exit(main())
