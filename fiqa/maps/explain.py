"""Where the network looks: maps of one face, computed crop by crop.

What the network says of each region (quality, confidence, contribution) needs one pass. Attention is read
from a ViT's blocks and from the decoder. Since attention is not attribution, two ways to attribute the
score stand beside it, both from captum: occlusion, and integrated gradients (Sundararajan et al., 2017,
arXiv:1703.01365). Both start from a blurred face, so they tell what its detail is worth; with a blank
start, the blank patches themselves would be the worst damage in sight.

Every crop is a step of its own, so whoever waits can be told how far the work is, and memory stays flat:
attention is averaged over heads as each block makes it, and no block's full matrix outlives the block.

Shapes: K crops, G cells a side, N = G² tokens, T tokens with the prefix, H heads, S crop side in pixels.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import torch
from captum.attr import IntegratedGradients, Occlusion
from einops import rearrange, reduce
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from tqdm import tqdm

from fiqa.faces.face_choice import FaceChoice
from fiqa.maps.face_maps import KINDS, FaceMap, Grid, MapKey, OfferedMaps, Placement
from fiqa.models.backbone import ColumnBackbone
from fiqa.models.dsl_fiqa import recorded_attention
from fiqa.photo_scorer import FaceCrops
from fiqa.photos.alignment import View
from fiqa.photos.crops import Offset, is_right
from fiqa.photos.images import PhotoSource, decode_photo
from fiqa.predictor import QualityPredictor

OCCLUDED_SHARE, OCCLUSION_STEP = 1 / 4, 1 / 8
"""Side of the window that is blurred away, and how far it moves, as shares of the crop's side."""
BLUR_SHARE = 1 / 16
"""Standard deviation of the blur that occlusion and integrated gradients start from, as a share of the crop's side."""
GRADIENT_STEPS = 128

Grids = dict[MapKey, Grid]
Step = Callable[[QualityPredictor, FaceCrops], Grids]


def why_missing(predictor: QualityPredictor, kind: str) -> str | None:
    """Return why a kind of map cannot be had of this network, as a sentence; None where it can."""
    if KINDS[kind] in (KINDS["attention"], KINDS["rollout"]) and not block_count(predictor, kind):
        return (
            f"The backbone of {predictor.spec.name} ({predictor.config.backbone}) is no ViT: "
            f"it has no attention between all patches that could be shown."
        )
    return None


def block_count(predictor: QualityPredictor, kind: str) -> int:
    """Return how many blocks a kind of map exists for; 0 where the network has none."""
    transformer = predictor.inference_network.transformer
    if kind == "cross_attention":
        return len(transformer.decoder)
    backbone = transformer.backbone
    return len(backbone.network.blocks) if isinstance(backbone, ColumnBackbone) else 0


def offered_maps(predictor: QualityPredictor) -> OfferedMaps:
    """Return which maps can be had of this network."""
    reasons = {kind: why_missing(predictor, kind) for kind in KINDS}
    return OfferedMaps(
        predictor.spec.name,
        missing={kind: reason for kind, reason in reasons.items() if reason},
        blocks={kind: block_count(predictor, kind) for kind in KINDS if KINDS[kind].by_block and not reasons[kind]},
    )


def map_steps(predictor: QualityPredictor, face: FaceCrops, kind: str) -> list[Callable[[], Grids]]:
    """Return one call per crop, whose answers are the crop's (1, G, G) grids of this kind and of all that come with it.

    `merge_crops` makes maps of the answers.
    """
    return [lambda offset=offset: _crop_grids(predictor, face, kind, offset) for offset in face.offsets]  # type: ignore[misc]


def _crop_grids(predictor: QualityPredictor, face: FaceCrops, kind: str, offset: Offset) -> Grids:
    """Return the grids (1, G, G) of one crop as it lies in the view, also where the network is shown it mirrored."""
    grids = _STEPS[kind](predictor, replace(face, offsets=[offset]))
    config, width = predictor.config, face.view.image.shape[1]
    if not (config.mirror_right and is_right(offset, width, config.crop_px)):
        return grids
    return {key: grid[:, :, ::-1] for key, grid in grids.items()}


def merge_crops(steps: Sequence[Grids], placement: Placement) -> dict[MapKey, FaceMap]:
    """Make maps of the answers of all steps of one face; the parts of maps that add up become parts of the mean."""
    maps = {}
    for key in steps[0]:
        grids = np.concatenate([step[key] for step in steps])
        maps[key] = FaceMap(key, grids / len(grids) if KINDS[key.kind].is_additive else grids, placement)
    return maps


def compute_maps(
    predictor: QualityPredictor, pixels: NDArray[np.uint8], face: FaceCrops, kind: str
) -> dict[MapKey, FaceMap]:
    """Return the maps of this kind, and those that come with it, of one face of a photo (H, W, 3)."""
    return merge_crops([step() for step in map_steps(predictor, face, kind)], placement_of(predictor, pixels, face))


def explain(
    predictor: QualityPredictor,
    source: PhotoSource,
    kind: str = "contribution",
    *,
    block: int | None = None,
    face: FaceChoice = "main",
    aligned: str | None = None,
    progress: bool = False,
) -> FaceMap:
    """Return one map of one face of a photo.

    Args:
        predictor: The checkpoint whose view of the face is mapped.
        source: A photo as `QualityPredictor.score` takes it.
        kind: A name of `fiqa.maps.face_maps.KINDS`.
        block: For kinds that exist once per block, which one, from 1; the last unless given.
        face: Whose face, as `QualityPredictor.score` takes it.
        aligned: Name of the layout of an aligned crop, as `QualityPredictor.score` takes it.
        progress: Whether to show a bar on standard error.

    Returns:
        The grids (K, G, G) of the face's crops, and where they lie in the photo; `on_photo` draws them over it.

    Raises:
        PhotoError: The photo cannot be read.
        NoFaceError: There is nothing face-like in it.
        SettingError: There is no such map of this network, or no such face or layout.
    """
    key = offered_maps(predictor).find(kind, block)
    pixels = decode_photo(source).pixels
    chosen = choose_face(predictor, pixels, face, aligned=aligned)
    steps = tqdm(map_steps(predictor, chosen, kind), unit="crop", disable=not progress)
    return merge_crops([step() for step in steps], placement_of(predictor, pixels, chosen))[key]


def placement_of(predictor: QualityPredictor, pixels: NDArray[np.uint8], face: FaceCrops) -> Placement:
    """Return where the crops of a face lie in its photo (H, W, 3)."""
    height, width = pixels.shape[:2]
    return Placement(
        tuple(face.offsets), predictor.config.crop_px, len(face.view.image), face.view.to_photo, (width, height)
    )


def choose_face(
    predictor: QualityPredictor, pixels: NDArray[np.uint8], choice: FaceChoice = "main", *, aligned: str | None = None
) -> FaceCrops:
    """Return a face of a photo (H, W, 3) as the network is shown it; choices as `QualityPredictor.score` takes them.

    Raises SettingError when there is no such face, NoFaceError when there is nothing like a face.
    """
    return predictor.face_crops(pixels, predictor.find_faces(pixels, choice, aligned=aligned).face)


def _regions(predictor: QualityPredictor, crop: FaceCrops) -> Grids:
    """Read quality and confidence of every region, and its part in the crop's score."""
    prediction = predictor.predict([crop])
    quality, confidence = (maps.double().numpy() for maps in (prediction.quality, prediction.confidence))
    return {
        MapKey("quality"): quality,
        MapKey("confidence"): confidence,
        MapKey("contribution"): quality * confidence / reduce(confidence, "k r c -> k 1 1", "sum"),
    }


@torch.inference_mode()
def _attention(predictor: QualityPredictor, crop: FaceCrops) -> Grids:
    """Read the attention that each patch receives in every block, and through all of them."""
    backbone = cast("ColumnBackbone", predictor.inference_network.transformer.backbone)
    crops, _ = predictor.network_inputs(crop)
    with recorded_attention(backbone, keep=lambda weights: reduce(weights, "b h q t -> b q t", "mean")) as blocks:
        backbone(crops)
    prefix = backbone.network.num_prefix_tokens
    grids = {MapKey("attention", number): _received(each, prefix) for number, each in enumerate(blocks, start=1)}
    return {**grids, MapKey("rollout"): _received(rollout(blocks), prefix)}


def rollout(blocks: Sequence[Tensor]) -> Tensor:
    """Return attention (B, T, T) followed through blocks of (B, T, T), first to last, whose rows sum to one.

    Each block passes half of a token on and gathers the other half by attention (Abnar and Zuidema, 2020,
    arXiv:2005.00928).
    """
    identity = torch.eye(blocks[0].shape[-1], device=blocks[0].device)
    total = identity.expand_as(blocks[0])
    for weights in blocks:
        total = (0.5 * weights + 0.5 * identity) @ total
    return total


def _received(weights: Tensor, prefix: int) -> Grid:
    """Return what each patch receives from all patches, (B, T, T) to (B, G, G), in shares of an even distribution."""
    return _as_grids(reduce(weights[:, prefix:, prefix:], "b q t -> b t", "mean"))


@torch.inference_mode()
def _decoder_attention(predictor: QualityPredictor, crop: FaceCrops) -> Grids:
    """Read how much each token is attended by the degradation queries, each as often as it is asked."""
    transformer = predictor.inference_network.transformer
    crops, _ = predictor.network_inputs(crop)
    degradation = predictor.inference_network.encoder(crops)
    blocks = transformer.decoder_attention(transformer.encode(crops), degradation)
    asked = torch.bincount(transformer.positions, minlength=blocks[0].shape[2]).to(blocks[0])
    asked /= asked.sum()
    received = [reduce(torch.einsum("bhqn,q->bhn", weights, asked), "b h n -> b n", "mean") for weights in blocks]
    return {MapKey("cross_attention", number): _as_grids(each) for number, each in enumerate(received, start=1)}


def _as_grids(tokens: Tensor) -> Grid:
    """Turn shares of tokens (B, N) into grids (B, G, G) in which 1 is an even share."""
    side = round(tokens.shape[-1] ** 0.5)
    grids: Grid = rearrange(tokens * tokens.shape[-1], "b (r c) -> b r c", r=side).double().cpu().numpy()
    return grids


@torch.inference_mode()
def _occlusion(predictor: QualityPredictor, crop: FaceCrops) -> Grids:
    """Blur one window after the other away; a cell's value is the mean loss of score over the windows on it."""
    config = predictor.config
    window, step = (max(1, round(share * config.grid)) * config.patch_px for share in (OCCLUDED_SHARE, OCCLUSION_STEP))
    crops, _ = predictor.network_inputs(crop)
    losses = Occlusion(_score_of(predictor, crop)).attribute(
        crops,
        sliding_window_shapes=(3, window, window),
        strides=(3, step, step),
        baselines=predictor.network_inputs(_blurred(crop, config.crop_px))[0],
        perturbations_per_eval=predictor.batch,
    )
    return {MapKey("occlusion"): _by_cell(losses, config.patch_px) / (3 * config.patch_px**2)}


def _integrated_gradients(predictor: QualityPredictor, crop: FaceCrops) -> Grids:
    """Follow the score from the blurred crop to the crop; a cell's part is the sum over its pixels."""
    config = predictor.config
    crops, blurred = (predictor.network_inputs(each)[0] for each in (crop, _blurred(crop, config.crop_px)))
    gains = IntegratedGradients(_score_of(predictor, crop)).attribute(
        crops, baselines=blurred, n_steps=GRADIENT_STEPS, internal_batch_size=predictor.batch
    )
    return {MapKey("integrated_gradients"): _by_cell(gains, config.patch_px)}


def _score_of(predictor: QualityPredictor, crop: FaceCrops) -> Callable[[Tensor], Tensor]:
    """Return the score as a function of normalised crops (B, 3, S, S), with the landmarks of this one crop."""
    network, weights = predictor.inference_network, predictor.landmark_weights(crop)
    known = None if weights is None else weights.clone()  # what inference mode made cannot take part in gradients

    def score(crops: Tensor) -> Tensor:
        """Return the scores (B,) of crops (B, 3, S, S)."""
        repeated = None if known is None else known.expand(len(crops), -1)
        return predictor.spec.in_range(network.transformer(crops, network.encoder(crops), repeated).score)

    return score


def _by_cell(attribution: Tensor, cell_px: int) -> Grid:
    """Sum an attribution (1, 3, S, S) over channels and the pixels of each cell: (1, G, G)."""
    cells = reduce(attribution.detach().double(), "b d (r i) (c j) -> b r c", "sum", i=cell_px, j=cell_px)
    grids: Grid = cells.cpu().numpy()
    return grids


def _blurred(face: FaceCrops, crop_px: int) -> FaceCrops:
    """Return the face without its detail."""
    sigma = BLUR_SHARE * crop_px
    image = ndimage.gaussian_filter(face.view.image, (sigma, sigma, 0), mode="reflect")
    return replace(face, view=View(image, face.view.to_photo))


_STEPS: dict[str, Step] = {
    "contribution": _regions,
    "quality": _regions,
    "confidence": _regions,
    "occlusion": _occlusion,
    "integrated_gradients": _integrated_gradients,
    "attention": _attention,
    "rollout": _attention,
    "cross_attention": _decoder_attention,
}
