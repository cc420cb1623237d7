"""The atlas: where known degradations lie in a checkpoint's embedding, and what a new photo looks like beside them.

The embedding of a face is what the degradation encoder says of it, averaged over the cells and crops of the face. An
atlas holds, for the encoder of one checkpoint,

* references: embeddings of faces under every degradation at every level, and of clean ones, with their places on a
  map of two dimensions made by t-SNE. t-SNE cannot place new points itself; the median of their nearest references
  does, within microseconds;
* a classifier fitted to many more embeddings: one softmax over "clean" and every level of every type, so that type
  and severity come from the same probabilities.

Atlases hold numbers only and belong to the weights they were made with: `find_atlas` passes over a stale one.

Shapes: F faces, K crops, (R, C) cells, E embedding channels, N references, T degradation types, L levels.
"""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fiqa.checkpoints import CheckpointSpec
from fiqa.degradation.synthetic import DEGRADATIONS, LEVELS
from fiqa.errors import CheckpointError
from fiqa.settings import Settings

logger = logging.getLogger(__name__)

CLEAN = "clean"
TYPES = (CLEAN, *DEGRADATIONS)
"""What a face can be taken for; the index is the class."""
ATLAS = "atlas.safetensors"
NEIGHBOURS = 5
LEAST_PROBABILITY = 0.01
"""Types less likely than this are left out of a diagnosis."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Finding:
    """One degradation a face may have: `probability` 0..1, and `severity` 0..1 if it is this one (0 for clean)."""

    type: str
    probability: float
    severity: float

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return {"type": self.type, "probability": round(self.probability, 4), "severity": round(self.severity, 3)}


@dataclass(frozen=True)
class Neighbour:
    """One of the references nearest to a face; `distance` is in units of the atlas's reach."""

    type: str
    severity: float
    distance: float

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return {"type": self.type, "severity": round(self.severity, 3), "distance": round(self.distance, 3)}


@dataclass(frozen=True)
class Diagnosis:
    """What the atlas says of one face.

    `degradations` are the findings, likeliest first. `outlier` is the mean distance to the nearest references in
    units of the atlas's reach: above 1, the face is farther out than 95 % of the atlas. `position` is (x, y) on the
    map, within -1..1.
    """

    degradations: tuple[Finding, ...]
    outlier: float
    position: tuple[float, float]
    neighbours: tuple[Neighbour, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data as documented for the command line and the API."""
        return {
            "degradations": [finding.to_dict() for finding in self.degradations],
            "outlier": round(self.outlier, 3),
            "position": [round(value, 3) for value in self.position],
            "neighbours": [neighbour.to_dict() for neighbour in self.neighbours],
        }


@dataclass(frozen=True, eq=False)
class Classifier:
    """One hidden layer of H units, then a softmax over clean and every level of every type.

    hidden (E, H), hidden_bias (H,), weights (H, 1 + T·L), bias (1 + T·L,).
    """

    hidden: Floats
    hidden_bias: Floats
    weights: Floats
    bias: Floats

    def __call__(self, standard: Floats) -> NDArray[np.float64]:
        """Return the probability of clean and of every level of every type (F, 1 + T·L) for embeddings (F, E)."""
        units = np.maximum(standard @ self.hidden + self.hidden_bias, 0)
        logits = (units @ self.weights + self.bias).astype(np.float64)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
        return shares


@dataclass(frozen=True, eq=False)
class Atlas:
    """References and classifier of one checkpoint.

    vectors (N, E): standardised embeddings of the references; types (N,): index into `TYPES`; severity (N,) 0..1;
    places (N, 2): on the map. centre, scale (E,): standardise an embedding. reach: the distance to their nearest
    references below which 95 % of the known photos lie.
    `checkpoint_sha256` names the weights it belongs to, `origin` says in a sentence what it was made of.
    """

    vectors: Floats
    types: NDArray[np.uint8]
    severity: Floats
    places: Floats
    centre: Floats
    scale: Floats
    classifier: Classifier
    reach: float
    checkpoint_sha256: str
    origin: str

    def diagnose(self, embeddings: Floats) -> list[Diagnosis]:
        """Say what each of the faces with embeddings (F, E) looks like."""
        standard = (embeddings - self.centre) / self.scale
        levels = self.classifier(standard)
        distance = distances(standard, self.vectors)
        nearest = np.argsort(distance, axis=1, kind="stable")[:, :NEIGHBOURS]
        return [
            self._diagnosis(level, row, chosen) for level, row, chosen in zip(levels, distance, nearest, strict=True)
        ]

    def _diagnosis(self, levels: NDArray[np.float64], distance: Floats, nearest: NDArray[np.intp]) -> Diagnosis:
        away = distance[nearest] / self.reach
        x, y = np.median(self.places[nearest], axis=0)
        return Diagnosis(
            degradations=findings(levels),
            outlier=float(away.mean()),
            position=(float(x), float(y)),
            neighbours=tuple(
                Neighbour(TYPES[self.types[index]], float(self.severity[index]), float(apart))
                for index, apart in zip(nearest, away, strict=True)
            ),
        )

    def save(self, path: Path) -> None:
        """Write the atlas; the references are rounded to half precision, which moves none by 0.1 % of its length."""
        from safetensors.numpy import save_file

        half = {name: getattr(self, name).astype(np.float16) for name in ("vectors", "severity", "places")}
        full = {name: getattr(self, name) for name in ("types", "centre", "scale")}
        full |= {f"classifier.{each.name}": getattr(self.classifier, each.name) for each in fields(Classifier)}
        full["reach"] = np.array([self.reach], dtype=np.float32)
        about = {"checkpoint_sha256": self.checkpoint_sha256, "origin": self.origin, "types": " ".join(TYPES)}
        part = path.with_name(f".{path.name}.part")
        save_file(half | full, part, metadata=about)
        part.replace(path)
        path.chmod(0o644)  # safetensors makes it private to the user


def findings(levels: NDArray[np.float64]) -> tuple[Finding, ...]:
    """Turn the probabilities of clean and of every level of every type (1 + T·L,) into findings, likeliest first."""
    by_type = levels[1:].reshape(-1, LEVELS)
    probability = np.concatenate([levels[:1], by_type.sum(axis=1)])
    mean_level = by_type @ np.arange(1, LEVELS + 1) / np.maximum(by_type.sum(axis=1), 1e-12)
    severity = np.concatenate([[0.0], mean_level / LEVELS])
    order = np.argsort(-probability, kind="stable")
    likely = [index for index in order if probability[index] >= LEAST_PROBABILITY]
    return tuple(Finding(TYPES[index], float(probability[index]), float(severity[index])) for index in likely)


def pool(features: Floats) -> Floats:
    """Average features of the degradation encoder (F, K, R, C, E) over crops and cells: embeddings (F, E)."""
    pooled: Floats = features.mean(axis=(1, 2, 3))
    return pooled


def distances(points: Floats, references: Floats) -> Floats:
    """Return the Euclidean distance of points (F, E) to references (N, E): (F, N)."""
    squares = (points**2).sum(axis=1)[:, None] + (references**2).sum(axis=1) - 2 * points @ references.T
    apart: Floats = np.sqrt(np.maximum(squares, 0))
    return apart


def load_atlas(path: Path) -> Atlas:
    """Read an atlas; raise CheckpointError when it is damaged or of another version."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            about: dict[str, str] = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dictionary
        if about["types"].split() != list(TYPES):
            raise CheckpointError(f"{path} is of another version: it knows other types of degradation.")
        types, reach = tensors.pop("types"), float(tensors.pop("reach")[0])
        numbers = {name: tensor.astype(np.float32) for name, tensor in tensors.items()}
        classifier = Classifier(**{each.name: numbers.pop(f"classifier.{each.name}") for each in fields(Classifier)})
        return Atlas(
            types=types,
            classifier=classifier,
            reach=reach,
            checkpoint_sha256=about["checkpoint_sha256"],
            origin=about["origin"],
            **numbers,
        )
    except (SafetensorError, OSError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged or of another version ({error}); delete it.") from error


def find_atlas(spec: CheckpointSpec, settings: Settings) -> Atlas | None:
    """Return the atlas that came with a checkpoint or was built for it earlier; None where one has to be built."""
    sha256 = weights_sha256(spec)
    for path in _places(spec, settings):
        if not path.is_file():
            continue
        try:
            atlas = load_atlas(path)
        except CheckpointError as error:
            logger.warning("%s", error)
            continue
        if atlas.checkpoint_sha256 == sha256:
            return atlas
        logger.warning("%s was made for other weights of %s and is passed over.", path, spec.name)
    return None


def atlas_cache(spec: CheckpointSpec, settings: Settings) -> Path:
    """Return where the atlas of a checkpoint that came without one is kept."""
    return settings.data_dir / "atlases" / f"{weights_sha256(spec)[:16]}.safetensors"


def keep_atlas(atlas: Atlas, path: Path) -> None:
    """Save an atlas in the data folder; where that cannot be written it is built again next time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atlas.save(path)
    except OSError as error:
        logger.warning("The atlas cannot be kept at %s: %s.", path, error.strerror)


def _places(spec: CheckpointSpec, settings: Settings) -> Sequence[Path]:
    bundled = [] if spec.folder is None else [spec.folder / ATLAS]
    return [*bundled, atlas_cache(spec, settings)]


def weights_sha256(spec: CheckpointSpec) -> str:
    """Return the hash that names a checkpoint's weights: of the released networks, those of the encoder."""
    if spec.folder is None:
        raise CheckpointError(f"The weights of {spec.name!r} are not on this machine.")
    return spec.sha256 or _file_sha256(spec.folder / ("DE.pt" if spec.released else "model.safetensors"))


@lru_cache(maxsize=32)
def _file_sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from error
