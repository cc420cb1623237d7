"""Divides labelled pictures into train, val and test: no source in two of them, and the MOS spread alike in each."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}
"""Of all pictures, as in GFIQA-20k (14,000 / 2,000 / 4,000)."""
FEWEST_IN_A_SPLIT = 2
STRATUM = 10
"""Groups of neighbouring MOS that are dealt out together."""


@dataclass(frozen=True)
class Labelled:
    """A picture with its MOS; pictures of one `source` belong together."""

    name: str
    mos: float
    source: str | None


def split(pictures: Sequence[Labelled], *, seed: int) -> dict[str, str]:
    """Return the split of each picture by name; the same for the same pictures and seed, in whatever order.

    Sources are sorted by their mean MOS and dealt out stratum by stratum in random order, each to the split that
    lacks most of its share. Of six or more pictures every split gets two, if their sources allow.
    """
    targets = _targets(len(pictures))
    counts = dict.fromkeys(SHARES, 0)
    assigned: dict[str, str] = {}
    for group in _dealt(pictures, random.Random(seed)):  # noqa: S311  chance, not secrecy
        dealt = sum(counts.values()) + len(group)
        lacking = max(SHARES, key=lambda name: targets[name] * dealt - counts[name])
        counts[lacking] += len(group)
        assigned |= dict.fromkeys((picture.name for picture in group), lacking)
    return assigned


def _targets(count: int) -> dict[str, float]:
    """Return the share of each split, larger than usual where it would be less than two pictures."""
    least = min(FEWEST_IN_A_SPLIT / count, 1 / len(SHARES)) if count else 0.0
    targets = {name: max(share, least) for name, share in SHARES.items()}
    return {**targets, "train": 1 - targets["val"] - targets["test"]}


def _dealt(pictures: Sequence[Labelled], chance: random.Random) -> Iterator[list[Labelled]]:
    """Yield the groups of one source each in the order they are dealt out."""
    groups: defaultdict[tuple[bool, str], list[Labelled]] = defaultdict(list)
    for picture in sorted(pictures, key=lambda picture: picture.name):
        groups[picture.source is None, picture.source or picture.name].append(picture)
    by_mos = [groups[key] for key in sorted(groups, key=lambda key: (_mean(groups[key]), key))]
    for start in range(0, len(by_mos), STRATUM):
        stratum = by_mos[start : start + STRATUM]
        yield from chance.sample(stratum, len(stratum))


def _mean(group: Sequence[Labelled]) -> float:
    return fmean(picture.mos for picture in group)
