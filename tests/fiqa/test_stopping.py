import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fiqa.stopping import Stopped, status_of, stopped_by_signals

SIGNALLED = """
import signal
signal.raise_signal(signal.{name})
finished = True
"""


@pytest.fixture(autouse=True)
def usual_signals() -> Iterator[None]:
    """Python's own handlers, also where the tests run in a shell's background, which ignores SIGINT."""
    usual: dict[int, Any] = {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_an_import_that_is_under_way_is_finished_before_the_work_ends(
    name: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(getattr(signal, name))
    module = f"importing_at_{name.lower()}"
    (tmp_path / f"{module}.py").write_text(SIGNALLED.format(name=name))
    monkeypatch.syspath_prepend(tmp_path)

    def work() -> None:
        with stopped_by_signals():
            assert __import__(module).finished
            threading.Event().wait(20)

    with pytest.raises(KeyboardInterrupt) as stop:
        work()

    assert status_of(stop.value) == status
    assert isinstance(stop.value, Stopped) == (name == "SIGTERM")
    assert signal.getsignal(getattr(signal, name)) == before
    del sys.modules[module]
