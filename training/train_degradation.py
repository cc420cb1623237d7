"""Train the degradation encoder without labels: `python -m training.train_degradation`.

Dual-set contrastive learning. Set S is one face under many synthetic degradations, set R is made of
photos of other people as they come from the wild, and of other people's degraded views, because the
wild photos at hand cover few degradations. What was done to a photo is never told to the network; it
is used afterwards, to measure how well nearest neighbours in the embedding share a degradation.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from fiqa.alignment import align
from fiqa.crops import cut_crops, grid_offsets
from fiqa.models import LITE, DslFiqaConfig
from fiqa.models.degradation_encoder import DegradationEncoder
from training.loop import train
from training.losses import dual_set_contrast
from training.photos import read_photo_folder, split_by_source
from training.pseudo_mos import MARGIN, VIEW_PX
from training.script import loop_arguments, loop_options, run_script
from training.views import RenderedViews, read_views

TEMPERATURE = 0.1
"""Of squared distances between unit vectors (0..4); the released 1.0 is for vectors of any length."""
NEIGHBOURS = 5
NOTICEABLE = 0.4
"""Types are told apart from severity 2 of 5 on."""


class ContrastiveEncoder(nn.Module):
    """An encoder whose projected, averaged and normalised features the loss compares."""

    def __init__(self, encoder: DegradationEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, crops: Tensor) -> Tensor:
        """Map normalised crops (B, 3, S, S) to unit vectors (B, D)."""
        projected = self.encoder.project(self.encoder(crops))
        return F.normalize(projected.mean(dim=(1, 2)), dim=-1)


class DegradationTask:
    """Contrast sets drawn from rendered views and wild photos."""

    metric = "type_accuracy"

    def __init__(
        self, network: ContrastiveEncoder, views: RenderedViews, wild: NDArray[np.uint8], held: RenderedViews,
        *, crop_px: int, faces: int, versions: int, seed: int,
    ) -> None:  # fmt: skip
        self.network = network
        self.views, self.wild, self.held = views, wild, held
        self.crop_px, self.faces, self.versions, self.seed = crop_px, faces, versions, seed
        self.identities = np.unique(views.identity)

    def loss(self, network: nn.Module, draw: int) -> dict[str, Tensor]:
        """Contrast the versions of `faces` faces, each against its own draw of other photos."""
        rng = np.random.default_rng((self.seed, 0, draw))
        identities = rng.choice(self.identities, size=self.faces, replace=False)
        crops = np.concatenate([self._sets(identity, rng) for identity in identities])
        features = network(normalised(crops, next(network.parameters()).device))
        losses = [dual_set_contrast(*pair.chunk(2), temperature=TEMPERATURE) for pair in features.chunk(self.faces)]
        return {"loss": torch.stack(losses).mean()}

    def _sets(self, identity: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return set S and set R for one face, `versions` crops each, stacked."""
        mine = rng.choice(np.flatnonzero(self.views.identity == identity), size=self.versions, replace=False)
        others = rng.choice(np.flatnonzero(self.views.identity != identity), size=self.versions // 2, replace=False)
        wild = rng.choice(len(self.wild), size=self.versions - len(others), replace=False)
        # One window for all: where a crop was cut must not tell the versions apart, only what was done to them.
        top, left = rng.integers(0, self.wild.shape[1] - self.crop_px + 1, size=2)
        sources = np.concatenate([self.views.pixels[mine], self.views.pixels[others], self.wild[wild]])
        return sources[:, top : top + self.crop_px, left : left + self.crop_px]

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return how often nearest training views name the degradation of held-aside single-degradation views."""
        encoder: DegradationEncoder = network.encoder  # type: ignore[assignment]
        known, known_type = self._singles(encoder, self.views, limit=2000)
        asked, asked_type = self._singles(encoder, self.held, limit=2000)
        distance = torch.cdist(asked, known)
        votes = known_type[distance.topk(NEIGHBOURS, largest=False).indices]
        return {"type_accuracy": (votes.mode(dim=1).values == asked_type).float().mean().item()}

    def _singles(self, encoder: DegradationEncoder, views: RenderedViews, limit: int) -> tuple[Tensor, Tensor]:
        """Embed clean views (type 0) and noticeable single degradations (type 1 …), `limit` at most."""
        applied = (views.severity > 0).sum(1)
        chosen = np.flatnonzero((applied == 0) | ((applied == 1) & (views.severity.max(1) >= NOTICEABLE)))
        chosen = np.random.default_rng(0).permutation(chosen)[:limit]
        types = np.where(applied[chosen] == 0, 0, views.severity[chosen].argmax(1) + 1)
        return embed(encoder, views, chosen, self.crop_px), torch.from_numpy(types)


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
    return torch.from_numpy(crops).to(device).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def wild_views(folder: Path) -> NDArray[np.uint8]:
    """Return aligned views (V, 256, 256, 3) of all training photos that are not pristine."""
    photos = read_photo_folder(folder)
    splits = split_by_source([photo.source for photo in photos if photo.pristine])
    wild = [photo for photo in photos if not photo.pristine and splits.get(photo.source, "train") == "train"]
    bar = tqdm(wild, desc="aligning", unit="photo", leave=False)
    return np.stack([align(p.read(), p.landmarks, side_px=VIEW_PX, margin=MARGIN).image for p in bar])


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the encoder of the `lite` network."""
    parser = argparse.ArgumentParser(prog="python -m training.train_degradation", description=__doc__.split("\n")[0])
    parser.add_argument("--views", type=Path, default=Path("runs/pseudo_mos"), help="rendered views")
    parser.add_argument("--photos", type=Path, required=True, help="photo folder whose other photos are the real set")
    parser.add_argument("--faces", type=int, default=4, help="faces per step")
    loop_arguments(parser, output="runs/degradation")
    options = parser.parse_args(arguments)
    loop = loop_options(options, steps=6000, batch=16, learning_rate=1e-3)
    config: DslFiqaConfig = LITE
    torch.manual_seed(loop.seed)
    task = DegradationTask(
        ContrastiveEncoder(DegradationEncoder(config)),
        read_views(options.views, "train"),
        wild_views(options.photos),
        read_views(options.views, "val"),
        crop_px=config.crop_px,
        faces=options.faces,
        versions=loop.batch,
        seed=loop.seed,
    )
    about = {"config": asdict(config), "data": {"views": len(task.views), "wild": len(task.wild)}}
    train(task, loop, options.output, about=about)


if __name__ == "__main__":
    run_script(main)
