"""How well, and how fast, faces and landmarks are found in photos that no network was trained on.

    python -m benchmarks.faces --photos DIR [--pictures 40]

Faces of the held-aside sources (validation and test) are placed in larger pictures, 80 to 300 pixels large and tilted
by up to 20 degrees; each picture is searched clean and with every degradation at level 3 of 5. Landmark errors are
measured end to end on the held-aside photos themselves, as a share of the distance of the outer eye corners.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import color, data, feature
from tqdm import tqdm

from benchmarks.script import run_benchmark
from fiqa.degradation.synthetic import DEGRADATIONS, LEVELS
from fiqa.faces.boxes import overlaps
from fiqa.faces.finders import FaceFinder, load_face_finder
from training.data.face_scenes import FaceStock, Scene, bundled_picture, clouds, draw_log_uniform, paste_face, piece
from training.data.photos import FacePhoto, read_photo_folder, split_by_source

BACKGROUNDS = ("chelsea", "coffee", "rocket", "text", "clouds")
SEVERITY = 3 / LEVELS
CONDITIONS = ("clean", *DEGRADATIONS)
COLUMNS = ("%", "F/p", "ms")
"""Faces found, false faces a picture, milliseconds a picture."""
SAME_FACE = 0.4
"""Intersection over union from which a box is the face."""
SIZES_PX, ANGLES_DEG = (80, 110, 160, 300), (0, 7, 14, 20)

Photo = NDArray[np.uint8]
Boxes = NDArray[np.float64]
Finder = Callable[[Photo], Boxes]


@dataclass
class Count:
    """Faces there were, faces found, boxes that are none, pictures searched, and the time it took."""

    faces: int = 0
    found: int = 0
    false: int = 0
    pictures: int = 0
    seconds: float = 0.0

    def cells(self) -> list[str]:
        """Recall, false faces a picture and milliseconds a picture, where they can be told."""
        recall = f"{self.found / self.faces:.1%}" if self.faces else "–"
        if not self.pictures:
            return [recall, "", ""]
        return [recall, f"{self.false / self.pictures:.3f}", f"{1e3 * self.seconds / self.pictures:.0f}"]


@dataclass
class Tally:
    """Counts by what is asked: condition, size and angle."""

    counts: dict[str, Count] = field(default_factory=dict)

    def of(self, key: str) -> Count:
        """Return the count of a row, new when there is none."""
        return self.counts.setdefault(key, Count())


@dataclass(frozen=True)
class PlacedFaces:
    """A scene and the tilt of each of its faces in degrees."""

    scene: Scene
    angles_deg: tuple[float, ...]


def cascade_finder() -> Finder:
    """Return scikit-image's own way: the LBP cascade for frontal faces."""
    cascade = feature.Cascade(data.lbp_frontal_face_cascade_filename())

    def find(photo: Photo) -> Boxes:
        hits = cascade.detect_multi_scale(
            img=color.rgb2gray(photo), scale_factor=1.15, step_ratio=1, min_size=(60, 60), max_size=photo.shape[:2]
        )
        boxes = [(hit["c"], hit["r"], hit["c"] + hit["width"], hit["r"] + hit["height"]) for hit in hits]
        return np.array(boxes, dtype=np.float64).reshape(-1, 4)

    return find


def boxes_of(finder: FaceFinder) -> Finder:
    """Return a finder of boxes alone."""
    return lambda photo: np.array([face.box_xyxy for face in finder.find(photo)]).reshape(-1, 4)


def make_picture(stock: FaceStock, seed: int) -> PlacedFaces:
    """Place up to four faces in a picture of 500 to 1600 pixels; every fourth has none."""
    rng = np.random.default_rng((2026, seed))
    side = round(draw_log_uniform(rng, 500, 1600))
    name = str(rng.choice(BACKGROUNDS))
    ground = clouds(rng, side) if name == "clouds" else piece(bundled_picture(name), rng, side)
    canvas = Image.fromarray(ground)
    boxes: list[Boxes] = []
    angles: list[float] = []
    for _ in range(0 if seed % 4 == 0 else int(rng.integers(1, 5))):
        angle = rng.uniform(-20, 20)
        size = draw_log_uniform(rng, 80, 300)
        box = paste_face(canvas, stock.draw(rng), rng, face_px=size, roll_deg=angle, taken=boxes, whole=True)
        if box is not None:
            boxes.append(box)
            angles.append(angle)
    return PlacedFaces(Scene(np.asarray(canvas), np.array(boxes).reshape(-1, 4)), tuple(angles))


def search(find: Finder, pictures: Sequence[PlacedFaces], condition: str, tally: Tally) -> None:
    """Search every picture under one condition and count."""
    for index, picture in enumerate(tqdm(pictures, desc=condition, leave=False)):
        photo = picture.scene.picture
        if condition != "clean":
            photo = DEGRADATIONS[condition](photo, SEVERITY, seed=index)
        start = time.perf_counter()
        found = find(photo)
        count = tally.of(condition)
        count.seconds += time.perf_counter() - start
        count.pictures += 1
        hits = [overlaps(box, found).max(initial=0.0) >= SAME_FACE for box in picture.scene.boxes]
        count.false += sum(overlaps(box, picture.scene.boxes).max(initial=0.0) < SAME_FACE for box in found)
        for box, angle, hit in zip(picture.scene.boxes, picture.angles_deg, hits, strict=True):
            size = bin_name(float((box[2:] - box[:2]).max()), SIZES_PX, "px")
            for key in (condition, size, bin_name(abs(angle), ANGLES_DEG, "deg")):
                tally.of(key).faces += 1
                tally.of(key).found += hit


def bin_name(value: float, edges: Sequence[int], unit: str) -> str:
    """Return the name of the interval that a value falls in."""
    upper = int(np.clip(np.searchsorted(edges, value), 1, len(edges) - 1))
    return f"{edges[upper - 1]}–{edges[upper]} {unit}"


def landmark_errors(
    finder: FaceFinder, photos: Sequence[FacePhoto], condition: str
) -> tuple[list[float], float, float]:
    """Return the errors of the faces found, the share of faces missed, and milliseconds a photo."""
    errors: list[float] = []
    seconds = 0.0
    for index, photo in enumerate(tqdm(photos, desc=f"landmarks, {condition}", leave=False)):
        pixels = photo.read()
        if condition != "clean":
            pixels = DEGRADATIONS[condition](pixels, SEVERITY, seed=index)
        start = time.perf_counter()
        faces = finder.find(pixels)
        seconds += time.perf_counter() - start
        apart = float(np.linalg.norm(photo.landmarks[36] - photo.landmarks[45]))
        distances = [float(np.linalg.norm(face.landmarks - photo.landmarks, axis=1).mean()) / apart for face in faces]
        errors += [min(distances)] if distances and min(distances) < 0.5 else []
    return errors, 1 - len(errors) / len(photos), 1e3 * seconds / len(photos)


def print_row(name: str, *cells: str) -> None:
    """Print one line of the table."""
    print(f"{name:<26}" + "".join(f"{cell:>12}" for cell in cells))


def print_detections(finders: dict[str, Finder], pictures: Sequence[PlacedFaces]) -> None:
    """Search the pictures with every finder and print what was found by condition, size and angle."""
    tallies = {name: Tally() for name in finders}
    for name, find in finders.items():
        for condition in CONDITIONS:
            search(find, pictures, condition, tallies[name])
    print_row("faces in larger pictures", "faces", *(f"{name} {what}" for name in finders for what in COLUMNS))
    any_tally = next(iter(tallies.values()))
    bins = sorted(set(any_tally.counts) - set(CONDITIONS), key=lambda key: (key.split()[1], int(key.split("–")[0])))
    for key in (*CONDITIONS, *bins):
        counts = [tally.of(key) for tally in tallies.values()]
        print_row(key, str(counts[0].faces), *(cell for count in counts for cell in count.cells()))


def print_landmarks(finder: FaceFinder, photos: Sequence[FacePhoto]) -> None:
    """Find the photos' faces and print how far their landmarks are off."""
    print_row("landmarks, end to end", "photos", "error", "p90", "missed", "ms")
    for condition in CONDITIONS:
        errors, missed, milliseconds = landmark_errors(finder, photos, condition)
        mean, p90 = np.mean(errors), np.percentile(errors, 90)
        print_row(condition, str(len(photos)), f"{mean:.2%}", f"{p90:.2%}", f"{missed:.1%}", f"{milliseconds:.0f}")


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Measure face finders and landmarks on held-aside photos.")
    parser.add_argument("--photos", type=Path, required=True, help="photo folder with faces.json")
    parser.add_argument("--pictures", type=int, default=40, help="pictures searched in each condition")
    arguments = parser.parse_args()
    photos = read_photo_folder(arguments.photos)
    splits = split_by_source([photo.source for photo in photos])
    held_aside = [photo for photo in photos if splits[photo.source] != "train"]
    stock = FaceStock(held_aside)
    pictures = [make_picture(stock, seed) for seed in range(arguments.pictures)]
    bundled = load_face_finder("bundled")
    print_detections({"cascade": cascade_finder(), "bundled": boxes_of(bundled)}, pictures)
    print_landmarks(bundled, held_aside)


if __name__ == "__main__":
    run_benchmark(main)
