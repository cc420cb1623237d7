"""Turn a training run into a checkpoint folder with a model card, which app and library load by name from anywhere.

    python -m training.release runs/quality --output my-lite --name my-lite --licence CC-BY-4.0
    fiqa score portrait.jpg --checkpoint my-lite

`--output` is the folder to hand on, as it is also to the Hugging Face Hub; the checkpoints known by name, in the data
folder, get a copy. It holds model.safetensors, config.json, checkpoint.json, and README.md: a card made of what the run
and, with `--evaluation`, `python -m training.evaluate` wrote down, in the form that the Hub reads.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import ModelCardData
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from fiqa.bundled import CHECKPOINT, bundled
from fiqa.checkpoints import CheckpointSpec, read_spec, save_checkpoint
from fiqa.loading import load_network
from fiqa.models import DslFiqa
from fiqa.models.dsl_fiqa import load_strictly
from training.errors import RunError
from training.fit.loop import HISTORY, RECORD, STATE, load_state
from training.fit.script import run_script
from training.report.agreement import show_estimate
from training.report.publishing import check_name, publish, source_of
from training.report.tables import markdown_table
from training.storage import replace_text

TAGS = ["face-image-quality", "image-quality-assessment", "no-reference"]
LIMITS = """\
- Not a measure of identity, nor of how useful a photo is for recognition, nor of pose, expression or beauty.
- As fair as its data: compare groups with `python -m training.evaluate --by COLUMN` before you rely on it for them.
- The interval beside a score says how much the crops of one face disagree, not how far the score is from people's
  opinion."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the checkpoint folder of a `training.train_quality` run."""
    options = _parser().parse_args(arguments)
    record = read_record(options.run)
    bundles = options.output.resolve() == bundled(CHECKPOINT)
    if not bundles:
        check_name(options.name, options.run)
    evaluation = _read_json(options.evaluation) if options.evaluation else None
    trained = read_spec(options.run / "checkpoint")
    network = load_network(trained)
    if options.last:
        trained = replace(trained, metrics=take_last(network, options.run))
    source = "bundled" if bundles else source_of(options.run)
    spec = _spec(trained, network, options, source)
    save_checkpoint(network, spec, options.output)
    replace_text(options.output / "README.md", model_card(spec, record, evaluation))
    print(f"{options.output}: {spec.parameters} parameters, {spec.gflops} GFLOPs a face, {spec.metrics}")
    if not bundles:
        print(f"known as {spec.name}: {publish(options.output, spec.name)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.release", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of a training.train_quality run")
    parser.add_argument("--output", type=Path, required=True, help="checkpoint folder to write")
    parser.add_argument("--name", required=True, help="what the checkpoint is called, and known by in the app")
    last = "take the weights at the end of the run, not the best by validation: for few validation photos"
    parser.add_argument("--last", action="store_true", help=last)
    parser.add_argument("--licence", required=True, help="SPDX identifier; mind the licence of the photos and labels")
    parser.add_argument("--title", help="as shown in lists [the name]")
    parser.add_argument("--note", help="what a score is and is not, in one sentence [the run's]")
    parser.add_argument("--evaluation", type=Path, metavar="JSON", help="evaluation.json of training.evaluate")
    return parser


def take_last(network: DslFiqa, run: Path) -> dict[str, float]:
    """Give the network the averaged weights at the end of a run; return what validation said of them.

    Where validation photos are few, the best of many validations is a matter of luck; at the end the learning rate has
    fallen to zero. Raises RunError when the run has not ended with a validation.
    """
    if not (run / STATE).is_file():
        raise RunError(f"{run} holds no {STATE}: release it without --last.")
    state = load_state(run / STATE)
    rows = [json.loads(row) for row in (run / HISTORY).read_text(encoding="utf-8").splitlines()]
    figures: dict[str, float] = next((row for row in reversed(rows) if "srcc" in row), {})
    if figures.get("step") != state["step"]:
        raise RunError(f"{run} has not come to its end: finish it, or release it without --last.")
    weights = {
        name.removeprefix("module."): tensor for name, tensor in state["average"].items() if name != "n_averaged"
    }
    load_strictly(network, weights, str(run / STATE))
    return figures


def read_record(run: Path) -> dict[str, Any]:
    """Return what a run wrote down about itself; raise RunError when it is no finished quality run."""
    if not run.is_dir():
        raise RunError(f"{run} is no folder: name the --output of a training.train_quality run.")
    if not (run / "checkpoint").is_dir():
        raise RunError(
            f"{run} holds no checkpoint: its training.train_quality has not validated yet, or is another run."
        )
    return _read_json(run / RECORD)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"{path} cannot be read as JSON ({error}): the run is incomplete.") from error
    return content


def _spec(trained: CheckpointSpec, network: DslFiqa, options: argparse.Namespace, source: str) -> CheckpointSpec:
    return replace(
        trained,
        name=options.name,
        title=options.title or options.name,
        licence=options.licence,
        note=options.note or trained.note,
        source=source,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        gflops=round(count_gflops(network, trained.preprocessing.crops), 3),
    )


def count_gflops(network: DslFiqa, crops: int) -> float:
    """Return billions of operations for the crops of one face, a multiply-add counted once, as papers do."""
    side, slots = network.config.crop_px, network.config.landmark_slots
    landmarks = torch.zeros(crops, slots) if network.config.landmarks == "index" else torch.zeros(crops, slots, 2)
    # The counter knows nothing of the CPU's fused attention kernel, so attention is spelled out while it counts.
    with FlopCounterMode(display=False) as counter, torch.inference_mode(), sdpa_kernel(SDPBackend.MATH):
        network(torch.zeros(crops, 3, side, side), landmarks)
    return float(counter.get_total_flops()) / 2e9


def model_card(spec: CheckpointSpec, record: Mapping[str, Any], evaluation: Mapping[str, Any] | None) -> str:
    """Return the card of a checkpoint in Markdown, with the front matter of the Hugging Face Hub."""
    known = ModelCardData(
        license=spec.licence.lower(), library_name="fiqa", pipeline_tag="image-classification", tags=TAGS
    )  # fmt: skip
    return f"---\n{known.to_yaml()}\n---\n" + "\n\n".join(_sections(spec, record, evaluation)) + "\n"


def _sections(spec: CheckpointSpec, record: Mapping[str, Any], evaluation: Mapping[str, Any] | None) -> Iterator[str]:
    low, high = spec.score_range
    yield f"# {spec.title}\n\n{spec.note}"
    yield f"Scores lie between {low:g} and {high:g}; higher is better.\n\n{_usage(spec.name)}"
    yield f"## What it is not\n\n{LIMITS}"
    yield f"## Figures\n\nOn the validation photos, by which the best step was chosen:\n\n{_table(spec.metrics)}"
    if evaluation:
        yield _evaluated(evaluation)
    yield f"## Data\n\n{_table(record.get('data', {}))}"
    yield f"## Training\n\n{_table(_training(record))}"
    yield f"## Network\n\n{_table(_network(spec))}"
    yield f"## Licence\n\n{spec.licence}"


def _usage(name: str) -> str:
    python = f'from fiqa import load_predictor\n\nprint(load_predictor("{name}").score("portrait.jpg").score)'
    return f"```bash\nfiqa score portrait.jpg --checkpoint {name}\n```\n\n```python\n{python}\n```"


def _evaluated(evaluation: Mapping[str, Any]) -> str:
    data = evaluation["data"]
    head = f"On {evaluation['scored']} photos of {data['name']} ({evaluation['split']}), with 95 % intervals:"
    tables = []
    for column, rows in evaluation["figures"].items():
        names = list(next(iter(rows.values())))
        lines = [(row, *(show_estimate(figures[name]) for name in names)) for row, figures in rows.items()]
        tables.append(markdown_table((column, *names), lines))
    return "\n\n".join([head, *tables])


def _training(record: Mapping[str, Any]) -> dict[str, Any]:
    beside = {name: record[name] for name in ("start", "ranking", "frozen_encoder") if name in record}
    return {**beside, **record.get("options", {}), "commit of the code": record.get("commit") or "unknown"}


def _network(spec: CheckpointSpec) -> dict[str, Any]:
    view = spec.preprocessing
    return {
        "parameters": f"{spec.parameters:,}",
        "GFLOPs a face": spec.gflops,
        "view": f"{view.view_px} px, {view.margin:g} times the landmarks' box",
        "crops averaged": view.crops,
    }


def _table(values: Mapping[str, Any]) -> str:
    return markdown_table(("", ""), [(name, str(value)) for name, value in values.items()])


if __name__ == "__main__":
    run_script(main)
