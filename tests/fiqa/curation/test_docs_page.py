"""The example of docs/curating.md, run as it is printed."""

import re
from pathlib import Path

import pytest

from fiqa.curation.curation import Curation

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[3] / "docs" / "curating.md"


def test_the_verdicts_of_the_example_are_those_that_the_page_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}

    exec(code, names)  # noqa: S102  the page's own example

    curation = names["curation"]
    assert isinstance(curation, Curation)
    reasons = {Path(photo.name).stem: photo.reason or "" for photo in curation.photos}
    assert reasons["clean"] == ""
    assert reasons["compressed"] == "near-duplicate of clean.png"
    for name in ("smaller", "blurred", "shaken"):
        assert reasons[name].startswith("diagnosed as"), name
