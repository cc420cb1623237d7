"""The study that tests of exports are about, and readers of what was written."""

import csv
import json
from pathlib import Path

COUNT, PEOPLE = 24, 4
NAMES = [f"{number:03}.png" for number in range(COUNT)]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def labels(out: Path) -> dict[str, float]:
    """Return the label of every file, from all splits."""
    found: dict[str, float] = {}
    for split in ("train", "val", "test"):
        read = json.loads((out / split / "label.json").read_text(encoding="utf-8"))
        assert read.keys() == {"Image", "MOS"}
        found |= {f"{split}/img/{name}": mos for name, mos in zip(read["Image"], read["MOS"], strict=True)}
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
