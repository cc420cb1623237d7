"""Whether the same damage costs the same, whoever is shown: `python -m benchmarks.fairness --photos PHOTOS`.

Takes the pristine photos of a photo folder (training/data/photos.py), scores each as it is and with each damage of
`fiqa audit`, and compares groups of people:

* those who gave sex, age and ethnicity (`group` in faces.json; generated faces aside), photographed alike;
* everybody, by what can be measured of a face, and by the collection that the photo is from;
* the people of the split test, whom a training by the present recipe does not see;
* how far measured skin tone can be trusted: in two photos of a person under one light, and with half a stop of light.

`--json` keeps the figures, `--card` writes them into a model card, `--figure` draws them; `--read` does the last two
with figures that were kept. Takes some minutes on one core.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.cards import write_block
from benchmarks.fairness_report import BLOCK, report
from benchmarks.script import run_benchmark
from fiqa.audit import DAMAGES, MEASURED
from fiqa.audit.appearance import class_of_angle, typology_angle_deg
from fiqa.audit.figure import draw
from fiqa.audit.groups import GroupedPhoto, as_groups
from fiqa.audit.scoring import AuditedPhoto, Damage, read_damage, score_photos
from fiqa.audit.summary import Audit, summarise
from fiqa.degradation.synthetic import to_linear, to_srgb
from fiqa.loading import load_predictor
from fiqa.predictor import QualityPredictor
from training.data.photos import FacePhoto, read_photo_folder
from training.data.rendering import uses

GIVEN = ("sex", "age", "ethnicity")
COLLECTION = "photos from"
IN_THE_WILD = "many sources, in the wild"
HALF_A_STOP = np.float32(2**0.5)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write what was asked for."""
    options = _parser().parse_args(arguments)
    figures = json.loads(options.read.read_text(encoding="utf-8")) if options.read else measure(options)
    print(report(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    if options.card:
        write_block(options.card, BLOCK, report(figures))
    if options.figure:
        options.figure.write_bytes(draw(Audit.from_dict(figures["audits"]["stated"])))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fairness", description=__doc__.split("\n")[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--photos", type=Path, metavar="DIR", help="photo folder with faces.json")
    source.add_argument("--read", type=Path, metavar="JSON", help="take these figures instead of measuring")
    parser.add_argument("--checkpoint", default="lite")
    parser.add_argument("--damage", nargs="+", default=list(DAMAGES), metavar="NAME:SEVERITY", help=" ".join(DAMAGES))
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth photo")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--card", type=Path, help="write the figures into this model card")
    parser.add_argument("--figure", type=Path, help="draw the groups that people gave, as PNG")
    return parser


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return every figure, as JSON-ready data."""
    predictor = load_predictor(options.checkpoint, device="cpu", finder="bundled")
    photos = [photo for photo in read_photo_folder(options.photos) if photo.pristine][:: options.every]
    damages = [read_damage(each) for each in options.damage]
    grouped = grouped_photos(options.photos, photos)
    scored = score_photos(predictor, grouped, damages, MEASURED)
    audited = list(tqdm(scored, total=len(grouped), desc="scoring", unit="photo", disable=None))
    held_aside = {str(photo.path) for photo, use in uses(read_photo_folder(options.photos)) if use == "test"}
    stated = [photo for photo in audited if "ethnicity" in photo.groups]
    audits = {
        "stated": (stated, (*GIVEN, "skin tone")),
        "everybody": (audited, (COLLECTION, *MEASURED)),
        "held aside": ([photo for photo in audited if photo.path in held_aside], ("sex", COLLECTION, "skin tone")),
    }
    summed = {name: _summary(predictor, *each, damages) for name, each in audits.items()}
    people = {photo.path: photo.person for photo in stated}
    return {
        "audits": {name: _rounded(audit.to_dict()) for name, audit in summed.items()},
        "skin_tone": skin_tone_trust([photo for photo in photos if str(photo.path) in people]),
    }


def grouped_photos(folder: Path, photos: Sequence[FacePhoto]) -> list[GroupedPhoto]:
    """Return photos with the collection they are from, and what the people in them gave about themselves."""
    entries = {each["id"]: each for each in json.loads((folder / "faces.json").read_text(encoding="utf-8"))}
    given = [{} if entries[photo.id].get("synthetic") else entries[photo.id].get("group") or {} for photo in photos]
    columns = {name: as_groups(name, [str(each.get(name) or "") for each in given]) for name in GIVEN}
    return [
        GroupedPhoto(str(photo.path), photo.person, _groups(photo, {name: columns[name][row] for name in GIVEN}))
        for row, photo in enumerate(photos)
    ]


def _groups(photo: FacePhoto, given: Mapping[str, str]) -> dict[str, str]:
    collection = photo.source if photo.is_of_known_person else IN_THE_WILD
    return {COLLECTION: collection, **{name: value for name, value in given.items() if value}}


def _summary(
    predictor: QualityPredictor, photos: Sequence[AuditedPhoto], columns: Sequence[str], damages: Sequence[Damage]
) -> Audit:
    spec = predictor.spec
    return summarise(photos, columns, damages, checkpoint=spec.name, sha256=spec.sha256, score_range=spec.score_range)


def skin_tone_trust(photos: Sequence[FacePhoto]) -> dict[str, Any]:
    """Return how steady the typology angle is, of photos of known people that were taken under one light.

    `same_person_deg` is the mean difference between two photos of a person, `people_deg` the standard deviation over
    people; `half_a_stop_deg` how far the angle moves when a photo is made brighter. Classes likewise, as shares.
    """
    angles: dict[str, list[float]] = {}
    moved, kept = [], []
    for photo in photos:
        pixels = photo.read()
        brighter = to_srgb(to_linear(pixels) * HALF_A_STOP)
        angle, other = (typology_angle_deg(each, photo.landmarks) for each in (pixels, brighter))
        if angle is not None and other is not None:
            angles.setdefault(photo.person, []).append(angle)
            moved.append(abs(other - angle))
            kept.append(class_of_angle(angle) == class_of_angle(other))
    pairs = [pair for found in angles.values() for pair in combinations(found, 2)]
    return {
        "people": len(angles),
        "pairs": len(pairs),
        "same_person_deg": _mean([abs(first - second) for first, second in pairs]),
        "same_person_class": _mean([class_of_angle(first) == class_of_angle(second) for first, second in pairs]),
        "people_deg": round(float(np.std([np.mean(found) for found in angles.values()])), 2) if angles else None,
        "half_a_stop_deg": _mean(moved),
        "half_a_stop_class": _mean(kept),
    }


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 3) if values else None


def _rounded(content: Any) -> Any:
    """Return JSON-ready data with its numbers rounded to 1e-4."""
    match content:
        case float():
            return round(content, 4)
        case dict():
            return {name: _rounded(value) for name, value in content.items()}
        case list() | tuple():
            return [_rounded(value) for value in content]
    return content


if __name__ == "__main__":
    run_benchmark(main)
