"""How well, and how fast, faces are found in photos of groups from sources that no network was trained on.

    python -m benchmarks.group_photos --scenes DIR [--former CHECKOUT] [--split test] [--photos 0] [--json FILE]

The reference is another detector's boxes (see `training.data.group_photos`): faces it is sure of count, those it is
unsure of neither count nor make a find false. A find that lies on none of its boxes is counted as false, although it
may be a face that the reference missed, such as one in profile. With `--former` the finder of another checkout of this
project looks at each photo right after this one's, so that both times are of the same run. Times are CPU time of one
thread, first for the photos of groups, then for one portrait of 512 pixels, scikit-image's astronaut.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray
from skimage import data
from tqdm import tqdm

from fiqa.faces.boxes import overlaps
from training.data.group_photos import GroupPhoto, read_group_photos

SIZES_PX = (24, 40, 80)
"""Lower ends of the groups of sizes, by the longer side of the landmarks' box."""
SAME_FACE, ELSEWHERE = 0.4, 0.1
"""Intersection over union from which a find is the face, and below which it is none of the reference's."""
PORTRAIT_REPEATS = 15
WORKER = """
import json, sys, time
import numpy as np
import torch
from PIL import Image
from fiqa.faces.finders import load_face_finder
torch.set_num_threads(1)
finder = load_face_finder("bundled")
finder.find(np.zeros((512, 512, 3), np.uint8))
for line in sys.stdin:
    photo = np.asarray(Image.open(line.strip()).convert("RGB"))
    start = time.process_time()
    faces = finder.find(photo)
    seconds = time.process_time() - start
    print(json.dumps({"boxes": [face.box_xyxy for face in faces], "seconds": seconds}), flush=True)
"""
"""Looks at the photos whose paths come in, with the `fiqa` of the folder it is started in."""

Boxes = NDArray[np.float64]


class Searcher:
    """The bundled finder of a checkout, in a process of its own."""

    def __init__(self, checkout: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(checkout)}
        self._process = subprocess.Popen(  # noqa: S603  our own code
            [sys.executable, "-c", WORKER], cwd=checkout, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def search(self, path: Path) -> tuple[Boxes, float]:
        """Return the boxes (N, 4) found in a photo and the CPU seconds it took without decoding."""
        asked, answered = cast("IO[str]", self._process.stdin), cast("IO[str]", self._process.stdout)
        print(path.resolve(), file=asked, flush=True)
        answer = json.loads(answered.readline())
        return np.array(answer["boxes"], dtype=np.float64).reshape(-1, 4), float(answer["seconds"])

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@dataclass
class Figures:
    """Faces by size ("24", "40", "80": from so many pixels up to the next) and how many of them were found."""

    faces: dict[str, int] = field(default_factory=lambda: dict.fromkeys(map(str, SIZES_PX), 0))
    found: dict[str, int] = field(default_factory=lambda: dict.fromkeys(map(str, SIZES_PX), 0))
    false: int = 0
    photos: int = 0
    seconds: list[float] = field(default_factory=list)
    portrait_ms: float = 0.0

    def add(self, photo: GroupPhoto, boxes: Boxes, seconds: float) -> None:
        """Count what was found in one photo."""
        for face in photo.faces:
            size = size_of(face)
            if size is not None:
                self.faces[size] += 1
                self.found[size] += bool(overlaps(face, boxes).max(initial=0.0) >= SAME_FACE)
        known = np.concatenate([photo.faces, photo.unsure])
        self.false += sum(bool(overlaps(box, known).max(initial=0.0) < ELSEWHERE) for box in boxes)
        self.photos += 1
        self.seconds.append(seconds)

    def summary(self) -> dict[str, float]:
        """Return shares, false finds a photo, and milliseconds."""
        recall = {f"found_from_{size}_px": self.found[size] / max(1, self.faces[size]) for size in self.faces}
        return {
            **{name: round(value, 4) for name, value in recall.items()},
            "false_per_photo": round(self.false / self.photos, 4),
            "group_photo_ms": round(1e3 * float(np.mean(self.seconds)), 1),
            "portrait_ms": round(self.portrait_ms, 1),
        }


def size_of(face: Boxes) -> str | None:
    """Return the group of sizes of a box (4,), None for one too small to be asked for."""
    longest = float((face[2:] - face[:2]).max())
    return next((str(size) for size in reversed(SIZES_PX) if longest >= size), None)


def measure(searchers: dict[str, Searcher], photos: Sequence[GroupPhoto]) -> dict[str, Figures]:
    """Let every searcher look at each photo in turn."""
    figures = {name: Figures() for name in searchers}
    for photo in tqdm(photos):
        for name, searcher in searchers.items():
            figures[name].add(photo, *searcher.search(photo.path))
    portrait = Path(data.__file__).parent / "astronaut.png"
    times: dict[str, list[float]] = {name: [] for name in searchers}
    for _ in range(PORTRAIT_REPEATS):
        for name, searcher in searchers.items():
            times[name].append(searcher.search(portrait)[1])
    for name, each in times.items():
        figures[name].portrait_ms = 1e3 * median(each)
    return figures


def print_figures(figures: dict[str, Figures]) -> None:
    """Print one row a figure, one column a finder."""
    print(f"{'':<22}" + "".join(f"{name:>12}" for name in figures))
    summaries = [each.summary() for each in figures.values()]
    for row in summaries[0]:
        print(f"{row:<22}" + "".join(f"{summary[row]:>12}" for summary in summaries))
    print("faces:", next(iter(figures.values())).faces)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the figures."""
    parser = argparse.ArgumentParser(description="Measure face finders on group photos kept aside.")
    parser.add_argument("--scenes", type=Path, required=True, help="folder of group photos with scenes.json")
    parser.add_argument("--former", type=Path, help="another checkout of this project to compare with")
    parser.add_argument("--split", choices=("val", "test"), default="test")
    parser.add_argument("--photos", type=int, default=0, help="look at so many photos only")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    given = parser.parse_args(arguments)
    photos = [photo for photo in read_group_photos(given.scenes) if photo.split == given.split]
    searchers = {"now": Searcher(Path(__file__).parents[1])}
    if given.former:
        searchers["former"] = Searcher(given.former.resolve())
    try:
        figures = measure(searchers, photos[: given.photos or None])
    finally:
        for searcher in searchers.values():
            searcher.close()
    print_figures(figures)
    if given.json:
        table = {name: {**each.summary(), "faces": asdict(each)["faces"]} for name, each in figures.items()}
        given.json.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
