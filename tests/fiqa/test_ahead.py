"""Threads prepare what comes next, in order, and never far ahead."""

import threading
from collections.abc import Iterator

import pytest

from fiqa.ahead import made_ahead


def test_results_come_in_order_whichever_thread_is_first() -> None:
    second_is_done = threading.Event()

    def make(number: int) -> int:
        if number == 0:
            assert second_is_done.wait(10)
        if number == 1:
            second_is_done.set()
        return 10 * number

    assert list(made_ahead(make, range(5), workers=2, ahead=3)) == [0, 10, 20, 30, 40]


def test_an_endless_source_is_read_no_further_than_asked() -> None:
    read = []

    def numbers() -> Iterator[int]:
        while True:
            read.append(1)
            yield len(read)

    results = made_ahead(str, numbers(), workers=2, ahead=4)
    assert [next(results) for _ in range(3)] == ["1", "2", "3"]
    assert len(read) <= 3 + 4


def test_an_error_comes_where_its_result_would_have() -> None:
    results = made_ahead(lambda each: 1 / each, [1, 0], workers=1, ahead=4)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_an_error_of_the_source_comes_after_the_results_before_it() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    results = made_ahead(str, numbers(), workers=1, ahead=4)
    assert next(results) == "1"
    with pytest.raises(OSError, match="gone"):
        next(results)
