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
from io import StringIO
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fiqa.errors import PhotoError, SettingError
from fiqa.evaluation.metrics import AGREEMENT
from fiqa.loading import load_predictor
from fiqa.output import check_writable, make_folder, write_file
from fiqa.photo_scorer import FaceCrops
from fiqa.photos.alignment import View
from fiqa.photos.crops import ReleasedOffsets
from fiqa.photos.images import decode_photo
from fiqa.photos.sources import as_on_disk
from fiqa.predictor import QualityPredictor

COLUMNS = ("Name", "Predict", "GT", "Error")
CROPS = 20
UNTURNED = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True)
class LabelledPhoto:
    """One picture of a test set; `landmarks` is (L, 2), (x, y) in pixels, or None for a network that takes none.

    Landmarks keep the precision of their file: a rounding error decides which of them a crop's border cuts off.
    """

    path: Path
    mos: float
    landmarks: NDArray[np.floating] | None


def run_official_protocol(
    checkpoint: str, data: Path, *, device: str = "auto", output: Path = Path("result"), progress: bool = True
) -> dict[str, float]:
    """Score a test set as the authors do; return {"PLCC", "SRCC", "KRCC", "RMSE"}.

    Raises SettingError when the data set is incomplete, CheckpointError when the weights are.
    """
    predictor = load_predictor(checkpoint, device=device, finder="bundled")
    photos = read_test_set(data, points=landmark_count(predictor))
    table = output / data.resolve().name / "prediction.csv"
    make_folder(table.parent)
    check_writable(table)
    offsets = ReleasedOffsets()
    bar = tqdm(photos, unit="photo", disable=not progress)
    scores = [score_as_released(predictor, photo, offsets) for photo in bar]
    labels = [photo.mos for photo in photos]
    write_predictions(table, photos, scores)
    return {name: figure(scores, labels) for name, figure in AGREEMENT.items()}


def landmark_count(predictor: QualityPredictor) -> int | None:
    """Return how many landmarks of each face the network takes: 0 for none, None for any number."""
    config = predictor.config
    slots = config.landmark_slots
    return {"none": 0, "coordinates": slots, "outline": slots, "index": None}[config.landmarks]


def read_test_set(data: Path, *, points: int | None = None) -> list[LabelledPhoto]:
    """Read `<data>/test` in the order of its label.json, with `points` landmarks of each face (see `landmark_count`).

    Raises SettingError naming what is wrong with it.
    """
    folder = data / "test"
    if not (folder / "label.json").is_file():
        raise SettingError(f"{data} is no data set of the authors' layout: test/label.json is missing.")
    labels = read_label_file(folder / "label.json")
    # A label file is data from elsewhere: a name must not lead out of the folder, whichever system wrote it.
    images, found = folder / "img", folder / "landmark"
    paths = [images / as_on_disk(images, PureWindowsPath(name).name) for name in labels["Image"]]
    if missing := [path.name for path in paths if not path.is_file()]:
        raise SettingError(f"{folder / 'img'} lacks {len(missing)} labelled pictures: {', '.join(missing[:3])}.")
    if len(paths) < 2:
        raise SettingError(f"{folder / 'label.json'} names {len(paths)} pictures; agreement needs at least two.")
    files = [found / as_on_disk(found, f"{path.stem}.npy") for path in paths]
    landmarks = [None if points == 0 else _read_landmarks(file, points) for file in files]
    return [LabelledPhoto(*each) for each in zip(paths, labels["MOS"], landmarks, strict=True)]


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
    table = StringIO()
    writer = csv.writer(table)
    writer.writerow(COLUMNS)
    writer.writerows(_rows(photos, scores))
    write_file(path, table.getvalue().encode())


def _rows(photos: list[LabelledPhoto], scores: list[float]) -> Iterator[tuple[str, float, float, float]]:
    for photo, score in zip(photos, scores, strict=True):
        yield photo.path.stem, score, photo.mos, (score - photo.mos) ** 2


def _read_landmarks(path: Path, points: int | None) -> NDArray[np.floating]:
    """Read landmarks (L, 2) in their own precision; raise SettingError when they are missing or of another kind."""
    expected = f"{path} must hold the landmarks of its picture, {points or 'any number of'} rows of x and y in pixels"
    try:
        landmarks: NDArray[np.floating] = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise SettingError(f"{expected}; it is missing.") from None
    except (OSError, ValueError, EOFError) as error:
        raise SettingError(f"{expected}; it cannot be read: {error}.") from error
    if landmarks.ndim != 2 or landmarks.shape[1] != 2 or landmarks.dtype.kind not in "fiu":
        raise SettingError(f"{expected}; it holds {landmarks.dtype} of shape {landmarks.shape}.")
    if not np.isfinite(landmarks).all():
        raise SettingError(f"{expected}; it holds values that are no finite numbers.")
    if points and len(landmarks) != points:
        raise SettingError(f"{expected}; it holds {len(landmarks)} rows.")
    return landmarks if landmarks.dtype.kind == "f" else landmarks.astype(np.float64)
