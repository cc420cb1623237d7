"""Photos of data sets that the package `datasets` can load, read as a stream: of the Hugging Face Hub or in a folder.

A word `dataset:owner/name` names the split train, `dataset:owner/name:test` another.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from fiqa.bulk.lists import Named, path_column, photo_of_row
from fiqa.errors import SettingError

PREFIX = "dataset:"
SPLIT = "train"


def is_dataset(word: str) -> bool:
    """Whether a word names a data set."""
    return word.startswith(PREFIX)


def photos_of_dataset(word: str, column: str | None = None) -> Iterator[Named]:
    """Yield name and photo of every row of a data set; raise SettingError where it cannot be read."""
    datasets, rows = _loaded(word)
    try:
        column = _photo_column(datasets, word, rows, column)
        if isinstance(rows.features and rows.features.get(column), datasets.Image):
            rows = rows.cast_column(column, datasets.Image(decode=False))  # the bytes as they were uploaded
        for number, row in enumerate(rows.select_columns([column])):
            yield from photo_of_row(word, {column: row[column]}, number)
    except SettingError:
        raise
    except Exception as error:
        raise _unreadable(word, error) from error


def count_of_dataset(word: str) -> int | None:
    """Return how many rows a data set says it has, None where it does not say or cannot be read."""
    with suppress(SettingError):
        _, rows = _loaded(word)
        split = (rows.info.splits or {}).get(str(rows.split))
        return int(split.num_examples) or None if split else None
    return None


def _loaded(word: str) -> tuple[Any, Any]:
    """Return the module `datasets` and the rows of a data set as a stream."""
    try:
        import datasets
    except ImportError as error:
        raise SettingError("Reading data sets needs datasets: run `pip install 'fiqa[datasets]'`.") from error
    name, _, split = word.removeprefix(PREFIX).partition(":")
    try:
        return datasets, datasets.load_dataset(name, split=split or SPLIT, streaming=True)
    except Exception as error:
        raise _unreadable(word, error) from error


def _photo_column(datasets: Any, word: str, rows: Any, asked: str | None) -> str:
    """Return the column asked for, else the first of pictures, else one with a known name."""
    known: dict[str, Any] = rows.features or dict.fromkeys(next(iter(rows)))
    pictures = [name for name, kind in known.items() if isinstance(kind, datasets.Image)]
    return path_column(word, known, asked or next(iter(pictures), None))


def _unreadable(word: str, error: Exception) -> SettingError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return SettingError(f"{word} cannot be read: {reason}.")
