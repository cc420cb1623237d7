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
from torch import nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from fiqa.degradation.atlas import (
    TYPES,
    Atlas,
    Classifier,
    Floats,
    atlas_cache,
    distances,
    find_atlas,
    keep_atlas,
    pool,
    weights_sha256,
)
from fiqa.degradation.synthetic import DEGRADATIONS, LEVELS, degrade
from fiqa.degradation.what_if import find_subject
from fiqa.errors import NoFaceError
from fiqa.photos.alignment import align
from fiqa.photos.crops import cut_crops, grid_offsets
from fiqa.predictor import QualityPredictor
from fiqa.settings import Settings

REFERENCES_PER_LEVEL, CLEAN_REFERENCES = 24, 96
NEIGHBOURS, REACH_PERCENTILE = 5, 95
PERPLEXITY = 30
HIDDEN, DROPOUT, JITTER = 192, 0.3, 0.1
STEPS, BATCH, LEARNING_RATE, WEIGHT_DECAY = 2500, 512, 6e-3, 0.02
CLEAN_WEIGHT = 8.0
"""A clean face counts as eight damaged ones: most photos that people bring are not damaged."""
MANY_CROPS, FEW_CROPS = 4, 2
"""Where inference takes many crops the coarse atlas takes few: the released encoder takes 1.4 s for one on a CPU."""
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
        pixels = cut_crops(view, offsets, crop_px, mirror_right=predictor.config.mirror_right)
        features = predictor.inference_network.encoder(predictor.normalise(pixels))
        embedded.append(pool(features[None].float().cpu().numpy()))
    return np.concatenate(embedded)


def fit_atlas(known: LabelledEmbeddings, *, checkpoint_sha256: str, origin: str, seed: int = 0) -> Atlas:
    """Fit everything an atlas holds to labelled embeddings of single degradations, stacks and clean faces."""
    centre, scale = known.vectors.mean(axis=0), known.vectors.std(axis=0) + 1e-6
    standard = LabelledEmbeddings((known.vectors - centre) / scale, known.severity, known.identity)
    references = standard.take(choose_references(known.severity, seed))
    return Atlas(
        vectors=references.vectors,
        types=single_types(references.severity).astype(np.uint8),
        severity=references.severity.max(axis=1),
        places=draw_map(references.vectors, seed),
        centre=centre,
        scale=scale,
        classifier=fit_classifier(standard, seed),
        reach=reach_of(references),
        checkpoint_sha256=checkpoint_sha256,
        origin=origin,
    )


def fit_classifier(known: LabelledEmbeddings, seed: int) -> Classifier:
    """Fit one softmax over clean and every level of every type to standardised embeddings, by AdamW.

    The hidden layer is for stacks: on the photos held aside a linear classifier names one of two degradations first
    in 92 % of the stacks, this one in 94 %; on single degradations both are right in 98 %.
    """
    vectors, targets = torch.from_numpy(known.vectors), torch.from_numpy(class_targets(known.severity))
    weights = torch.where(targets[:, 0] == 1, CLEAN_WEIGHT, 1.0)
    steps = min(STEPS, 2 * len(vectors))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Linear(vectors.shape[1], HIDDEN), nn.ReLU(), nn.Dropout(DROPOUT), nn.Linear(HIDDEN, targets.shape[1])
        )
        optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
        for _ in range(steps):
            drawn = torch.randint(len(vectors), (BATCH,))
            logits = network(vectors[drawn] + JITTER * torch.randn(BATCH, vectors.shape[1]))
            loss = (weights[drawn] * cross_entropy(logits, targets[drawn], reduction="none")).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return _to_numpy(network)


def _to_numpy(network: nn.Sequential) -> Classifier:
    hidden, hidden_bias, weights, bias = (parameter.detach().numpy() for parameter in network.parameters())
    return Classifier(hidden.T.copy(), hidden_bias, weights.T.copy(), bias)


def class_targets(severity: Floats) -> Floats:
    """Return the share (V, 1 + T·L) that every class has in faces of these severities (V, T); each row sums to one.

    A stack counts for each of its types alike, a severity between two levels for both, below the first for clean too.
    """
    level = severity * LEVELS
    below = np.floor(level)
    targets = np.zeros((len(severity), 1 + severity.shape[1] * LEVELS), dtype=np.float32)
    for at, share in ((below, 1 - level + below), (below + 1, level - below)):
        rows, types = np.nonzero((severity > 0) & (share > 0) & (at >= 1))
        targets[rows, (1 + types * LEVELS + at[rows, types] - 1).astype(np.intp)] = share[rows, types]
    applied = (severity > 0).sum(axis=1)
    mild = np.where(applied == 1, 1 - level.max(axis=1), 0)
    targets[:, 0] = np.where(applied == 0, 1, np.maximum(mild, 0))
    shares: Floats = targets / np.maximum(targets.sum(axis=1, keepdims=True), 1e-6)
    return shares


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

    Of the 15 nearest neighbours among the references of `lite`, 66 % stay neighbours on the map; on that of the two
    principal components 30 % do.
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

    prep, subject = predictor.spec.preprocessing, find_subject(predictor, np.asarray(astronaut()))
    if subject.face is None:
        raise NoFaceError("The face finder finds no face in the astronaut, so no atlas can be made with it.")
    landmarks = subject.face.landmarks
    return np.stack(
        [
            align(
                degrade(subject.pixels, recipe.steps, seed=recipe.seed),
                landmarks,
                side_px=prep.view_px,
                margin=prep.margin * recipe.zoom,
            ).image
            for recipe in recipes
        ]
    )


def embed_coarse(predictor: QualityPredictor, recipes: Sequence[CoarseRecipe]) -> LabelledEmbeddings:
    """Render and embed a batch of the coarse atlas."""
    crops = predictor.spec.preprocessing.crops
    crops = crops if crops <= MANY_CROPS else FEW_CROPS
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
