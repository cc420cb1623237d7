"""Build the atlas of a checkpoint from rendered views: `python -m training.build_atlas`.

Embeds the views that `training.pseudo_mos` rendered, fits the atlas (`fiqa/degradation/atlas_building.py`) to those of
the training and validation photos (the sizes of the classifier were chosen on the latter before they joined), and
writes it beside the weights it belongs to. `python -m benchmarks.degradation` measures it on the test photos.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from fiqa.degradation.atlas import ATLAS, load_atlas, weights_sha256
from fiqa.degradation.atlas_building import LabelledEmbeddings, embed_views, fit_atlas, join
from fiqa.errors import CheckpointError
from fiqa.loading import load_predictor
from fiqa.predictor import QualityPredictor
from training.data.photos import Split
from training.errors import DataError
from training.fit.script import run_script


def embed_split(predictor: QualityPredictor, folder: Path, split: Split) -> LabelledEmbeddings:
    """Embed all rendered views of one split, one shard at a time; raise DataError when there are none."""
    parts = []
    for identity, path in enumerate(tqdm(sorted(folder.glob("*.npz")), desc=f"embedding {split}", unit="photo")):
        with np.load(path) as shard:
            if str(shard["split"]) != split:
                continue
            views, severity = shard["views"], shard["severity"]
        parts.append(
            LabelledEmbeddings(embed_views(predictor, views), severity, np.full(len(views), identity, dtype=np.int64))
        )
    if not parts:
        raise DataError(f"No {split} views in {folder}; make them with python -m training.pseudo_mos.")
    return join(parts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the atlas into the checkpoint's folder."""
    parser = argparse.ArgumentParser(prog="python -m training.build_atlas", description=__doc__.split("\n")[0])
    parser.add_argument("--views", type=Path, default=Path("runs/pseudo_mos"), help="rendered views")
    parser.add_argument("--checkpoint", default="lite", help="name or folder (default: lite)")
    parser.add_argument("--splits", nargs="+", choices=("train", "val"), default=["train", "val"])
    options = parser.parse_args(arguments)
    predictor = load_predictor(options.checkpoint, device="cpu", finder="bundled")
    if predictor.spec.folder is None:
        raise CheckpointError(f"The weights of {options.checkpoint!r} are not on this machine.")
    known = join([embed_split(predictor, options.views, split) for split in options.splits])
    people = len(np.unique(known.identity))
    origin = f"{people} faces under 12 degradations, single and stacked, {len(known.severity)} views in all"
    path = predictor.spec.folder / ATLAS
    fit_atlas(known, checkpoint_sha256=weights_sha256(predictor.spec), origin=origin).save(path)
    atlas = load_atlas(path)
    print(f"{path}: {path.stat().st_size / 2**20:.2f} MiB, {len(atlas.vectors)} references, made of {atlas.origin}")


if __name__ == "__main__":
    run_script(main)
