"""Train the quality transformer: `python -m training.train_quality`.

With `--encoder RUN` the degradation encoder comes from `training.train_degradation` and is frozen, as in
the paper (its batch norms too: the released training forgot those, so its network was selected under
features that inference never sees). Without, it is trained together with the rest. Loss: Charbonnier,
plus a pairwise ranking loss that `--ranking 0` switches off.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from fiqa.metrics import plcc, srcc
from fiqa.models import LITE, DslFiqa
from fiqa.models.dsl_fiqa import load_weights
from training.loop import train
from training.losses import charbonnier, pairwise_ranking
from training.script import loop_arguments, loop_options, run_script
from training.train_degradation import normalised
from training.views import CropSource, PseudoMos, RenderedViews, read_views, tiled_crops

CROPS = 4
VALIDATION_VIEWS = 600


class QualityTask:
    """Predict the pseudo-MOS of rendered views from crops."""

    metric = "srcc"

    def __init__(
        self, network: DslFiqa, source: CropSource, held: RenderedViews, target: NDArray[np.float32],
        *, batch: int, ranking: float, freeze_encoder: bool,
    ) -> None:  # fmt: skip
        self.network = network
        self.freeze_encoder = freeze_encoder
        self.source, self.held, self.target = source, held, target
        self.batch, self.ranking = batch, ranking
        network.encoder.requires_grad_(not freeze_encoder)

    def loss(self, network: nn.Module, draw: int) -> dict[str, Tensor]:
        """Return Charbonnier and ranking loss of one random batch of crops."""
        self.network.encoder.train(not self.freeze_encoder)
        device = next(network.parameters()).device
        sample = self.source.batch(draw, self.batch)
        target = sample.target.to(device)
        score = network(normalised(sample.crops, device), sample.landmarks.to(device)).score.float()
        error, order = charbonnier(score, target), pairwise_ranking(score, target)
        return {"loss": error + self.ranking * order, "charbonnier": error.detach()}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return SRCC and PLCC on held-aside views."""
        chosen = np.random.default_rng(0).permutation(len(self.held))[:VALIDATION_VIEWS]
        predicted = predict_views(network, self.held, chosen, self.source.crop_px)
        return {"srcc": srcc(predicted, self.target[chosen]), "plcc": plcc(predicted, self.target[chosen])}


@torch.inference_mode()
def predict_views(
    network: nn.Module, views: RenderedViews, chosen: NDArray[np.int64], crop_px: int, crops: int = CROPS
) -> NDArray[np.float32]:
    """Return the score (V,) of chosen views, averaged over the crops that inference takes."""
    device = next(network.parameters()).device
    scores = []
    for start in range(0, len(chosen), 16):
        tiles = [tiled_crops(views, int(index), crop_px, crops) for index in chosen[start : start + 16]]
        pixels = np.concatenate([tile[0] for tile in tiles])
        landmarks = torch.cat([tile[1] for tile in tiles]).to(device)
        scores.append(network(normalised(pixels, device), landmarks).score.view(-1, crops).mean(1).cpu())
    return torch.cat(scores).numpy()


def load_encoder(network: DslFiqa, run: Path) -> None:
    """Take the encoder of a finished `training.train_degradation` run."""
    state = load_file(run / "best.safetensors")
    network.encoder.load_state_dict({name.removeprefix("encoder."): tensor for name, tensor in state.items()})


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the `lite` network on rendered views."""
    parser = argparse.ArgumentParser(prog="python -m training.train_quality", description=__doc__.split("\n")[0])
    parser.add_argument("--views", type=Path, default=Path("runs/pseudo_mos"), help="rendered views")
    parser.add_argument("--encoder", type=Path, help="run of training.train_degradation whose encoder is kept frozen")
    parser.add_argument("--start", type=Path, help="run of training.train_quality whose best weights to start from")
    parser.add_argument("--ranking", type=float, default=1.0, help="weight of the ranking loss")
    loop_arguments(parser, output="runs/quality")
    options = parser.parse_args(arguments)
    loop = loop_options(options, steps=12000, batch=48, learning_rate=2e-3)
    torch.manual_seed(loop.seed)
    network = DslFiqa(LITE)
    if options.start:
        load_weights(network, options.start / "best.safetensors")
    if options.encoder:
        load_encoder(network, options.encoder)
    views, held = read_views(options.views, "train"), read_views(options.views, "val")
    mapping = PseudoMos.fit(views.metrics)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "pseudo_mos.json").write_text(json.dumps(mapping.quantiles.tolist()))
    source = CropSource(views, mapping(views.metrics), LITE.crop_px, seed=loop.seed)
    task = QualityTask(
        network,
        source,
        held,
        mapping(held.metrics),
        batch=loop.batch,
        ranking=options.ranking,
        freeze_encoder=options.encoder is not None,
    )
    train(task, loop, options.output)


if __name__ == "__main__":
    run_script(main)
