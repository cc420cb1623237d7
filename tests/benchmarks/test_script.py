"""A benchmark says in a line what stopped it."""

import pytest

from benchmarks.script import run_benchmark
from fiqa.errors import PhotoError


def test_expected_trouble_is_a_line_and_an_exit_status() -> None:
    def refuse() -> None:
        raise PhotoError("The photo is damaged.")

    with pytest.raises(SystemExit, match=r"^error: The photo is damaged\.$"):
        run_benchmark(refuse)


def test_an_interrupted_benchmark_ends_without_a_traceback() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        run_benchmark(interrupt)
    assert ended.value.code == 130
