"""What a head learns from the same people asked differently: `make bench NAME=study_labels ARGS="--photos DIR"`.

Damaged versions of the photos of a folder (training/data/photos.py) are shown to simulated people, who mind types of
damage differently from the network; about some versions they disagree more than about others. They give grades of 1 to
5, or say which of two is better. The head of a checkpoint is fitted to what they said, as `training.train_on_study`
does, and scores versions of photos of other sources, for which the true opinion is known.

    mean                the MOS
    mean, unweighted    the MOS, each counting alike, however few ratings it has
    votes               shares of the grades, by the squared earth mover's distance, beside the MOS
    votes alone         without the MOS
    pairs               about as many answers to pairs, each photo in six
    mean and pairs      half of the answers each

Prints SRCC and PLCC on the other photos, means over studies with their standard deviation, and the gain over `mean`,
study by study. `--uneven` gives half of the photos a fifth of the ratings.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from tqdm import tqdm

from benchmarks.script import run_benchmark
from fiqa.checkpoints import find_checkpoint
from fiqa.degradation.synthetic import DEGRADATIONS, degrade
from fiqa.evaluation.metrics import plcc, srcc
from fiqa.loading import load_network, load_predictor
from fiqa.models.head import RegionalHead
from training.data.datasets import LabelledPhoto
from training.data.photos import read_photo_folder, split_by_source
from training.data.study_photos import SeenPhotos, look_at
from training.fit.head_fitting import Examples, HeadFitting, Heads
from training.fit.loop import train
from training.fit.targets import MeanOpinions, PairPreferences, Target, VoteShares, certainty, score_photos
from training.report.tables import markdown_table
from training.train_on_study import recipe

GRADES = 5
PARTNERS = 3
"""Pairs a photo, each with two photos."""
TIE = 0.3
"""Difference in grades up to which people see none."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Stimuli:
    """Versions of photos as the network sees them, and the truth: `quality` (V,) in 0..1 and `doubt` (V,) in grades."""

    seen: SeenPhotos
    quality: Floats
    doubt: Floats

    def __len__(self) -> int:
        return len(self.quality)


@dataclass(frozen=True)
class Asked:
    """Answers of a study: grades (V, R), NaN where a photo has fewer than R, or pairs (P, 2) with answers (P, 3)."""

    grades: Floats
    pairs: NDArray[np.int64]
    answers: Floats


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR", help="a folder with faces.json")
    parser.add_argument("--checkpoint", default="lite")
    parser.add_argument("--studies", type=int, default=5, help="how many are simulated [5]")
    parser.add_argument("--stimuli", type=int, default=120, help="pictures that people rate [120]")
    parser.add_argument("--test", type=int, default=200, help="pictures that are scored [200]")
    parser.add_argument("--ratings", type=int, default=20, help="answers a picture [20]")
    parser.add_argument("--uneven", action="store_true", help="half of the pictures have a fifth of the ratings")
    parser.add_argument("--labels", nargs="+", default=list(LABELS), choices=LABELS, metavar="LABEL")
    parser.add_argument("--work", type=Path, default=Path("runs/study_labels"), help="where pictures are kept")
    options = parser.parse_args(arguments)
    head = load_network(find_checkpoint(options.checkpoint)).transformer.head
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ("as it is", *options.labels)}
    shown, other = (
        look_at_versions(options, part, count) for part, count in (("fit", options.stimuli), ("test", options.test))
    )
    for seed in tqdm(range(options.studies), unit="study"):
        taste = np.random.default_rng((seed, 1)).uniform(0.3, 1.0, len(DEGRADATIONS))
        rated, held = (with_truth(each, taste) for each in (shown, other))
        even, rng = ask(rated, options.ratings, np.random.default_rng((seed, 2))), np.random.default_rng((seed, 3))
        asked = make_uneven(even, rng) if options.uneven else even
        found["as it is"].append(agreement(other.seen.score, held))
        for name in options.labels:
            fitted = fit(head, rated, LABELS[name](rated, asked))
            found[name].append(agreement(scores_of(fitted, other), held))
    print(report(found))


@dataclass(frozen=True)
class Versions:
    """Versions of photos, with the number of the type (V,) and the severity (V,) of their damage."""

    seen: SeenPhotos
    kind: NDArray[np.int64]
    severity: Floats


def look_at_versions(options: argparse.Namespace, part: str, count: int) -> Versions:
    """Return `count` versions of photos of the sources that are fitted to, or of the others."""
    photos = [photo for photo in read_photo_folder(options.photos) if photo.pristine]
    split = split_by_source([photo.source for photo in photos])
    chosen = [photo for photo in photos if (split[photo.source] == "train") == (part == "fit")]
    rng = np.random.default_rng(len(part))
    kind, severity = rng.integers(0, len(DEGRADATIONS), count), rng.uniform(0.0, 1.0, count)
    folder = options.work / f"{part}-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    versions = []
    for number in range(count):
        photo, path = chosen[number % len(chosen)], folder / f"{number:04}.png"
        if not path.exists():
            damage = [(list(DEGRADATIONS)[kind[number]], float(severity[number]))]
            Image.fromarray(degrade(photo.read(), damage, seed=number)).save(path)
        versions.append(LabelledPhoto(path, float("nan"), groups={"source": photo.id, "number": str(number)}))
    predictor = load_predictor(options.checkpoint, finder="bundled")
    seen = look_at(versions, predictor, options.work / "tokens", tell=lambda *_: None)
    rows = np.array([int(photo.groups["number"]) for photo in seen.photos])
    return Versions(seen, kind[rows], severity[rows])


def with_truth(versions: Versions, taste: Floats) -> Stimuli:
    """Return versions with what people at large think of them, by how much they mind each type of damage (T,)."""
    quality = 1 - taste[versions.kind] * versions.severity
    doubt = 0.3 + 0.9 * np.abs(np.sin(7.0 * versions.severity + versions.kind))
    return Stimuli(versions.seen, quality, doubt)


def ask(stimuli: Stimuli, ratings: int, rng: np.random.Generator) -> Asked:
    """Return what people say: grades of every picture, and answers to pairs, as many in all."""
    opinion, count = 1 + (GRADES - 1) * stimuli.quality, len(stimuli)
    noise = stimuli.doubt[:, None] * rng.normal(size=(count, ratings)) + rng.normal(0, 0.3, ratings)
    grades = np.clip(np.rint(opinion[:, None] + noise), 1, GRADES)
    pairs = np.array([(n, (n + 1 + rng.integers(count - 1)) % count) for n in range(count) for _ in range(PARTNERS)])
    each = max(1, ratings // PARTNERS)
    first, second = pairs.T
    spread = np.hypot(stimuli.doubt[first], stimuli.doubt[second])
    felt = (opinion[first] - opinion[second])[:, None] + spread[:, None] * rng.normal(size=(len(pairs), each))
    answers = np.stack([felt > TIE, np.abs(felt) <= TIE, felt < -TIE], axis=-1).sum(axis=1)
    return Asked(grades, pairs, answers.astype(float))


def make_uneven(asked: Asked, rng: np.random.Generator) -> Asked:
    """Take four fifths of the ratings from half of the pictures."""
    grades = asked.grades.copy()
    few = rng.permutation(len(grades))[: len(grades) // 2]
    grades[few, max(2, grades.shape[1] // 5) :] = np.nan
    return replace(asked, grades=grades)


def mean_of(asked: Asked, *, weighted: bool = True) -> MeanOpinions:
    """Return the MOS; weighted by how many ratings each has, their spread being pooled."""
    count = np.isfinite(asked.grades).sum(axis=1)
    share = (np.nanmean(asked.grades, axis=1) - 1) / (GRADES - 1)
    variance = np.nanvar(asked.grades, axis=1, ddof=1).mean() / (GRADES - 1) ** 2 / count
    counts = certainty(np.sqrt(variance)) if weighted else np.ones(len(share))
    photos = torch.arange(len(share))[:, None]
    return MeanOpinions(photos, torch.from_numpy(share).float(), torch.from_numpy(counts).float())


def votes_of(asked: Asked) -> VoteShares:
    """Return how often each grade was given."""
    given = np.stack([(asked.grades == grade).sum(axis=1) for grade in range(1, GRADES + 1)], axis=1)
    return VoteShares(torch.arange(len(given))[:, None], torch.from_numpy(given).float())


def pairs_of(asked: Asked) -> PairPreferences:
    """Return the answers to pairs."""
    return PairPreferences(torch.from_numpy(asked.pairs), torch.from_numpy(asked.answers).float())


def half(asked: Asked) -> Asked:
    """Return half of the grades, and half of the pairs."""
    return Asked(asked.grades[:, ::2], asked.pairs[::2], asked.answers[::2])


LABELS: dict[str, Callable[[Stimuli, Asked], tuple[Target, ...]]] = {
    "mean": lambda _, asked: (mean_of(asked),),
    "mean, unweighted": lambda _, asked: (mean_of(asked, weighted=False),),
    "votes": lambda _, asked: (replace(mean_of(asked), weight=0.5), replace(votes_of(asked), weight=0.5)),
    "votes alone": lambda _, asked: (replace(mean_of(asked), weight=0.0), votes_of(asked)),
    "pairs": lambda _, asked: (pairs_of(asked),),
    "mean and pairs": lambda _, asked: (mean_of(half(asked)), pairs_of(half(asked))),
}


class FittingToAll(HeadFitting):
    """Holds no photo out."""

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return what makes the latest head the one that is kept."""
        return {"drawn": float(self._drawn)}


def fit(head: RegionalHead, stimuli: Stimuli, targets: tuple[Target, ...]) -> RegionalHead:
    """Return the head fitted to all that was said; none is held out, since other photos are scored."""
    examples = Examples(stimuli.seen.tokens, np.full(len(stimuli), -1), targets)
    options = recipe(examples.units)
    task = FittingToAll(Heads(head, examples), examples, batch=options.batch, seed=options.seed)
    with tempfile.TemporaryDirectory() as run:
        train(task, options, Path(run))
    return task.network.eval().final


@torch.inference_mode()
def scores_of(head: RegionalHead, versions: Versions) -> Floats:
    """Return the scores (V,)."""
    parts = versions.seen.tokens.split(HeadFitting.AT_ONCE)
    return np.concatenate([score_photos(head, part).numpy() for part in parts]).astype(float)


def agreement(scores: Floats, stimuli: Stimuli) -> tuple[float, float]:
    """Return SRCC and PLCC with the truth."""
    return srcc(scores, stimuli.quality), plcc(scores, stimuli.quality)


def report(found: dict[str, list[tuple[float, float]]]) -> str:
    """Return the table."""
    return markdown_table(("learnt", "SRCC", "PLCC", "gain in SRCC", "gain in PLCC"), list(_rows(found)))


def _rows(found: dict[str, list[tuple[float, float]]]) -> Iterator[tuple[str, ...]]:
    base = np.array(found.get("mean") or found["as it is"])
    for name, studies in found.items():
        figures = np.array(studies)
        yield name, *_cells(figures, "{:.3f} ± {:.3f}"), *_cells(figures - base, "{:+.4f} ± {:.4f}")


def _cells(figures: Floats, form: str) -> list[str]:
    spread = figures.std(axis=0, ddof=1) if len(figures) > 1 else np.zeros(2)
    return [form.format(mean, each) for mean, each in zip(figures.mean(axis=0), spread, strict=True)]


if __name__ == "__main__":
    run_benchmark(main)
