"""Make a checkpoint that learnt from people: `make train-people DATA=gfiqa`.

    train_encoder -> train_quality -> the official protocol on the test split -> release

Takes GFIQA-20k or CGFIQA-40k as `python -m training.fetch` lays it out, or any folder in that layout, and trains the
paper's network by the paper's recipe: the degradation encoder first, then the quality network with that encoder
frozen. The checkpoint's card has its figures on the test split beside the published ones. Hours and memory are measured
on a few steps and said before anything starts; `--estimate` stops there.

Every step is printed as the command that does it alone, and goes on where it was stopped when the same command is given
again. The network is that of the paper unless `--config` names another one.
"""

import argparse
import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import PartialState
from numpy.typing import NDArray

from fiqa.evaluation.metrics import AGREEMENT
from fiqa.evaluation.official_protocol import landmark_count, run_official_protocol
from fiqa.faces.face_choice import ALIGNED_LAYOUTS
from fiqa.loading import load_predictor
from fiqa.photos.images import decode_photo
from training import release, train_encoder, train_quality
from training.data.arrangement import count_labels
from training.data.datasets import Dataset, read_dataset
from training.data.labelled_views import LandmarkStore
from training.errors import DataError
from training.fetch import ABOUT, DATASETS
from training.fit.cost import measure_cost
from training.fit.script import positive, run_script
from training.report.agreement import measure_agreement
from training.storage import replace_file, replace_text

PAPER = "DSL-FIQA (Chen et al., 2024)"
Command = list[str]


def main(arguments: Sequence[str] | None = None) -> None:
    """Do all steps in a folder."""
    options = _parser().parse_args(arguments)
    data = data_folder(options.data)
    output: Path = options.output or Path("runs") / f"people-{data.name.lower()}"
    encoder, quality = encoder_command(options, data, output), quality_command(options, data, output)
    if not (output / "quality" / "checkpoint").is_dir():
        say_costs(encoder, quality)
    if options.estimate:
        return
    _do(train_encoder.main, *encoder)
    _do(train_quality.main, *quality)
    evaluation = output / "evaluation.json"
    evaluate(output / "quality" / "checkpoint", data, evaluation, options.device)
    name = options.name or f"people-{data.name.lower()}"
    _do(
        release.main, output / "quality", "--output", output / "checkpoint", "--name", name,
        "--licence", options.licence, "--evaluation", evaluation,
    )  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.train_people",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", help=f"{' or '.join(DATASETS)}, or a folder with train, val and test")
    parser.add_argument("--output", type=Path, help="folder of all steps [runs/people-NAME]")
    parser.add_argument("--name", help="what the checkpoint is called [people-NAME]")
    licence = "of the checkpoint: the data's terms go with it [other]"
    parser.add_argument("--licence", default="other", help=licence)
    parser.add_argument("--config", default="official", help="lite, official or a JSON file [official]")
    parser.add_argument("--precision", choices=("no", "bf16"), help="bf16: mixed precision [bf16 on a GPU]")
    parser.add_argument("--encoder-steps", type=int, help="[20,000: the paper does not say]")
    parser.add_argument("--encoder-pairs", type=int, help="pairs of faces a step; fewer need less memory [3]")
    parser.add_argument("--epochs", type=positive, help="of the quality network [the paper's 500]")
    parser.add_argument("--batch", type=int, help="of the quality network, per process [the paper's 16]")
    parser.add_argument("--workers", type=int, help="processes that read photos ahead [4 on a GPU, else 0]")
    parser.add_argument("--mos-range", type=float, nargs=2, metavar=("LOW", "HIGH"), help="scale of the MOS [0 1]")
    parser.add_argument("--device", default="auto", help="of the evaluation: auto, cpu, cuda, cuda:N or mps [auto]")
    parser.add_argument("--estimate", action="store_true", help="say hours and memory, and stop")
    return parser


def data_folder(name: str) -> Path:
    """Return the folder of a data set, by name or as it is; raise DataError when it lacks a split."""
    folder = DATASETS[name].folder if name in DATASETS else Path(name)
    if {"train", "val", "test"} <= count_labels(folder).keys():
        return folder
    if name in DATASETS:
        raise DataError(f"{folder} is not there yet: run python -m training.fetch {name}.")
    raise DataError(f"{folder} is no data set with train, val and test: each needs a label.json and a folder img.")


def encoder_command(options: argparse.Namespace, data: Path, output: Path) -> Command:
    """Return the arguments that train the degradation encoder."""
    command = ["--data", data, "--output", output / "encoder", "--config", options.config, *_shared(options)]
    return _words(command, {"--steps": options.encoder_steps, "--batch": options.encoder_pairs})


def quality_command(options: argparse.Namespace, data: Path, output: Path) -> Command:
    """Return the arguments that train the quality network: the paper's recipe, with the encoder frozen."""
    command = ["--data", data, "--output", output / "quality", "--config", options.config, "--whole"]
    command += ["--encoder", output / "encoder", *_shared(options)]
    return _words(command, {"--epochs": options.epochs, "--batch": options.batch})


def _shared(options: argparse.Namespace) -> list[object]:
    on_gpu = PartialState().device.type == "cuda"
    precision = options.precision or ("bf16" if on_gpu else "no")
    workers = options.workers if options.workers is not None else 4 if on_gpu else 0
    scale = ["--mos-range", *options.mos_range] if options.mos_range else []
    return ["--precision", precision, "--workers", workers, *scale]


def _words(command: Sequence[object], given: Mapping[str, object]) -> Command:
    more = [word for name, value in given.items() if value is not None for word in (name, value)]
    return [str(word) for word in (*command, *more)]


def say_costs(encoder: Command, quality: Command) -> None:
    """Measure a few steps of both trainings and print what all of them will take."""
    first = train_encoder.prepare(train_encoder.parser().parse_args(encoder))
    print(f"degradation encoder: {measure_cost(first.task, first.loop)}", flush=True)
    untrained = [word for word in quality if word not in ("--encoder", encoder[encoder.index("--output") + 1])]
    second = train_quality.prepare(train_quality.parser().parse_args(untrained))
    second.task.network.encoder.requires_grad_(requires_grad=False)
    print(f"quality network: {measure_cost(second.task, second.loop)}", flush=True)


def evaluate(checkpoint: Path, data: Path, target: Path, device: str) -> None:
    """Run the official protocol on the test split and write its figures beside the published ones."""
    record = json.loads((checkpoint / "training.json").read_text(encoding="utf-8"))
    trained = record["metrics"]
    if target.is_file() and json.loads(target.read_text(encoding="utf-8"))["validation"] == trained:
        print(f"\n{target} is of this checkpoint already")
        return
    dataset = read_dataset(data, mos_range=tuple(record["data"]["mos_range"]))
    find_landmarks(checkpoint, dataset)
    print(f"\n$ fiqa evaluate --checkpoint {checkpoint} --data {data} --output {target.parent}", flush=True)
    run_official_protocol(str(checkpoint), data, device=device, output=target.parent)
    predicted, labels = read_predictions(target.parent / data.resolve().name / "prediction.csv")
    figures = {name: each.to_dict() for name, each in measure_agreement(predicted, labels).items()}
    evaluation = {
        "checkpoint": str(checkpoint),
        "validation": trained,
        "data": dataset.describe(),
        "split": split_of(data),
        "scored": len(labels),
        "figures": {"model": {"this checkpoint, official protocol": figures, **published(data)}},
    }
    replace_text(target, json.dumps(evaluation, indent=1, allow_nan=False) + "\n")
    print(", ".join(f"{name} {each['value']}" for name, each in figures.items()))


def find_landmarks(checkpoint: Path, dataset: Dataset) -> None:
    """Put landmarks beside the test pictures that lack them, where the network takes any.

    Where no face is found, the place where such pictures have it is taken for one.
    """
    predictor = load_predictor(checkpoint, device="cpu", finder="bundled")
    if landmark_count(predictor) == 0:
        return
    store = LandmarkStore(dataset.root, dataset.root)
    for photo in dataset.photos("test"):
        place = photo.path.parents[1] / "landmark" / f"{photo.path.stem}.npy"
        if not place.is_file():
            pixels = decode_photo(photo.path).pixels
            found = store.of(photo, pixels)
            landmarks = found if np.isfinite(found).all() else _usual_place(pixels)
            replace_file(place, lambda file, landmarks=landmarks: np.save(file, landmarks))  # type: ignore[misc]


def _usual_place(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return landmarks (68, 2) that all lie in the middle of where aligned pictures have the face."""
    left, top, right, bottom = pixels.shape[1] * np.array(ALIGNED_LAYOUTS["gfiqa"])
    middle = np.array([(left + right) / 2, (top + bottom) / 2], dtype=np.float32)
    return np.tile(middle, (68, 1))


def read_predictions(path: Path) -> tuple[list[float], list[float]]:
    """Return scores and labels that the official protocol wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [float(row["Predict"]) for row in rows], [float(row["GT"]) for row in rows]


def split_of(data: Path) -> str:
    """Return what a card calls the test split: whether it is the one that published figures are of."""
    about = data / ABOUT
    if about.is_file() and not json.loads(about.read_text(encoding="utf-8"))["official_split"]:
        return "test, not the official split: the published figures are of another one"
    return "test"


def published(data: Path) -> dict[str, dict[str, Any]]:
    """Return the published figures on a data set in the form of ours; none where nobody published any."""
    known = next((each for each in DATASETS.values() if each.folder.name == data.resolve().name), None)
    if known is None:
        return {}
    values = dict.fromkeys(AGREEMENT) | {"SRCC": known.best[0], "PLCC": known.best[1]}
    return {PAPER: {name: {"value": value, "low": None, "high": None} for name, value in values.items()}}


def _do(step: Callable[[Sequence[str]], None], *arguments: object) -> None:
    """Run a step, printed as the command that does it."""
    words = [str(argument) for argument in arguments]
    print(f"\n$ python -m {step.__module__} {' '.join(words)}", flush=True)
    step(words)


if __name__ == "__main__":
    run_script(main)
