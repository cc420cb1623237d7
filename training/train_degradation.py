"""Train the degradation encoder: `python -m training.train_degradation`.

Dual-set contrastive learning. Set S is one face under every degradation there is, each at a severity of its
own; set R is another person's face, drawn the same way, half of them photos as they come from the wild. The
encoder is told neither what was done to a photo nor which members of the two sets correspond: Soft Proximity
Mapping has to find that out. Sets that show one face each are what makes it work: among photos of many people,
skin and light tell members apart as well as any damage does.

`--supervision W` adds what the loss above does without: the degradations by name and severity. Labels always
serve to measure how well nearest neighbours in the embedding share a degradation, identities unseen.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from fiqa.models import LITE, DslFiqaConfig
from fiqa.models.degradation_encoder import DegradationEncoder
from fiqa.photos.crops import cut_crops, grid_offsets
from training.data.rendering import TYPES
from training.data.views import CropSource, RenderedViews, joined, read_views, unlabelled_views
from training.errors import DataError
from training.fit.loop import train
from training.fit.losses import dual_set_contrast
from training.fit.script import loop_arguments, loop_options, run_script

TEMPERATURE = 0.1
"""Of squared distances between unit vectors (0..4); the released 1.0 is for vectors of any length."""
NEIGHBOURS = 5
NOTICEABLE = 0.4
"""Types are told apart from severity 2 of 5 on."""
IN_SETS = 0.2
"""Views of S and R are at least this severe, or they could not be told from the clean one."""
SHARPNESS = 10.0
"""Factor of the classifier's logits: those of unit vectors are small."""
SUPERVISED = 64
"""Random crops per batch that the supervision looks at."""


class EncoderInTraining(nn.Module):
    """An encoder whose averaged and normalised features the losses compare, and what supervision reads off them."""

    def __init__(self, encoder: DegradationEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.types = nn.Linear(encoder.dim, 1 + len(TYPES))
        self.severities = nn.Linear(encoder.dim, len(TYPES))

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map normalised crops (B, 3, S, S) to unit vectors (B, D), logits (B, 1 + T) and severities (B, T)."""
        unit = F.normalize(self.encoder(crops).float().mean(dim=(1, 2)), dim=-1)
        return unit, SHARPNESS * self.types(unit), self.severities(unit)


class DegradationTask:
    """Contrast the versions of one face with those of another; name them too when supervised."""

    metric = "type_accuracy"

    def __init__(
        self, network: EncoderInTraining, views: RenderedViews, held: RenderedViews,
        *, crop_px: int, pairs: int, supervision: float, seed: int,
    ) -> None:  # fmt: skip
        self.network, self.views, self.held = network, views, held
        self.crop_px, self.pairs, self.supervision, self.seed = crop_px, pairs, supervision, seed
        self.versions = versions_by_face(views)
        if len(self.versions) < 2 * pairs:
            raise DataError(
                f"{2 * pairs} faces with views of every degradation are needed for {pairs} pairs, and there are "
                f"{len(self.versions)}: render more views with python -m training.pseudo_mos, or lower --batch."
            )
        known = replace(views, weight=np.where(views.is_known, views.weight, 0.0))
        self.named = CropSource(known, views.severity, crop_px, seed=seed)

    def loss(self, network: nn.Module, draw: int) -> dict[str, Tensor]:
        """Contrast `pairs` of faces; supervise random views of any face."""
        crops, device = self._sets(draw), next(network.parameters()).device
        if not self.supervision:
            return {"loss": self._contrast(network(normalised(crops, device))[0])}
        named = self.named.batch(draw, SUPERVISED)
        unit, logits, severities = network(normalised(np.concatenate([crops, named.crops]), device))
        contrast = self._contrast(unit[: len(crops)])
        naming = degradation_naming(logits[len(crops) :], severities[len(crops) :], named.target.to(device))
        return {"loss": contrast + self.supervision * naming, "contrast": contrast.detach(), "naming": naming.detach()}

    def _contrast(self, unit: Tensor) -> Tensor:
        pairs = [pair.chunk(2) for pair in unit.chunk(self.pairs)]
        return torch.stack([dual_set_contrast(*pair, temperature=TEMPERATURE) for pair in pairs]).mean()

    def _sets(self, draw: int) -> NDArray[np.uint8]:
        """Return the crops of sets S and R of every pair, one set after the other."""
        rng = np.random.default_rng((self.seed, draw))
        faces = rng.choice(list(self.versions), size=2 * self.pairs, replace=False)
        return np.concatenate([self._set(self.versions[face], rng) for face in faces])

    def _set(self, versions: list[NDArray[np.int64]], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return one crop (V, S, S, 3) of every version: cut at one place, or the place would tell them apart."""
        chosen = [int(rng.choice(same_type)) for same_type in versions]
        top, left = rng.integers(0, self.views.pixels.shape[1] - self.crop_px + 1, size=2)
        crops = self.views.pixels[chosen, top : top + self.crop_px, left : left + self.crop_px]
        return crops[:, :, ::-1] if rng.random() < 0.5 else crops

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return how often nearest training views name the degradation of held-aside single-degradation views."""
        encoder: DegradationEncoder = network.encoder  # type: ignore[assignment]
        known, known_type = self._singles(encoder, self.views, limit=2000)
        asked, asked_type = self._singles(encoder, self.held, limit=2000)
        distance = torch.cdist(asked, known)
        votes = known_type[distance.topk(NEIGHBOURS, largest=False).indices]
        return {"type_accuracy": (votes.mode(dim=1).values == asked_type).float().mean().item()}

    def _singles(self, encoder: DegradationEncoder, views: RenderedViews, limit: int) -> tuple[Tensor, Tensor]:
        """Embed pristine views that are clean (type 0) or noticeably degraded once (type 1 …), `limit` at most."""
        applied = (views.severity > 0).sum(1)
        noticeable = (applied == 0) | ((applied == 1) & (views.severity.max(1) >= NOTICEABLE))
        chosen = np.random.default_rng(0).permutation(np.flatnonzero(noticeable & views.is_labelled))[:limit]
        types = np.where(applied[chosen] == 0, 0, views.severity[chosen].argmax(1) + 1)
        return embed(encoder, views, chosen, self.crop_px), torch.from_numpy(types)


def versions_by_face(views: RenderedViews) -> dict[int, list[NDArray[np.int64]]]:
    """Return, per face, the views without degradation and those with each single one, types seen anywhere only."""
    applied = (views.severity > 0).sum(1)
    singles = [applied == 0]
    singles += [(applied == 1) & (views.severity[:, column] >= IN_SETS) for column in range(len(TYPES))]
    singles = [chosen for chosen in singles if chosen.any()]
    faces = {int(face): views.identity == face for face in np.unique(views.identity)}
    versions = {face: [np.flatnonzero(mine & chosen) for chosen in singles] for face, mine in faces.items()}
    return {face: members for face, members in versions.items() if all(map(len, members))}


def degradation_naming(logits: Tensor, severities: Tensor, wanted: Tensor) -> Tensor:
    """Return the loss of naming degradations: cross-entropy of the type and L1 of the severity.

    logits: (B, 1 + T), clean first. severities and wanted: (B, T) in 0..1. A stack should be given its members'
    types in proportion to their severities.
    """
    total = wanted.sum(1, keepdim=True)
    types = torch.cat([(total == 0).float(), wanted / total.clamp_min(1e-6)], dim=1)
    return F.cross_entropy(logits, types) + (severities - wanted).abs().sum(1).mean()


def embed(encoder: DegradationEncoder, views: RenderedViews, chosen: NDArray[np.int64], crop_px: int) -> Tensor:
    """Return one unit vector (V, D) per chosen view: features averaged over cells and the four corner crops."""
    device = next(encoder.parameters()).device
    offsets = grid_offsets(views.pixels.shape[1], views.pixels.shape[2], crop_px, 4)
    vectors = []
    for start in range(0, len(chosen), 32):
        pixels = [views.pixels[index] for index in chosen[start : start + 32]]
        crops = np.concatenate([cut_crops(view, offsets, crop_px) for view in pixels])
        features = encoder(normalised(crops, device)).mean(dim=(1, 2))
        vectors.append(features.view(-1, 4, features.shape[-1]).mean(1).cpu())
    return F.normalize(torch.cat(vectors), dim=-1)


def normalised(crops: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Map crops (B, S, S, 3) uint8 to tensors (B, 3, S, S) in -1..1."""
    return torch.from_numpy(np.ascontiguousarray(crops)).to(device).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the encoder of the `lite` network."""
    parser = argparse.ArgumentParser(prog="python -m training.train_degradation", description=__doc__.split("\n")[0])
    parser.add_argument("--views", type=Path, default=Path("runs/pseudo_mos"), help="rendered views")
    parser.add_argument(
        "--supervision", type=float, default=0.0, help="weight of naming the degradations; 0: no labels"
    )
    parser.add_argument("--without", nargs="+", default=[], choices=TYPES, help="degradations to leave out")
    loop_arguments(parser, output="runs/degradation")
    given = parser.parse_args(arguments)
    options = loop_options(given, steps=6000, batch=3, learning_rate=2e-3, validate_every=1000)
    config: DslFiqaConfig = LITE
    torch.manual_seed(options.seed)
    task = DegradationTask(
        EncoderInTraining(DegradationEncoder(config)),
        joined([read_views(given.views, "train"), *unlabelled_views(given.views)]).without(given.without),
        read_views(given.views, "val").without(given.without),
        crop_px=config.crop_px,
        pairs=options.batch,
        supervision=given.supervision,
        seed=options.seed,
    )
    data = {"views": len(task.views), "faces": len(task.versions), "without": given.without}
    about = {"config": asdict(config), "data": data, "supervision": given.supervision}
    train(task, options, given.output, about=about)


if __name__ == "__main__":
    run_script(main)
