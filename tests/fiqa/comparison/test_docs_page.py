"""The example of docs/comparing.md, run as it is printed."""

import re
from pathlib import Path

import pytest

from fiqa.comparison.comparison import Comparison

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[3] / "docs" / "comparing.md"


def test_the_filters_of_the_example_make_the_noisy_photos_better(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}

    exec(code, names)  # noqa: S102  the page's own example

    comparison = names["comparison"]
    assert isinstance(comparison, Comparison)
    means = {method.name: method.mean or 0 for method in comparison.methods}
    assert means["median"] > means["noisy"]
    assert means["total_variation"] > means["noisy"]
