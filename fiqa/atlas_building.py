"""Builds an atlas: embed degraded faces, fit the classifier, choose references, draw the map.

The bundled checkpoint's atlas is made by `training.build_atlas` of many faces. For any other checkpoint one is made on
first use of the one photo at hand, scikit-image's astronaut; it is coarse, and says so.

Shapes: V views, E embedding channels, T degradation types, L levels.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from fiqa.alignment import align
from fiqa.atlas import (
    TYPES,
    Atlas,
    Floats,
    atlas_cache,
    distances,
    find_atlas,
    keep_atlas,
    pool,
    weights_sha256,
)
from fiqa.crops import cut_crops, grid_offsets
from fiqa.degradations import DEGRADATIONS, LEVELS, degrade
from fiqa.predictor import QualityPredictor
from fiqa.settings import Settings

REFERENCES_PER_LEVEL, CLEAN_REFERENCES = 24, 96
NEIGHBOURS, REACH_PERCENTILE = 5, 95
PERPLEXITY = 30
CLEAN_WEIGHT = 6.0
"""A clean face counts as often as six types: most photos that people bring are not damaged."""
INVERSE_PENALTY = 0.1
MOST_CROPS = 4
"""Crops a view of the coarse atlas: those of the released networks take a second each on a CPU."""
COARSE_VARIANTS, COARSE_BATCH = 4, 8
COARSE_ORIGIN = "one photo, the astronaut of scikit-image, under every degradation: coarse, take it as a hint"


@dataclass(frozen=True)
class LabelledEmbeddings:
    """Embeddings (V, E) of faces, the severity (V, T) of what was done to them, and whose they are (V,)."""

    vectors: Floats
    severity: Floats
    identity: NDArray[np.int64]

    def take(self, chosen: NDArray[np.intp]) -> "LabelledEmbeddings":
        """Return those with the given indices."""
        return LabelledEmbeddings(self.vectors[chosen], self.severity[chosen], self.identity[chosen])


@torch.inference_mode()
def embed_views(predictor: QualityPredictor, views: NDArray[np.uint8], *, crops: int | None = None) -> Floats:
    """Return the embeddings (V, E) of views (V, S, S, 3), from as many crops as inference takes, or `crops`."""
    crop_px, count = predictor.config.crop_px, crops or predictor.spec.preprocessing.crops
    offsets = grid_offsets(views.shape[1], views.shape[2], crop_px, count)
    embedded = []
    for view in views:
        features = predictor.network.encoder(predictor.normalise(cut_crops(view, offsets, crop_px)))
        embedded.append(pool(features[None].float().cpu().numpy()))
    return np.concatenate(embedded)


def fit_atlas(known: LabelledEmbeddings, *, checkpoint_sha256: str, origin: str, seed: int = 0) -> Atlas:
    """Fit everything an atlas holds to labelled embeddings of single degradations, stacks and clean faces."""
    centre, scale = known.vectors.mean(axis=0), known.vectors.std(axis=0) + 1e-6
    standard = LabelledEmbeddings((known.vectors - centre) / scale, known.severity, known.identity)
    weights, bias = fit_classifier(standard)
    references = standard.take(choose_references(known.severity, seed))
    return Atlas(
        vectors=references.vectors,
        types=single_types(references.severity).astype(np.uint8),
        severity=references.severity.max(axis=1),
        places=draw_map(references.vectors, seed),
        centre=centre,
        scale=scale,
        weights=weights,
        bias=bias,
        reach=reach_of(references),
        checkpoint_sha256=checkpoint_sha256,
        origin=origin,
    )


def fit_classifier(known: LabelledEmbeddings) -> tuple[Floats, Floats]:
    """Fit one softmax over clean and every level of every type; return weights (E, 1 + T·L) and bias (1 + T·L,).

    A face counts in parts: a stack for each of its types, a severity between two levels for both of them.
    """
    from sklearn.linear_model import LogisticRegression

    rows, classes, weights = class_shares(known.severity)
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=400, tol=1e-3)
    model.fit(known.vectors[rows], classes, sample_weight=weights * len(known.severity) / weights.sum())
    coefficients = np.zeros((known.vectors.shape[1], 1 + len(DEGRADATIONS) * LEVELS), dtype=np.float32)
    bias = np.full(coefficients.shape[1], -np.inf, dtype=np.float32)  # of levels that were never seen
    coefficients[:, model.classes_], bias[model.classes_] = model.coef_.T, model.intercept_
    return coefficients, bias


def class_shares(severity: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return (row, class, weight) of every part of every face; each type weighs the same in all, clean more."""
    level = severity * LEVELS
    applied = severity > 0
    share = applied / np.maximum(applied.sum(axis=1, keepdims=True), 1)
    share /= np.maximum(share.sum(axis=0), 1e-12)
    parts = []
    for below in (True, False):
        at = np.floor(level) if below else np.ceil(level)
        weight = share * (1 - abs(level - at)) * np.where(at == level, 0.5, 1.0)
        rows, types = np.nonzero((weight > 0) & (at >= 1))
        parts.append((rows, 1 + types * LEVELS + at[rows, types].astype(np.intp) - 1, weight[rows, types]))
    clean = np.flatnonzero(~applied.any(axis=1))
    parts.append((clean, np.zeros(len(clean), dtype=np.intp), np.full(len(clean), CLEAN_WEIGHT / max(1, len(clean)))))
    rows, classes, weights = (np.concatenate(column) for column in zip(*parts, strict=True))
    return rows, classes, weights


def single_types(severity: Floats) -> NDArray[np.intp]:
    """Return the class in `TYPES` (V,) of faces with at most one degradation."""
    return np.where(severity.any(axis=1), severity.argmax(axis=1) + 1, 0)


def choose_references(severity: Floats, seed: int) -> NDArray[np.intp]:
    """Return the indices of clean faces and of single degradations, equally many of every level of every type."""
    rng = np.random.default_rng(seed)
    single = np.flatnonzero((severity > 0).sum(axis=1) <= 1)
    types, level = single_types(severity[single]), np.ceil(severity[single].max(axis=1) * LEVELS - 1e-6)
    groups = [(single[types == 0], CLEAN_REFERENCES)] + [
        (single[(types == index) & (level == step)], REFERENCES_PER_LEVEL)
        for index in range(1, len(TYPES))
        for step in range(1, LEVELS + 1)
    ]
    return np.concatenate([rng.permutation(group)[:count] for group, count in groups])


def draw_map(vectors: Floats, seed: int) -> Floats:
    """Place vectors (N, E) on a map (N, 2) within -1..1 by t-SNE.

    Of the 15 nearest neighbours among the references of `lite`, 65 % stay neighbours on the map; on that of the two
    principal components 29 % do.
    """
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    places = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(vectors)
    places = places - (places.min(axis=0) + places.max(axis=0)) / 2
    scaled: Floats = (places / abs(places).max()).astype(np.float32)
    return scaled


def reach_of(references: LabelledEmbeddings) -> float:
    """Return the distance to the nearest references of other people below which 95 % of the references lie."""
    distance = distances(references.vectors, references.vectors)
    several = len(np.unique(references.identity)) > 1
    same = references.identity[:, None] == references.identity if several else np.eye(len(distance), dtype=bool)
    nearest = np.sort(np.where(same, np.inf, distance), axis=1)[:, :NEIGHBOURS]
    return float(np.percentile(nearest.mean(axis=1), REACH_PERCENTILE))


@dataclass(frozen=True)
class CoarseRecipe:
    """How a view of the coarse atlas is made: steps, seed, and the view's side over that of inference."""

    steps: tuple[tuple[str, float], ...]
    seed: int
    zoom: float


def coarse_recipes() -> list[CoarseRecipe]:
    """Return the views of the coarse atlas: every type at every level, and clean, each a few times."""
    rng = np.random.default_rng(0)
    singles: list[tuple[tuple[str, float], ...]] = [
        ((name, level / LEVELS),) for name in DEGRADATIONS for level in range(1, LEVELS + 1)
    ]
    wanted = singles * COARSE_VARIANTS + [()] * (COARSE_VARIANTS * LEVELS)
    return [
        CoarseRecipe(steps, int(rng.integers(2**31)), zoom)
        for steps, zoom in zip(wanted, rng.uniform(0.9, 1.15, len(wanted)), strict=True)
    ]


def coarse_views(predictor: QualityPredictor, recipes: Sequence[CoarseRecipe]) -> NDArray[np.uint8]:
    """Render views (V, S, S, 3) of the astronaut, as the predictor would cut them from the degraded photos."""
    from skimage.data import astronaut

    photo, prep = np.asarray(astronaut()), predictor.spec.preprocessing
    faces, _ = predictor.find_faces(photo)
    return np.stack(
        [
            align(
                degrade(photo, recipe.steps, seed=recipe.seed),
                faces[0].landmarks,
                side_px=prep.view_px,
                margin=prep.margin * recipe.zoom,
            ).image
            for recipe in recipes
        ]
    )


def embed_coarse(predictor: QualityPredictor, recipes: Sequence[CoarseRecipe]) -> LabelledEmbeddings:
    """Render and embed a batch of the coarse atlas."""
    crops = min(MOST_CROPS, predictor.spec.preprocessing.crops)
    severity = np.array([[dict(r.steps).get(name, 0.0) for name in DEGRADATIONS] for r in recipes], dtype=np.float32)
    vectors = embed_views(predictor, coarse_views(predictor, recipes), crops=crops)
    return LabelledEmbeddings(vectors, severity, np.zeros(len(recipes), dtype=np.int64))


def join(parts: Sequence[LabelledEmbeddings]) -> LabelledEmbeddings:
    """Return all parts as one."""
    return LabelledEmbeddings(
        np.concatenate([part.vectors for part in parts]),
        np.concatenate([part.severity for part in parts]),
        np.concatenate([part.identity for part in parts]),
    )


def build_coarse_atlas(
    embed: Callable[[Sequence[CoarseRecipe]], LabelledEmbeddings], checkpoint_sha256: str
) -> Generator[tuple[int, int], None, Atlas]:
    """Build the coarse atlas in small batches, each of which `embed` embeds; yields (done, total) on the way."""
    recipes, parts = coarse_recipes(), []
    for start in range(0, len(recipes), COARSE_BATCH):
        yield start, len(recipes)
        parts.append(embed(recipes[start : start + COARSE_BATCH]))
    return fit_atlas(join(parts), checkpoint_sha256=checkpoint_sha256, origin=COARSE_ORIGIN)


def open_atlas(predictor: QualityPredictor, settings: Settings, *, progress: bool = False) -> Atlas:
    """Return the atlas of a predictor's checkpoint; one that is not there is built, with a bar on standard error."""
    if atlas := find_atlas(predictor.spec, settings):
        return atlas
    building = build_coarse_atlas(partial(embed_coarse, predictor), weights_sha256(predictor.spec))
    with tqdm(desc="building the atlas", unit="view", leave=False, disable=not progress) as bar:
        while True:
            try:
                done, bar.total = next(building)
                bar.update(done - bar.n)
            except StopIteration as finished:
                built: Atlas = finished.value
                break
    keep_atlas(built, atlas_cache(predictor.spec, settings))
    return built
