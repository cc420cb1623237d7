"""Full-reference measures beside ours: how near each version is to the undamaged photo, and whether it is still her.

    psnr, ssim      scikit-image; SSIM as Wang et al. (2004) have it: Gaussian weights, sigma 1.5
    vsi, fsim       piq: Zhang, Shen and Li (2014), Zhang et al. (2011); the extra `measures`
    lpips           lpips with AlexNet: Zhang et al. (2018); where the package and AlexNet's weights are
    face_distance   between embeddings of the faces by dlib's network (King, 2017); the extra `identity`

They compare whole photos at the reference's size, its longer side reduced to `LARGEST_SIDE_PX`; a version of another
size is resampled to that. What is missing on this machine is left out and said. To add a measure, add it to
`MEASURES`. Packages are imported when a measure is computed.
"""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fiqa.comparison.face_places import same_shape
from fiqa.comparison.scoring import DecodedVersions, ScoredVersions
from fiqa.errors import SettingError
from fiqa.faces.identity import SAME_PERSON_DISTANCE, embed_face, missing_identity

LARGEST_SIDE_PX = 2048
"""Of what is measured: the piq measures need about a kilobyte of memory a pixel."""
MOST_PSNR_DB = 100.0
"""That of equal photos, whose PSNR has no bound."""
ALEXNET_WEIGHTS = "alexnet-owt-7be5be79.pth"

Pixels = NDArray[np.uint8]
Landmarks = NDArray[np.floating]


@dataclass(frozen=True)
class Measure:
    """One measure: `compute` takes reference and version (H, W, 3) and the reference's landmarks (68, 2), or None.

    `title` heads its column; an arrow says which way is better. `missing` says what it lacks here, None for nothing.
    """

    name: str
    title: str
    digits: int
    compute: Callable[[Pixels, Pixels, Landmarks | None], float | None]
    missing: Callable[[], str | None] = lambda: None


def usable_measures() -> tuple[list[Measure], list[str]]:
    """Return the measures that can be computed here, and a sentence for each reason why others cannot."""
    reasons: dict[str, list[str]] = {}
    usable = []
    for measure in MEASURES.values():
        if (reason := measure.missing()) is None:
            usable.append(measure)
        else:
            reasons.setdefault(reason, []).append(measure.title[:-2])
    return usable, [f"{' and '.join(titles)} left out: {reason}." for reason, titles in reasons.items()]


def with_measures(scored: ScoredVersions, versions: DecodedVersions, measures: Sequence[Measure]) -> ScoredVersions:
    """Return a scored photo with the measures of each of its versions that has the reference's shape."""
    if versions.reference is None:
        return scored
    found = {}
    for method, pixels in versions.pixels.items():
        if same_shape(pixels, versions.reference):
            reference, version, landmarks = _aligned(versions.reference, pixels, scored.landmarks)
            values = {each.name: each.compute(reference, version, landmarks) for each in measures}
            found[method] = {name: value for name, value in values.items() if value is not None}
    return replace(scored, measures=found)


def mean_measures(photos: Sequence[ScoredVersions], method: str) -> dict[str, float]:
    """Return the mean of every measure over the photos of a method that have it, in the order of their columns."""
    values: dict[str, list[float]] = {}
    for photo in photos:
        for name, value in photo.measures.get(method, {}).items():
            values.setdefault(name, []).append(value)
    return {name: float(np.mean(each)) for name, each in values.items()}


def other_people(photos: Sequence[ScoredVersions], methods: Sequence[str]) -> list[str]:
    """Return a sentence for each method some of whose faces are not the reference's person any more."""
    notices = []
    for method in methods:
        distances = [photo.measures.get(method, {}).get("face_distance") for photo in photos]
        told = [distance for distance in distances if distance is not None]
        if changed := sum(distance > SAME_PERSON_DISTANCE for distance in told):
            notices.append(
                f"{changed} of {len(told)} faces of {method} look like somebody else than in the reference: their "
                f"distance is above {SAME_PERSON_DISTANCE}."
            )
    return notices


OwnMeasures = Mapping[tuple[str, str], Mapping[str, float]]
"""Numbers that a user brought, by name of photo and method, then by column."""


def read_measures(path: Path) -> OwnMeasures:
    """Read a CSV with the columns name and method, and a column for every measure; empty cells are passed over.

    Raises SettingError when it cannot be read, lacks a column, or holds what is no number.
    """
    import pandas as pd

    try:
        frame = pd.read_csv(path, dtype={"name": str, "method": str}).set_index(["name", "method"])
        values = frame.astype(float)
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror}.") from None
    except KeyError:
        raise SettingError(
            f"{path} lacks the column name or method: it needs both, and one for each measure."
        ) from None
    except ValueError as error:
        raise SettingError(f"{path} cannot be read as a CSV of numbers ({str(error).splitlines()[0]}).") from None
    if np.isinf(values.to_numpy()).any():
        raise SettingError(f"{path} holds an infinite number: leave the cell empty where there is no value.")
    if twice := values.index[values.index.duplicated()].tolist():
        raise SettingError(f"{path} has {' of '.join(map(str, twice[0]))} more than once: keep one row for each photo.")
    return {
        (str(name), str(method)): {str(column): float(value) for column, value in row.dropna().items()}
        for (name, method), row in values.iterrows()
    }


def add_measures(photos: Sequence[ScoredVersions], own: OwnMeasures) -> list[ScoredVersions]:
    """Return scored photos with numbers that a user brought; raises SettingError when one is of no photo here."""
    known = {(photo.name, method) for photo in photos for method in photo.scores}
    if strange := [key for key in own if key not in known]:
        name, method = strange[0]
        raise SettingError(
            f"There is a measure of {name} by {method}, which is not compared: check its name and method."
        )
    return [
        replace(
            photo,
            measures={
                method: {**photo.measures.get(method, {}), **own.get((photo.name, method), {})}
                for method in photo.scores
            },
        )
        for photo in photos
    ]


def measure_title(name: str) -> str:
    """Return the head of a measure's column; one that a user brought is called as they call it."""
    return MEASURES[name].title if name in MEASURES else name


def measure_cell(name: str, value: float) -> str:
    """Return a value as reports print it."""
    return f"{value:.{MEASURES[name].digits if name in MEASURES else 3}f}"


def _aligned(
    reference: Pixels, version: Pixels, landmarks: Landmarks | None
) -> tuple[Pixels, Pixels, Landmarks | None]:
    """Return both at one size, and the landmarks at that."""
    height, width = reference.shape[:2]
    scale = min(1.0, LARGEST_SIDE_PX / max(height, width))
    size = (round(width * scale), round(height * scale))
    moved = None if landmarks is None else landmarks * (np.array(size) / (width, height))
    return _resized(reference, size), _resized(version, size), moved


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    if pixels.shape[1::-1] == size:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def _psnr(reference: Pixels, version: Pixels, _: Landmarks | None) -> float:
    error = float(np.mean((reference.astype(np.float32) - version) ** 2))
    return MOST_PSNR_DB if error == 0 else min(MOST_PSNR_DB, float(10 * np.log10(255**2 / error)))


def _ssim(reference: Pixels, version: Pixels, _: Landmarks | None) -> float | None:
    from skimage.metrics import structural_similarity

    if min(reference.shape[:2]) < 11:
        return None
    return float(
        structural_similarity(
            reference, version, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5,
            use_sample_covariance=False,
        )
    )  # fmt: skip


def _of_piq(name: str) -> Callable[[Pixels, Pixels, Landmarks | None], float]:
    def compute(reference: Pixels, version: Pixels, _: Landmarks | None) -> float:
        """Return the measure of piq of that name."""
        from fiqa.models.torchvision_shim import prepare_torchvision

        prepare_torchvision()
        import piq

        return float(getattr(piq, name)(_tensor(version), _tensor(reference), data_range=1.0))

    return compute


def _lpips(reference: Pixels, version: Pixels, _: Landmarks | None) -> float:
    import torch

    with torch.inference_mode():
        return float(_lpips_network()(_tensor(version) * 2 - 1, _tensor(reference) * 2 - 1))


@cache
def _lpips_network() -> Any:
    from fiqa.models.torchvision_shim import prepare_torchvision

    prepare_torchvision()
    import lpips

    return lpips.LPIPS(net="alex", verbose=False).eval()


def _tensor(pixels: Pixels) -> Any:
    """Return pixels as (1, 3, H, W) in 0..1."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float() / 255


def _face_distance(reference: Pixels, version: Pixels, landmarks: Landmarks | None) -> float | None:
    if landmarks is None:
        return None
    return float(np.linalg.norm(embed_face(reference, landmarks) - embed_face(version, landmarks)))


def _without_piq() -> str | None:
    return None if importlib.util.find_spec("piq") else "piq is not installed (the extra measures)"


def _without_lpips() -> str | None:
    if importlib.util.find_spec("lpips") is None:
        return "lpips is not installed (the extra measures)"
    import torch

    weights = Path(torch.hub.get_dir(), "checkpoints", ALEXNET_WEIGHTS)
    return None if weights.is_file() else f"the weights of AlexNet are not at {weights}"


MEASURES: Mapping[str, Measure] = {
    each.name: each
    for each in (
        Measure("psnr", "PSNR ↑", 2, _psnr),
        Measure("ssim", "SSIM ↑", 3, _ssim),
        Measure("vsi", "VSI ↑", 3, _of_piq("vsi"), _without_piq),
        Measure("fsim", "FSIM ↑", 3, _of_piq("fsim"), _without_piq),
        Measure("lpips", "LPIPS ↓", 3, _lpips, _without_lpips),
        Measure("face_distance", "Face distance ↓", 3, _face_distance, missing_identity),
    )
}
"""By name, in the order of their columns."""
