"""The authors' test protocol, for numbers that can be compared with published ones.

Reads a test set in their layout, `<data>/test/{label.json,img,landmark}`, scores every picture as their
`test.py` does (20 random crops of the picture as it is, no face detection, one generator for the whole
list, so the order matters), writes `<output>/<NAME>/prediction.csv` with their columns and returns the
agreement with the labels. Only speed differs: crops go through the network in batches.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fiqa.alignment import View
from fiqa.crops import ReleasedOffsets
from fiqa.errors import PhotoError, SettingError
from fiqa.images import decode_photo
from fiqa.loading import load_predictor
from fiqa.metrics import AGREEMENT
from fiqa.predictor import FaceCrops, QualityPredictor

COLUMNS = ("Name", "Predict", "GT", "Error")
CROPS = 20
UNTURNED = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True)
class LabelledPhoto:
    """One picture of a test set; `landmarks` is (L, 2), (x, y) in pixels, or None where the file is missing."""

    path: Path
    mos: float
    landmarks: NDArray[np.float32] | None


def run_official_protocol(
    checkpoint: str, data: Path, *, device: str = "auto", output: Path = Path("result"), progress: bool = True
) -> dict[str, float]:
    """Score a test set as the authors do; return {"PLCC", "SRCC", "KRCC", "RMSE"}.

    Raises SettingError when the data set is incomplete, CheckpointError when the weights are.
    """
    photos = read_test_set(data)
    predictor = load_predictor(checkpoint, device=device, finder="bundled")
    offsets = ReleasedOffsets()
    bar = tqdm(photos, unit="photo", disable=not progress)
    scores = [score_as_released(predictor, photo, offsets) for photo in bar]
    labels = [photo.mos for photo in photos]
    write_predictions(output / data.resolve().name / "prediction.csv", photos, scores)
    return {name: figure(scores, labels) for name, figure in AGREEMENT.items()}


def read_test_set(data: Path) -> list[LabelledPhoto]:
    """Read `<data>/test` in the order of its label.json; raise SettingError naming what is wrong with it."""
    folder = data / "test"
    if not (folder / "label.json").is_file():
        raise SettingError(f"{data} is no data set of the authors' layout: test/label.json is missing.")
    labels = read_label_file(folder / "label.json")
    photos = [_labelled(folder, name, mos) for name, mos in zip(labels["Image"], labels["MOS"], strict=True)]
    if missing := [photo.path.name for photo in photos if not photo.path.is_file()]:
        raise SettingError(f"{folder / 'img'} lacks {len(missing)} labelled pictures: {', '.join(missing[:3])}.")
    if len(photos) < 2:
        raise SettingError(f"{folder / 'label.json'} names {len(photos)} pictures; agreement needs at least two.")
    return photos


def read_label_file(path: Path) -> dict[str, list[Any]]:
    """Read the lists of a label.json: Image (names), MOS (numbers) and whatever other list is as long.

    Raises SettingError when it is malformed.
    """
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))
        pairs = list(zip(map(str, labels["Image"]), map(float, labels["MOS"]), strict=True))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingError(f"{path} must hold parallel lists Image and MOS: {error}.") from error
    columns: dict[str, list[Any]] = {"Image": [name for name, _ in pairs], "MOS": [mos for _, mos in pairs]}
    others = {key: values for key, values in labels.items() if isinstance(values, list) and key not in columns}
    return {**columns, **{key: values for key, values in others.items() if len(values) == len(pairs)}}


def score_as_released(predictor: QualityPredictor, photo: LabelledPhoto, offsets: ReleasedOffsets) -> float:
    """Return the mean score of 20 random crops of one picture."""
    pixels = decode_photo(photo.path).pixels
    crop_px = predictor.config.crop_px
    if min(pixels.shape[:2]) < crop_px:
        raise PhotoError(f"{photo.path.name} is smaller than a crop of {crop_px} pixels.")
    drawn = offsets.draw(pixels.shape[0], pixels.shape[1], crop_px, CROPS)
    crops = FaceCrops(None, View(pixels, UNTURNED), drawn, photo.landmarks)
    return float(predictor.predict([crops]).score.double().mean())


def write_predictions(path: Path, photos: list[LabelledPhoto], scores: list[float]) -> None:
    """Write the authors' table: name without suffix, score, label, squared error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(_rows(photos, scores))


def _rows(photos: list[LabelledPhoto], scores: list[float]) -> Iterator[tuple[str, float, float, float]]:
    for photo, score in zip(photos, scores, strict=True):
        yield photo.path.stem, score, photo.mos, (score - photo.mos) ** 2


def _labelled(folder: Path, name: str, mos: float) -> LabelledPhoto:
    # A label file is data from elsewhere: a name must not lead out of the folder.
    path = folder / "img" / Path(name).name
    landmarks = folder / "landmark" / f"{path.stem}.npy"
    return LabelledPhoto(path, mos, np.load(landmarks).astype(np.float32) if landmarks.is_file() else None)
