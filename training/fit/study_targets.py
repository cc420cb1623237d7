"""What heads are fitted to, of what the people of a study said of the photos that show a face.

Shapes: V photos.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from training.data.datasets import Dataset
from training.data.opinions import Opinions
from training.data.study_photos import SeenPhotos
from training.errors import DataError
from training.fit.targets import MeanOpinions, PairPreferences, Target, VoteShares, certainty


def make_targets(opinions: Opinions, seen: SeenPhotos) -> tuple[Target, ...]:
    """Return the mean of the grades, how they spread, and the preferences, as far as there are any.

    Where votes were counted, they and their mean weigh half each.

    Raises DataError where photos with a face were all rated alike, or no pair of them was compared.
    """
    graded = np.flatnonzero(np.isfinite(seen.mos))
    targets: list[Target] = []
    if len(graded):
        targets += _of_grades(opinions, seen, graded)
    pairs = opinions.pairs_among(seen.photos)
    if len(pairs):
        targets.append(PairPreferences(torch.from_numpy(pairs.photos), torch.from_numpy(pairs.answers).float()))
    if not targets:
        raise DataError("No two photos with a face were compared with each other, so there is nothing to learn.")
    return tuple(targets)


def _of_grades(opinions: Opinions, seen: SeenPhotos, graded: NDArray[np.int64]) -> list[Target]:
    if opinions.dataset is None:
        return []
    mean = _mean_opinions(opinions.dataset, seen, graded)
    given = {row: opinions.votes[seen.photos[row].path] for row in graded if seen.photos[row].path in opinions.votes}
    voted = [row for row, counts in given.items() if counts.any()]
    if not voted:
        return [mean]
    votes = torch.from_numpy(np.stack([given[row] for row in voted])).float()
    return [replace(mean, weight=0.5), VoteShares(torch.tensor(voted)[:, None], votes, weight=0.5)]


def _mean_opinions(dataset: Dataset, seen: SeenPhotos, graded: NDArray[np.int64]) -> MeanOpinions:
    share = torch.tensor([dataset.share(seen.photos[row].mos) for row in graded], dtype=torch.float32)
    if not (share != share[0]).any():
        raise DataError(f"All {len(share)} photos with a face have one MOS, so there is nothing to learn: rate more.")
    errors = np.array([dataset.error_share(seen.photos[row]) for row in graded])
    return MeanOpinions(torch.from_numpy(graded)[:, None], share, torch.from_numpy(certainty(errors)))
