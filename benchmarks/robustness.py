"""What must not change a score, where damage must count, and whether maps can be read: part of `benchmarks.accuracy`.

Measured on held-aside pristine photos, one of each person:

* the same damage on the whole view, on the face alone, and around it alone;
* clean photos: how low their scores reach, and how they change when saved again, enlarged, mirrored or framed;
* landmarks that are left out, or wrong by as much as the finder's are;
* whether maps of the contribution can be read (`benchmarks.maps`).

Shapes: P photos, V pixels a side of a view.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from tqdm import tqdm

from benchmarks.maps import summarise_maps
from fiqa.degradation.synthetic import degrade
from fiqa.faces.finders import Face
from fiqa.photo_scorer import FaceCrops
from fiqa.predictor import QualityPredictor
from fiqa.results import QualityResult
from training.data.composites import blended, face_mask
from training.data.photos import FacePhoto
from training.data.rendering import recoded
from training.report.agreement import estimate
from training.train_quality import predict_views

Pixels = NDArray[np.uint8]
Landmarks = NDArray[np.float32]

DAMAGES = {"blur": "gaussian_blur", "noise": "gaussian_noise", "darkness": "low_light"}
SEVERITY = 0.5
RECODINGS = (("JPEG", 98), ("JPEG", 95), ("JPEG", 90), ("WEBP", 90), ("AVIF", 90))
ENLARGED = (1.5, 2.0, 3.0)
BORDER_SHARE = 0.2
FINDER_ERROR = 0.042
"""Of the bundled landmarks against those set by people, in distances between the eyes."""
EYES = (slice(36, 42), slice(42, 48))
MAPPED = 24
"""Photos whose maps are looked at."""


@dataclass(frozen=True)
class Subject:
    """A clean photo of a held-aside person, its view, and the landmarks (68, 2) in pixels of the view."""

    photo: FacePhoto
    pixels: Pixels
    view: Pixels
    landmarks: Landmarks

    @property
    def in_the_wild(self) -> bool:
        """Whether the photo is from a source that does not tell people apart: no studio, no series of portraits."""
        return not self.photo.is_of_known_person


@dataclass(frozen=True)
class ListedViews:
    """Views (V, V, 3) and landmarks in a list, as `predict_views` takes them."""

    pairs: Sequence[tuple[Pixels, Landmarks]]

    def __len__(self) -> int:
        return len(self.pairs)

    def view(self, index: int) -> tuple[Pixels, Landmarks]:
        """Return the pixels of one view and its landmarks."""
        return self.pairs[index]


def measure(predictor: QualityPredictor, subjects: Sequence[Subject]) -> dict[str, Any]:
    """Return every figure, as JSON-ready data."""
    people = [subject for subject in subjects if not subject.in_the_wild]
    return {
        "clean": clean_scores(predictor, subjects),
        "parts": parts(predictor, people),
        "changes": changes(predictor, people),
        "landmarks": landmark_changes(predictor, people),
        "maps": maps(predictor, people[:MAPPED]),
    }


def subject_of(predictor: QualityPredictor, photo: FacePhoto) -> Subject:
    """Return a photo with its view, cut where its own landmarks say."""
    pixels = photo.read()
    face = _as_found(predictor, pixels, photo.landmarks)
    return Subject(photo, pixels, face.view.image, face.view.landmarks_from_photo(photo.landmarks))


def _as_found(predictor: QualityPredictor, pixels: Pixels, landmarks: Landmarks) -> FaceCrops:
    """Return the crops of a face whose landmarks (68, 2) in the photo (H, W, 3) are known."""
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    return predictor.face_crops(pixels, Face((*low.tolist(), *high.tolist()), landmarks, 1.0))


def view_scores(predictor: QualityPredictor, pairs: Sequence[tuple[Pixels, Landmarks]]) -> NDArray[np.float64]:
    """Return the score of views whose landmarks are given (NaN: not known)."""
    crops = predictor.spec.preprocessing.crops
    scores = predict_views(predictor.network, ListedViews(pairs), np.arange(len(pairs)), crops)
    return scores.astype(np.float64)


def clean_scores(predictor: QualityPredictor, subjects: Sequence[Subject]) -> dict[str, Any]:
    """Return the 10th percentile and the median of the scores of clean photos, in the wild and from studios."""
    scores = view_scores(predictor, [(subject.view, subject.landmarks) for subject in subjects])
    wild = np.array([subject.in_the_wild for subject in subjects])
    groups = {"in the wild": wild, "studio and portraits": ~wild}
    return {
        name: {
            "n": int(rows.sum()),
            "10th percentile": estimate(lambda each: float(np.percentile(each, 10)), scores[rows]).to_dict(),
            "median": estimate(lambda each: float(np.median(each)), scores[rows]).to_dict(),
        }
        for name, rows in groups.items()
    }


def parts(predictor: QualityPredictor, subjects: Sequence[Subject]) -> dict[str, Any]:
    """Return what damage on the face alone, and around it alone, costs, as shares of what it costs all over."""
    clean = view_scores(predictor, [(subject.view, subject.landmarks) for subject in subjects])
    figures = {}
    for label, name in DAMAGES.items():
        damaged = [degrade(subject.view, [(name, SEVERITY)], seed=1) for subject in subjects]
        masks = [face_mask(subject.landmarks, len(subject.view)) for subject in subjects]
        falls = {
            "whole": clean - _blended_scores(predictor, subjects, damaged, [np.ones_like(mask) for mask in masks]),
            "face": clean - _blended_scores(predictor, subjects, damaged, masks),
            "surroundings": clean - _blended_scores(predictor, subjects, damaged, [1 - mask for mask in masks]),
        }
        figures[label] = {"n": len(subjects), "fall": round(float(falls["whole"].mean()), 4)} | {
            part: estimate(_share, falls[part], falls["whole"]).to_dict() for part in ("face", "surroundings")
        }
    return figures


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> float:
    return float(part.mean() / whole.mean())


def _blended_scores(
    predictor: QualityPredictor, subjects: Sequence[Subject], damaged: Sequence[Pixels],
    masks: Sequence[NDArray[np.float32]],
) -> NDArray[np.float64]:  # fmt: skip
    views = [blended(subject.view, bad, mask) for subject, bad, mask in zip(subjects, damaged, masks, strict=True)]
    return view_scores(predictor, [(view, subject.landmarks) for view, subject in zip(views, subjects, strict=True)])


def changes(predictor: QualityPredictor, subjects: Sequence[Subject]) -> dict[str, Any]:
    """Return how the score of a photo changes, the face being found anew, by what harms it in no way."""
    variants: dict[str, Callable[[Pixels], Iterator[Pixels]]] = {
        "saved again at quality 90 and more": lambda photo: (recoded(photo, *each) for each in RECODINGS),
        "enlarged 1.5 to 3 times": lambda photo: (_enlarged(photo, each) for each in ENLARGED),
        "framed by a border": lambda photo: iter([_framed(photo)]),
        "mirrored": lambda photo: iter([photo[:, ::-1].copy()]),
    }
    found: dict[str, list[float]] = {name: [] for name in variants}
    people: dict[str, list[int]] = {name: [] for name in variants}
    for number, subject in enumerate(tqdm(subjects, desc="changes", unit="photo", leave=False, disable=None)):
        before = _score(predictor, subject.pixels)
        for name, make in variants.items():
            differences = [_score(predictor, variant) - before for variant in make(subject.pixels)]
            found[name] += [each for each in differences if np.isfinite(each)]
            people[name] += [number] * (len(found[name]) - len(people[name]))
    return {
        name: {
            "n": len(set(people[name])),
            "mean": estimate(lambda each: float(np.abs(each).mean()), values, clusters=people[name]).to_dict(),
            "largest": round(float(np.abs(values).max()), 4),
            "largest gain": round(float(np.max(values)), 4),
        }
        for name, values in found.items()
    }


def _score(predictor: QualityPredictor, photo: Pixels) -> float:
    outcome = next(iter(predictor.score_many([photo])))
    return outcome.score if isinstance(outcome, QualityResult) else float("nan")


def _enlarged(photo: Pixels, factor: float) -> Pixels:
    height, width = photo.shape[:2]
    size = (round(factor * width), round(factor * height))
    return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.BICUBIC))


def _framed(photo: Pixels) -> Pixels:
    return np.asarray(ImageOps.expand(Image.fromarray(photo), round(BORDER_SHARE * photo.shape[1]), fill="white"))


def landmark_changes(predictor: QualityPredictor, subjects: Sequence[Subject]) -> dict[str, Any]:
    """Return how the score of clean and damaged views changes when landmarks are left out, or wrong."""
    rng = np.random.default_rng(0)
    views = [(each.view, degrade(each.view, [("gaussian_blur", 0.4)])) for each in subjects]
    before = [(view, each.landmarks) for pair, each in zip(views, subjects, strict=True) for view in pair]
    people = np.repeat(np.arange(len(subjects)), 2)
    scores = view_scores(predictor, before)
    altered = {
        "left out": [(view, np.full_like(known, np.nan)) for view, known in before],
        "wrong as the finder's are": [(view, known + _finder_error(known, rng)) for view, known in before],
    }
    figures = {}
    for name, pairs in altered.items():
        change = np.abs(view_scores(predictor, pairs) - scores)
        mean = estimate(np.mean, change, clusters=people).to_dict()
        figures[name] = {"n": len(subjects), "mean": mean, "largest": round(float(change.max()), 4)}
    return figures


def _finder_error(landmarks: Landmarks, rng: np.random.Generator) -> Landmarks:
    """Return an error (68, 2) whose mean length is the finder's, half of it shared by all landmarks."""
    eyes = [landmarks[eye].mean(axis=0) for eye in EYES]
    spread = FINDER_ERROR * float(np.linalg.norm(eyes[1] - eyes[0])) / np.sqrt(np.pi / 2)
    errors = rng.normal(0, spread / np.sqrt(2), (1, 2)) + rng.normal(0, spread / np.sqrt(2), (68, 2))
    return errors.astype(np.float32)


def maps(predictor: QualityPredictor, subjects: Sequence[Subject]) -> dict[str, Any]:
    """Return how smooth and how steady maps are, where their confidence lies, and what their order is worth."""
    return summarise_maps(predictor, [(subject.pixels, subject.photo.landmarks) for subject in subjects])
