"""What must not change a score, where damage must count, and whether maps can be read: part of `benchmarks.accuracy`.

Measured on held-aside pristine photos, one of each person:

* the same damage on the whole view, on the face alone, and around it alone;
* clean photos: how low their scores reach, and how they change when saved again, enlarged, mirrored or framed;
* landmarks that are left out, or wrong by as much as the finder's are;
* maps of the contribution: how alike neighbouring cells are, and the maps of a photo moved by two pixels; how much
  confidence lies outside the face; and how fast the score falls when places are blurred away in the map's order
  (deletion) or brought back (insertion; both Petsiuk et al., 2018, arXiv:1806.07421).

Shapes: P photos, V pixels a side of a view.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from einops import reduce
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps
from tqdm import tqdm

from fiqa.degradation.synthetic import degrade
from fiqa.faces.finders import Face
from fiqa.maps.explain import compute_maps
from fiqa.maps.face_maps import FaceMap, MapKey
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
CELL_PX = 16
SHIFT_PX = 2
MAPPED, STEPS, BLUR_PX = 24, 10, 12
"""Photos whose maps are looked at, steps of deletion and insertion, and the blur of what is deleted."""


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


def measure(predictor: QualityPredictor, photos: Sequence[FacePhoto]) -> dict[str, Any]:
    """Return every figure, as JSON-ready data."""
    subjects = [_subject(predictor, photo) for photo in photos]
    people = [subject for subject in subjects if not subject.in_the_wild]
    return {
        "clean": clean_scores(predictor, subjects),
        "parts": parts(predictor, people),
        "changes": changes(predictor, people),
        "landmarks": landmark_changes(predictor, people),
        "maps": maps(predictor, people[:MAPPED]),
    }


def _subject(predictor: QualityPredictor, photo: FacePhoto) -> Subject:
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
    rows: list[dict[str, float]] = []
    for number, subject in enumerate(tqdm(subjects, desc="maps", unit="photo", leave=False, disable=None)):
        found = _maps_of(predictor, subject)
        rows.append(
            {
                "correlation of neighbouring cells": neighbour_correlation(found["contribution"].in_view()),
                "correlation with the map of the photo moved by 2 px": _moved_correlation(predictor, subject),
                "share of confidence outside the face": _outside(found["confidence"], subject.landmarks),
                **_curves(predictor, subject, found, seed=number),
            }
        )
    return {"n": len(rows)} | {name: estimate(np.mean, [row[name] for row in rows]).to_dict() for name in rows[0]}


def _maps_of(predictor: QualityPredictor, subject: Subject) -> dict[str, FaceMap]:
    face = _as_found(predictor, subject.pixels, subject.photo.landmarks)
    made = compute_maps(predictor, subject.pixels, face, "contribution")
    made |= compute_maps(predictor, subject.pixels, face, "occlusion")
    return {name: made[MapKey(name)] for name in ("contribution", "confidence", "occlusion")}


def neighbour_correlation(values: NDArray[np.float64]) -> float:
    """Return how alike cells and those right of and below them are, of a map (V, V) without NaN: -1..1."""
    half = CELL_PX // 2
    cells = np.nan_to_num(values)[half::CELL_PX, half::CELL_PX]
    ours = np.concatenate([cells[:, :-1].ravel(), cells[:-1].ravel()])
    theirs = np.concatenate([cells[:, 1:].ravel(), cells[1:].ravel()])
    return float(np.corrcoef(ours, theirs)[0, 1])


def _moved_correlation(predictor: QualityPredictor, subject: Subject) -> float:
    moved = replace(
        subject,
        pixels=subject.pixels[SHIFT_PX:, SHIFT_PX:],
        photo=replace(subject.photo, landmarks=subject.photo.landmarks - SHIFT_PX),
    )
    before = _contribution(predictor, subject)[SHIFT_PX:, SHIFT_PX:]
    after = _contribution(predictor, moved)
    seen = np.isfinite(before) & np.isfinite(after)
    return float(np.corrcoef(before[seen], after[seen])[0, 1])


def _contribution(predictor: QualityPredictor, subject: Subject) -> NDArray[np.float32]:
    face = _as_found(predictor, subject.pixels, subject.photo.landmarks)
    made = compute_maps(predictor, subject.pixels, face, "contribution")
    return made[MapKey("contribution")].in_photo().values


def _outside(confidence: FaceMap, landmarks: Landmarks) -> float:
    """Return the share of the confidence that lies outside the face and its forehead."""
    weights = confidence.placement.spread(confidence.grids / confidence.grids.sum(axis=(1, 2), keepdims=True))
    side = confidence.placement.view_px
    return float(weights[face_mask(landmarks, side) < 0.5].sum() / weights.sum())


def _curves(
    predictor: QualityPredictor, subject: Subject, found: Mapping[str, FaceMap], *, seed: int
) -> dict[str, float]:
    """Return the mean score while cells of the view are blurred away, or brought back, in the order of a map."""
    blurred = np.asarray(Image.fromarray(subject.view).filter(ImageFilter.GaussianBlur(BLUR_PX)))
    side = len(subject.view) // CELL_PX
    orders = {
        "contribution": _cell_means(found["contribution"].in_view(), side),
        "occlusion": _cell_means(found["occlusion"].in_view(), side),
        "a random order": np.random.default_rng(seed).random((side, side)),
    }
    means = {}
    for name, values in orders.items():
        kept = [_first_cells(values, step / STEPS) for step in range(STEPS + 1)]
        deleted = [(np.where(mask[..., None], blurred, subject.view), subject.landmarks) for mask in kept]
        inserted = [(np.where(mask[..., None], subject.view, blurred), subject.landmarks) for mask in kept]
        means[f"deletion by {name}"] = float(view_scores(predictor, deleted).mean())
        means[f"insertion by {name}"] = float(view_scores(predictor, inserted).mean())
    return means


def _cell_means(values: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    whole = np.nan_to_num(values)[: side * CELL_PX, : side * CELL_PX]
    means: NDArray[np.float64] = reduce(whole, "(row y) (column x) -> row column", "mean", y=CELL_PX, x=CELL_PX)
    return means


def _first_cells(values: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    """Return where the cells with the greatest values (C, C) lie in the view (V, V), `share` of them all."""
    rank = np.argsort(np.argsort(-values, axis=None, kind="stable")).reshape(values.shape)
    return (rank < round(share * values.size)).repeat(CELL_PX, axis=0).repeat(CELL_PX, axis=1)
