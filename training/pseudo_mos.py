"""Render degraded views of reference photos and label them: `python -m training.pseudo_mos`.

What a view is, and what its label says, stands in `training/data/rendering.py`.
"""

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

from fiqa.memory import keep_freed_memory
from training.data.photos import read_photo_folder
from training.data.rendering import (
    HELD_ASIDE_PX,
    SMALL_PX,
    VIEW_PX,
    Amounts,
    load_metrics,
    one_a_person,
    render_shard,
    uses,
)
from training.fit.script import count, none_or_more, run_script


def main(arguments: Sequence[str] | None = None) -> None:
    """Render all photos of a folder."""
    parser = argparse.ArgumentParser(prog="python -m training.pseudo_mos", description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=Path, required=True, help="photo folder with faces.json")
    parser.add_argument("--output", type=Path, default=Path("runs/pseudo_mos"), help="folder for the shards")
    usual = Amounts()
    parser.add_argument("--views", type=count, default=usual.views, help=f"views per training photo [{usual.views}]")
    parser.add_argument("--stacks", type=none_or_more, default=usual.stacks, help="stacks per held-aside photo")
    levels = f"levels of severity of every type, per held-aside photo [{usual.levels}]"
    parser.add_argument("--levels", type=count, default=usual.levels, help=levels)
    real = "views per photo that is no reference, 0 for none of these photos"
    parser.add_argument("--real-views", type=none_or_more, default=usual.real_views, help=real)
    sides = f"sides of a held-aside view when it is degraded; smaller than {VIEW_PX}: small faces"
    parser.add_argument("--held-aside-px", type=int, nargs="+", default=HELD_ASIDE_PX, metavar="PX", help=sides)
    without = "photos to leave out, by id: of people who are in the test photos, say"
    parser.add_argument("--without", nargs="+", default=[], metavar="ID", help=without)
    parser.add_argument("--workers", type=count, default=os.cpu_count())
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where the metrics are computed [cpu]")
    options = parser.parse_args(arguments)
    if min(options.held_aside_px) < SMALL_PX[0]:
        parser.error(f"--held-aside-px: expected {SMALL_PX[0]} or more, below which no face is trained on")
    serving = one_a_person(uses(read_photo_folder(options.photos), options.without))
    if options.real_views == 0:
        serving = [(photo, use) for photo, use in serving if use != "real"]
    options.output.mkdir(parents=True, exist_ok=True)
    amounts = Amounts(options.views, options.real_views, options.stacks, options.levels, tuple(options.held_aside_px))
    load_metrics()
    with ProcessPoolExecutor(options.workers, initializer=keep_freed_memory) as pool:
        jobs = [
            pool.submit(render_shard, photo, use, options.output, amounts, options.device) for photo, use in serving
        ]
        for job in tqdm(as_completed(jobs), total=len(jobs), unit="photo", desc="labels"):
            job.result()


if __name__ == "__main__":
    run_script(main)
