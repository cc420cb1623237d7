"""The released network, reproduced: what was recorded of the released code must come out of ours."""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from fiqa.models import OFFICIAL, DslFiqa
from fiqa.models.dsl_fiqa import load_strictly
from fiqa.models.landmark_encoding import index_vector, positional_encoding
from fiqa.models.official import DEAD, convert
from tests.fiqa.official import reference

pytestmark = pytest.mark.slow

TOLERANCE = 1e-5
VECTORS = reference.vectors()

Stages = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def network() -> Iterator[DslFiqa]:
    with torch.device("meta"):
        model = DslFiqa(OFFICIAL)
    state = convert(reference.released_state("de"), reference.released_state("iqa"))
    load_strictly(model, state, "released state dicts")
    with torch.inference_mode():
        yield model.eval()


BATCH = ("astronaut", "pixelated", "blocks")
"""The pictures of the recorded batch."""
OTHERS = ("gray",)
STAGED = [case for case in reference.CASES if case[1] in BATCH + OTHERS]
"""Two more pictures were recorded. They go the same way, with landmarks that others have too, and take seconds each."""


@pytest.fixture(scope="module")
def batch_stages(network: DslFiqa) -> Callable[[tuple[str, ...]], Stages]:
    """Returns what the stages before the decoder make of a batch of pictures; computed once for each."""
    transformer = network.transformer
    watched = {
        "vit_cat": transformer.backbone,
        "tab1": transformer.attention1,
        "conv1": transformer.reduce1,
        "swin1": transformer.swin1,
        "tab2": transformer.attention2,
        "conv2": transformer.reduce2,
        "swin2": transformer.swin2,
        "conv_decoder": transformer.reduce3,
    }

    @cache
    def encode(pictures: tuple[str, ...]) -> Stages:
        crops = torch.cat([reference.crop(picture) for picture in pictures])
        with recorded(watched) as stages:
            tokens = transformer.encode(crops)
        return {**stages, "tokens": tokens, "de_fea": network.encoder(crops)}

    return encode


@pytest.fixture(scope="module")
def image_stages(batch_stages: Callable[[tuple[str, ...]], Stages]) -> Callable[[str], Stages]:
    """Returns what the stages before the decoder make of a picture, which they see alone, though in a batch."""

    def stages_of(picture: str) -> Stages:
        batch = BATCH if picture in BATCH else OTHERS
        row = batch.index(picture)
        return {stage: tensor[row : row + 1] for stage, tensor in batch_stages(batch).items()}

    return stages_of


@contextmanager
def recorded(watched: Mapping[str, nn.Module]) -> Iterator[Stages]:
    """Collect what modules return, by the names that the released code was recorded under."""
    stages: Stages = {}
    hooks = [
        module.register_forward_hook(lambda _m, _i, output, stage=stage: stages.update({stage: output}))
        for stage, module in watched.items()
    ]
    yield stages
    for hook in hooks:
        hook.remove()


def close(actual: torch.Tensor | np.ndarray, key: str) -> None:
    """Compare with a recorded array: 1e-5 of the stage's size, which is what fp32 itself is worth there."""
    expected = np.asarray(VECTORS[key], dtype=np.float64)
    size = max(1.0, float(np.abs(expected).max()))
    values = np.asarray(actual, dtype=np.float64).reshape(expected.shape)
    assert_allclose(values, expected, rtol=0, atol=TOLERANCE * size)


def test_parameters_are_those_of_the_released_network_without_its_dead_ones(network: DslFiqa) -> None:
    released = {**reference.released_shapes("de"), **reference.released_shapes("iqa")}
    sizes = {name: math.prod(shape) for name, (_, shape) in released.items()}
    alive = sum(sizes[name] for name, (kind, _) in released.items() if kind != "int64" and not DEAD.match(name))
    ours = sum(t.numel() for t in network.state_dict().values() if t.is_floating_point())
    assert ours == alive
    dead = sum(size for name, size in sizes.items() if DEAD.match(name))
    assert dead == 21_715_304


@pytest.mark.parametrize(("name", "picture", "kind", "encoder_picture"), STAGED, ids=str)
def test_every_stage_matches_the_released_code(
    network: DslFiqa,
    image_stages: Callable[[str], Stages],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    picture: str,
    kind: str | None,
    encoder_picture: str | None,
) -> None:
    crops = reference.crop(picture)
    assert hashlib.sha256(crops.numpy().tobytes()).digest() == VECTORS[f"{name}/x_sha"].tobytes()
    points = VECTORS[f"{name}/points"]
    if kind is not None:
        vector = index_vector(reference.landmarks(kind), *reference.OFFSET, reference.CROP_PX, OFFICIAL.landmark_slots)
        assert np.array_equal(vector, points)
    of_picture, degradation = image_stages(picture), image_stages(encoder_picture or picture)["de_fea"]
    monkeypatch.setattr(network.transformer, "encode", lambda _crops: of_picture["tokens"])
    with recorded({f"dec{index}": block for index, block in enumerate(network.transformer.decoder)}) as stages:
        weights = network.landmark_weights(torch.from_numpy(points)[None])
        assert weights is not None
        prediction = network.transformer(crops, degradation, weights)
    stages |= {stage: tensor for stage, tensor in of_picture.items() if stage != "tokens"}
    stages["vit_cat"] = stages["vit_cat"].flatten(2).transpose(1, 2)
    stages |= {"de_fea": degradation, "de_out": network.encoder.project(degradation), "embed": weights}
    stages["embed_in"] = positional_encoding(torch.from_numpy(points)[None], OFFICIAL.landmark_frequencies)
    stages |= {"f": prediction.quality, "w": prediction.confidence, "score": prediction.score}
    score = stages.pop("score").item()
    for stage, tensor in stages.items():
        close(reference.take16(tensor), f"{name}/{stage}/v16")
    for stage in ("embed", "f", "w"):
        close(stages[stage].flatten(), f"{name}/{stage}")
    assert_allclose(score, VECTORS[f"{name}/score"].item(), rtol=0, atol=TOLERANCE)


def test_crops_of_a_batch_do_not_influence_each_other(
    network: DslFiqa, batch_stages: Callable[[tuple[str, ...]], Stages], monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = batch_stages(BATCH)
    crops = torch.cat([reference.crop(picture) for picture in BATCH])
    points = np.stack([VECTORS[f"{name}/points"] for name in ("astro_vis30", "pixelated_all68", "blocks_edge")])
    weights = network.landmark_weights(torch.from_numpy(points))
    assert weights is not None
    monkeypatch.setattr(network.transformer, "encode", lambda _crops: stages["tokens"])
    scores = network.transformer(crops, stages["de_fea"], weights).score
    assert_allclose(scores, VECTORS["batch3/score"], rtol=0, atol=TOLERANCE)


def test_crops_at_given_offsets_score_as_recorded(network: DslFiqa) -> None:
    """All vectors of landmarks, and the score of the last crop, at whose offset no other test looks."""
    offsets = VECTORS["e2e/offsets"]
    marks = VECTORS["e2e/landmarks"].astype(np.float32)
    points = np.stack([index_vector(marks, int(t), int(x), reference.CROP_PX, 500) for t, x in offsets])
    assert np.array_equal(points, VECTORS["e2e/points"])
    chosen = [len(offsets) - 1]
    crops = torch.cat([reference.crop("astronaut", int(top), int(left)) for top, left in offsets[chosen]])
    scores = network(crops, torch.from_numpy(points[chosen])).score
    assert_allclose(scores, VECTORS["e2e/scores"][chosen], rtol=0, atol=TOLERANCE)
