"""Turn a training run into a checkpoint folder that the app and the library load by name.

python -m training.release runs/quality --output assets/checkpoints/lite --name lite
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from fiqa.checkpoints import CheckpointSpec, Preprocessing, save_checkpoint
from fiqa.models import LITE, DslFiqa
from fiqa.models.dsl_fiqa import load_weights
from training.errors import DataError
from training.pseudo_mos import MARGIN, VIEW_PX
from training.script import run_script
from training.train_quality import CROPS

LITE_NOTE = (
    "Trained on synthetic damage measured by full-reference metrics, not on ratings by people: "
    "0.7 says less damaged than about 70 % of the photos it was trained on."
)


def count_gflops(network: DslFiqa, crops: int) -> float:
    """Return multiplications and additions, in billions, for the crops of one face."""
    side = network.config.crop_px
    if network.config.landmarks == "index":
        landmarks = torch.zeros(crops, network.config.landmark_slots)
    else:
        landmarks = torch.zeros(crops, network.config.landmark_slots, 2)
    # The counter knows nothing of the CPU's fused attention kernel, so attention is spelled out while it counts.
    with FlopCounterMode(display=False) as counter, torch.inference_mode(), sdpa_kernel(SDPBackend.MATH):
        network(torch.zeros(crops, 3, side, side), landmarks)
    return float(counter.get_total_flops()) / 1e9


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the checkpoint folder of a `training.train_quality` run."""
    parser = argparse.ArgumentParser(prog="python -m training.release", description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path, help="folder of a training.train_quality run")
    parser.add_argument("--output", type=Path, required=True, help="checkpoint folder to write")
    parser.add_argument("--name", required=True)
    parser.add_argument("--title", default="lite, bundled")
    parser.add_argument("--note", default=LITE_NOTE)
    options = parser.parse_args(arguments)
    weights = options.run / "best.safetensors"
    if not weights.is_file():
        raise DataError(f"{options.run} holds no finished validation: there is no best.safetensors in it.")
    network = DslFiqa(LITE).eval()
    load_weights(network, weights)
    spec = CheckpointSpec(
        name=options.name,
        title=options.title,
        licence="Apache-2.0",
        note=options.note,
        source="bundled" if options.name == "lite" else f"trained by python -m training.train_quality ({options.run})",
        preprocessing=Preprocessing(view_px=VIEW_PX, margin=MARGIN, crops=CROPS),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        gflops=round(count_gflops(network, CROPS), 3),
        metrics=_best_figures(options.run / "history.jsonl"),
    )
    save_checkpoint(network, spec, options.output)
    print(f"{options.output}: {spec.parameters} parameters, {spec.gflops} GFLOPs a face, {spec.metrics}")


def _best_figures(history: Path) -> dict[str, float]:
    """Return the validation figures of the best step."""
    rows: list[dict[str, float]] = [json.loads(line) for line in history.read_text(encoding="utf-8").splitlines()]
    return max((row for row in rows if "srcc" in row), key=lambda row: row["srcc"])


if __name__ == "__main__":
    run_script(main)
