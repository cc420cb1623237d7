"""Train on what people said in a study: `python -m training.train_on_study EXPORT --name NAME`.

EXPORT is what `python -m annotate export` wrote of a study of grades or of pairs, or any other data set of labelled
photos (training/data/datasets.py). Of each kind there may be one, for people who graded some photos and compared some.
Grades are learnt as a mean, pairs by how likely their answers are under the scores (training/fit/targets.py).

The head of `lite` is fitted to them, which takes seconds; `training.train_quality` trains the whole network, which pays
with thousands of photos. What comes of it is put among the checkpoints that are known by name:

    fiqa score portrait.jpg --checkpoint NAME

How far it agrees with people is measured on photos that it was not fitted to (training/fit/head_fitting.py), next to
the agreement of the start, and said plainly where it is no better.

RUN (`--output`, or runs/NAME) holds, besides what training/fit/loop.py writes, each file there whole or not at all:

    status.json      state (preparing, training, evaluating; finished, failed, stopped), message, step, steps
    history.jsonl    losses, and figures on held-out photos, over the steps
    tokens/          what the network sees in each photo, so that nothing is computed twice
    result.json      agreement before and after; every photo's MOS, if any, score of the start and held-out score
    scores.csv       stimulus and held-out score, for `python -m annotate next --scores`
    checkpoint/      the checkpoint

A run that a signal stops goes on where it was when the same command is given again; with other labels it starts anew.
"""

import argparse
import json
import math
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file

from fiqa.checkpoints import find_checkpoint, read_spec
from fiqa.errors import FiqaError
from fiqa.loading import load_network, load_predictor
from training.data.datasets import FIRST_SCALE, Range
from training.data.opinions import Opinions, read_opinions
from training.data.study_photos import SeenPhotos, look_at
from training.errors import TrainingError
from training.fit.head_fitting import Examples, HeadFitting, Heads, deal_folds, held_out_scores
from training.fit.loop import BEST, HISTORY, RECORD, STATE, LoopOptions, StoppedError, train
from training.fit.script import run_script
from training.fit.study_targets import make_targets
from training.release import model_card, read_record
from training.report.publishing import check_name, checkpoint_of
from training.report.study_agreement import PAIRS, StudyAgreement, as_evaluation, compare, write_agreement
from training.storage import replace_text

STATUS = "status.json"
STOPPED = "Stopped; what was done is kept."
TELL_EVERY_S = 0.5
SEED = 20
BATCH = 64
LEAST_STEPS, MOST_STEPS = 150, 3000


def main(arguments: Sequence[str] | None = None) -> None:
    """Train on a study and put the checkpoint among those that are known by name."""
    options = _parser().parse_args(arguments)
    run: Path = options.output or Path("runs", options.name)
    check_name(options.name, run)
    run.mkdir(parents=True, exist_ok=True)
    with _told(run) as tell:
        tell("preparing", "Reading the labels")
        mos_range = tuple(options.mos_range) if options.mos_range else None
        opinions = read_opinions(options.data, mos_range=mos_range, votes=options.votes, scale=options.scale)
        agreement = train_on(opinions, options.start, options.name, run, tell)
        tell("finished", agreement.sentence(options.start, options.name))
    print(agreement.sentence(options.start, options.name))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.train_on_study",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    exported = "exported study, or other labelled photos; two where one is of grades and one of pairs"
    parser.add_argument("data", type=Path, nargs="+", metavar="EXPORT", help=exported)
    parser.add_argument("--name", required=True, help="what the checkpoint is to be called")
    parser.add_argument("--start", default="lite", help="checkpoint whose head is fitted [lite]")
    parser.add_argument("--output", type=Path, help="run folder, resumed [runs/NAME]")
    parser.add_argument("--mos-range", type=float, nargs=2, metavar=("LOW", "HIGH"), help="scale of the MOS [0 1]")
    several = f"of a study with several scales, the one to learn [{FIRST_SCALE}]"
    parser.add_argument("--scale", default=FIRST_SCALE, metavar="NAME", help=several)
    votes = "learn how an export's votes spread over the grades, too, and not their mean alone (docs/training.md)"
    parser.add_argument("--votes", action="store_true", help=votes)
    return parser


def train_on(opinions: Opinions, start: str, name: str, run: Path, tell: "Tell") -> StudyAgreement:
    """Fit the head of a checkpoint, measure, and publish it under its name."""
    predictor = load_predictor(start, finder="bundled")
    looking = partial(tell, "preparing", "Looking at the photos")
    seen = look_at(opinions.photos, predictor, run / "tokens", tell=looking)
    fold = deal_folds(seen.sources, _quality(opinions, seen), seed=SEED)
    examples = Examples(seen.tokens, fold, make_targets(opinions, seen))
    tell("training", f"Fitting to {len(seen.photos)} photos", 0, recipe(examples.units).steps)
    heads = fit(opinions, start, examples, run)
    tell("evaluating", "Measuring how far it agrees with people")
    agreement = compare(seen, opinions, held_out_scores(heads, examples), _score_range(opinions, start))
    publish(heads, opinions, agreement, start, name, run)
    write_agreement(run, opinions, agreement, name=name, start=start)
    return agreement


def _quality(opinions: Opinions, seen: SeenPhotos) -> NDArray[np.float32]:
    """Return how good people, or else the start, find each photo (V,), 0 to 1: by it folds are dealt alike."""
    low, high = opinions.dataset.mos_range if opinions.dataset else (0.0, 1.0)
    share = (seen.mos - low) / (high - low)
    return np.where(np.isfinite(share), share, seen.score).astype(np.float32)


def _score_range(opinions: Opinions, start: str) -> Range:
    """Return the scale of the scores: that of the grades, else the start's, since preferences have none."""
    return opinions.dataset.mos_range if opinions.dataset else find_checkpoint(start).score_range


def recipe(units: int) -> LoopOptions:
    """Return how long to fit to so many labels: until it has settled.

    What keeps it from learning few of them by heart is the prior.
    """
    steps = min(MOST_STEPS, LEAST_STEPS + units)
    return LoopOptions(
        steps=steps, batch=BATCH, learning_rate=3e-3, weight_decay=0.0, warmup_steps=10, ema_decay=0.9,
        validate_every=max(1, steps // 10), report_every=max(1, steps // 50), checkpoint_minutes=0.2,
    )  # fmt: skip


def fit(opinions: Opinions, start: str, examples: Examples, run: Path) -> Heads:
    """Fit all heads, going on where a run on the same photos and labels was stopped."""
    spec = find_checkpoint(start)
    network = load_network(spec)
    options = recipe(examples.units)
    task = HeadFitting(Heads(network.transformer.head, examples), examples, batch=options.batch, seed=options.seed)
    about = {
        "config": asdict(network.config), "data": {**opinions.describe(), "photos": len(examples.fold)},
        "start": f"checkpoint {start}", "start_sha256": spec.sha256, "trained": "head",
        "targets": [target.name for target in examples.targets],
    }  # fmt: skip
    _forget_another_task(run, about)
    train(task, options, run, about=about)
    task.network.load_state_dict(load_file(run / BEST))
    return task.network.eval()


def publish(heads: Heads, opinions: Opinions, agreement: StudyAgreement, start: str, name: str, run: Path) -> None:
    """Write the checkpoint with the head that is fitted to all photos, and its card, and make it known by its name."""
    spec = find_checkpoint(start)
    network = load_network(spec)
    network.transformer.head.load_state_dict(heads.final.state_dict())
    score_range = _score_range(opinions, start)
    note = f"{_predicts(opinions)}: {start}, its head fitted to {len(agreement.seen.photos)} photos."
    keeper = checkpoint_of(
        run, network, name=name, note=note, score_range=score_range, preprocessing=spec.preprocessing
    )
    after = agreement.figures["after"]
    figures = {key.lower(): after[key].value for key in ("SRCC", "PLCC", "RMSE", PAIRS) if key in after}
    value = after[agreement.measure].value
    measured = f" ({agreement.measure} {value:.2f} held out)" if math.isfinite(value) else ""
    keeper = replace(keeper, spec=replace(keeper.spec, title=name + measured, gflops=spec.gflops))
    keeper.keep(network, figures)
    evaluation = as_evaluation(opinions, agreement, name=name, start=start)
    card = model_card(read_spec(run / "checkpoint", name=name), read_record(run), evaluation)
    replace_text(run / "checkpoint" / "README.md", card)
    keeper.publish()


def _predicts(opinions: Opinions) -> str:
    """Say what a score is."""
    if opinions.dataset is None:
        return (
            f"Orders photos as the people who compared those of {opinions.name} would; only differences mean something"
        )
    low, high = opinions.dataset.mos_range
    return f"Predicts the mean opinion of the raters of {opinions.name} on their scale of {low:g} to {high:g}"


def _forget_another_task(run: Path, about: dict[str, Any]) -> None:
    """Remove what was fitted to other photos or labels, or to labels of another kind: people went on rating."""
    if (run / RECORD).exists() and any(
        json.loads((run / RECORD).read_text(encoding="utf-8")).get(key) != json.loads(json.dumps(about[key]))
        for key in ("data", "start_sha256", "targets")
    ):
        for file in (STATE, BEST, HISTORY, RECORD):
            (run / file).unlink(missing_ok=True)


class Tell:
    """Writes the status for a page to read, twice a second at most while nothing but the step changes."""

    def __init__(self, run: Path) -> None:
        self._path = run / STATUS
        self._last, self._at = "", 0.0

    def __call__(self, state: str, message: str, step: int = 0, steps: int = 0) -> None:
        """Tell state and message, and how far it is where that is known."""
        if state == self._last and time.monotonic() - self._at < TELL_EVERY_S:
            return
        self._last, self._at = state, time.monotonic()
        status = {"state": state, "message": message, "step": step, "steps": steps}
        replace_text(self._path, json.dumps(status, ensure_ascii=False) + "\n")


@contextmanager
def _told(run: Path) -> Iterator[Tell]:
    """Give what tells the status, and tell how it ended when it did not end well; SIGTERM stops at once."""
    tell, stopped = Tell(run), StoppedError("Stopped; the same command goes on from there.")
    came = Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        came.set()
        raise stopped

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield tell
    except (StoppedError, KeyboardInterrupt):
        tell("stopped", STOPPED)
        raise
    except Exception as error:
        if came.is_set():  # while C code ran, whose own error has taken the place of ours
            tell("stopped", STOPPED)
            raise stopped from error
        known = isinstance(error, TrainingError | FiqaError | OSError)
        tell("failed", str(error) if known else f"Unexpected: {error!r}; the log has more.")
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    run_script(main)
