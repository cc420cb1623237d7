"""What a score says of faces that are sharp but wrong: part of `benchmarks.accuracy`.

Restoration and generation make such faces. Weights of their networks cannot be had everywhere, so their mistakes are
imitated on clean photos of held-aside people: features bent out of shape without any loss of sharpness, and textures
that were smoothed away or blurred, and then sharpened. A score that measures damage to the picture alone does not fall
when a face is bent.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy.ndimage import gaussian_filter, map_coordinates

from benchmarks.robustness import EYES, Landmarks, Pixels, Subject, view_scores
from fiqa.degradation.synthetic import degrade
from fiqa.predictor import QualityPredictor
from training.data.composites import face_mask
from training.data.rendering import retouched
from training.report.agreement import estimate

BENT = (0.04, 0.08)
"""Root mean square of the displacement, in distances between the eyes: noticeable, and grotesque."""
WAVE = 0.15
"""Standard deviation of the smoothing of the displacement, in the same unit: an eye bends as one."""
SMOOTHING = 0.1
"""Weight of total variation denoising: twice what a phone's portrait mode does at most."""
BLUR = ("gaussian_blur", 0.4)
SHARPENED = ImageFilter.UnsharpMask(radius=2, percent=250, threshold=0)


def wrong_faces(predictor: QualityPredictor, subjects: Sequence[Subject]) -> dict[str, Any]:
    """Return the fall of the score by every kind of wrong face, and the share of people whose score falls at all."""
    clean = view_scores(predictor, [(subject.view, subject.landmarks) for subject in subjects])
    return {name: _fall(predictor, subjects, make, clean) for name, make in KINDS.items()}


def _fall(
    predictor: QualityPredictor, subjects: Sequence[Subject], make: Callable[[Subject], Pixels],
    clean: NDArray[np.float64],
) -> dict[str, Any]:  # fmt: skip
    falls = clean - view_scores(predictor, [(make(subject), subject.landmarks) for subject in subjects])
    return {
        "n": len(subjects),
        "fall": estimate(np.mean, falls).to_dict(),
        "falls": estimate(lambda each: float((each > 0.01).mean()), falls).to_dict(),
    }


def bent(view: Pixels, landmarks: Landmarks, share: float) -> Pixels:
    """Return a view (V, V, 3) whose face is bent by `share` of the distance between the eyes; the rest stays."""
    eyes = [landmarks[eye].mean(axis=0) for eye in EYES]
    distance = float(np.linalg.norm(eyes[1] - eyes[0]))
    rng = np.random.default_rng(int(view.sum()))
    waves = np.stack([gaussian_filter(rng.normal(size=view.shape[:2]), WAVE * distance) for _ in range(2)])
    waves *= share * distance / np.sqrt((waves**2).sum(axis=0).mean())
    places = np.indices(view.shape[:2]) + waves * face_mask(landmarks, len(view))
    channels = [
        map_coordinates(view[..., each].astype(np.float32), places, order=3, mode="nearest") for each in range(3)
    ]
    pixels: Pixels = np.rint(np.stack(channels, axis=-1)).clip(0, 255).astype(np.uint8)
    return pixels


def sharpened(view: Pixels) -> Pixels:
    """Return a view (V, V, 3) sharpened far beyond what anybody would."""
    return np.asarray(Image.fromarray(view).filter(SHARPENED))


KINDS: Mapping[str, Callable[[Subject], Pixels]] = {
    "bent by 4 % of the distance between the eyes": lambda each: bent(each.view, each.landmarks, BENT[0]),
    "bent by 8 %": lambda each: bent(each.view, each.landmarks, BENT[1]),
    "smoothed until the skin is wax": lambda each: retouched(each.view, SMOOTHING),
    "the same, sharpened": lambda each: sharpened(retouched(each.view, SMOOTHING)),
    "blurred": lambda each: degrade(each.view, [BLUR]),
    "blurred and sharpened": lambda each: sharpened(degrade(each.view, [BLUR])),
}
