"""Repeat a comparison from its JSON report, and say what comes out otherwise."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fiqa.comparison.comparison import Comparison
from fiqa.errors import SettingError

TOLERANCE = 1e-4
"""Scores that differ by no more are the same: processors and their libraries round differently."""


def read_report(path: Path) -> dict[str, Any]:
    """Return the JSON report of a comparison; raises SettingError when the file is none."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        _ = {(method, given["folder"]) for method, given in report["stamp"]["inputs"].items()}
        _ = [photo["scores"].items() for photo in report["photos"]]
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SettingError(f"{path} is no report of a comparison: give what `--format json` wrote.") from None
    loaded: dict[str, Any] = report
    return loaded


def differences(report: Mapping[str, Any], repeated: Comparison) -> Iterator[str]:
    """Yield a sentence for everything in a report that a repeated comparison does not confirm; none where all is."""
    yield from _changed_stamp(report["stamp"], repeated.stamp.to_dict())
    yield from _changed_scores(report["photos"], repeated)


def _changed_stamp(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key, title in (("checkpoint", "checkpoint"), ("sha256", "SHA-256 of the weights"), ("finder", "face finder")):
        if before.get(key) != now[key]:
            yield f"The {title} was {before.get(key)} and is {now[key]}."
    for method, given in now["inputs"].items():
        if before["inputs"].get(method, {}).get("sha256") != given["sha256"]:
            yield f"The photos of {method} in {given['folder']} are not the same files."


def _changed_scores(before: list[Any], repeated: Comparison) -> Iterator[str]:
    now = {photo.name: photo.scores for photo in repeated.photos}
    told = {photo["name"]: photo["scores"] for photo in before}
    if missing := sorted(set(told) ^ set(now)):
        photos_are = "1 photo is" if len(missing) == 1 else f"{len(missing)} photos are"
        yield f"{photos_are} in one of the two only, {missing[0]} first."
    changed = [
        (name, method, score, now[name].get(method))
        for name, scores in told.items()
        if name in now
        for method, score in scores.items()
        if not _same(score, now[name].get(method))
    ]
    if changed:
        name, method, score, other = changed[0]
        scores_differ = "1 score differs" if len(changed) == 1 else f"{len(changed)} scores differ"
        yield f"{scores_differ}; the first: {name} of {method} was {_told(score)} and is {_told(other)}."


def _same(a: float | None, b: float | None) -> bool:
    return a is b if a is None or b is None else abs(a - b) <= TOLERANCE


def _told(score: float | None) -> str:
    return "without a score" if score is None else f"{score:.4f}"


def inputs_of(report: Mapping[str, Any], paths: Sequence[Path] = ()) -> dict[str, str]:
    """Return where the photos of each method in a report lie: where they lay, unless `paths` says so in their order.

    Raises SettingError when there are more or fewer paths than methods.
    """
    inputs = {method: str(given["folder"]) for method, given in report["stamp"]["inputs"].items()}
    if paths and len(paths) != len(inputs):
        raise SettingError(
            f"The report compares {len(inputs)} methods ({', '.join(inputs)}) and {len(paths)} places are named: "
            "name one for each, or none."
        )
    return dict(zip(inputs, (str(path.resolve()) for path in paths), strict=True)) if paths else inputs
