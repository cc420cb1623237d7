"""The commands of docs/many_photos.md do what the page says, in its order."""

import re
import shlex
import shutil
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from skimage.data import astronaut

from fiqa.__main__ import main

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[3] / "docs" / "many_photos.md"


def commands(title: str) -> list[list[str]]:
    """Return the words of each command in a section."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]
    (block,) = re.findall(r"^```bash\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return [shlex.split(line.split(" #")[0])[1:] for line in block.splitlines()]


def test_a_folder_is_scored_and_resumed_and_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for name, side in (("a", 256), ("b", 200)):
        Image.fromarray(astronaut()[:256, 96:352]).resize((side, side)).save(f"photos/{name}.png")
    for words in commands("A folder"):
        assert main(words) == 0
    scores = pd.read_parquet("scores.parquet")
    assert [*scores["path"]] == ["photos/a.png", "photos/b.png"]
    assert scores["score"].between(0, 1).all()

    shutil.copy("scores.parquet", "other.parquet")
    scores.drop(columns="box_xyxy").assign(camera=["phone", "mirror"], age=[20, 40]).to_csv("scores.csv", index=False)
    for words in commands("What came of it"):
        assert main(words) == 0
    assert Path("report.html").read_text(encoding="utf-8").count("<img ") == 4  # two worst, two best
