"""Facts and rules in, a verdict for every photo out.

Rules are applied in this order, and the first that speaks against a photo is its reason:

1. a photo without a score has the verdict "unscored";
2. unwanted degradations are dropped (`without`);
3. of near-duplicates the best stays (`near_duplicates`);
4. below the threshold a photo is "maybe" where its 95 % interval reaches the threshold, else dropped;
5. of what is kept, the best n of each folder or person stay (`best_of`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fiqa.curation.near_duplicates import group_near_duplicates
from fiqa.curation.photo_facts import PhotoFacts
from fiqa.errors import SettingError

KEEP, MAYBE, DROP, UNSCORED = VERDICTS = ("keep", "maybe", "drop", "unscored")
FAMILIES = {
    "blur": ("gaussian_blur", "motion_blur"),
    "noise": ("gaussian_noise", "poisson_noise"),
    "compression": ("jpeg", "webp"),
    "light": ("low_light", "high_light"),
}
"""Names for several types of degradation at once."""


@dataclass(frozen=True)
class Rules:
    """What is wanted of photos; see the module for the order.

    `threshold` is a score, None where every scored photo will do. `without` names types of degradation. `best_of` is
    how many to keep of each person in `persons` (by name of the photo), or of each folder where there are none.
    """

    threshold: float | None = None
    without: frozenset[str] = frozenset()
    near_duplicates: bool = False
    best_of: int | None = None
    persons: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.best_of is not None and (type(self.best_of) is not int or self.best_of < 1):
            raise SettingError(f"The best {self.best_of} cannot be kept, expected a whole number from 1.")


@dataclass(frozen=True)
class SortedPhoto:
    """A photo and what became of it: `reason` says why it is not kept; `group` is its person, or else its folder.

    `duplicate_of` names the better near-duplicate.
    """

    facts: PhotoFacts
    verdict: str
    group: str
    reason: str | None = None
    duplicate_of: str | None = None

    @property
    def name(self) -> str:
        """The path within the folder, with slashes."""
        return self.facts.name

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data: the verdict, then all that is known."""
        facts = self.facts.to_dict()
        del facts["embedding"]
        main = facts.pop("main")
        face = None if self.facts.score is None else main + 1
        verdict = {
            "verdict": self.verdict,
            "reason": self.reason,
            "group": self.group,
            "duplicate_of": self.duplicate_of,
        }
        return {"name": facts.pop("name"), **verdict, "score": facts.pop("score"), "face": face, **facts}


def sort_photos(photos: Sequence[PhotoFacts], rules: Rules) -> list[SortedPhoto]:
    """Return every photo with its verdict, in the order given."""
    sorted_photos = [_begin(facts, rules) for facts in photos]
    steps: tuple[Callable[[list[SortedPhoto], Rules], list[SortedPhoto]], ...] = (
        _drop_degraded, _drop_duplicates, _apply_threshold, _keep_best_of_each,
    )  # fmt: skip
    for step in steps:
        sorted_photos = step(sorted_photos, rules)
    return sorted_photos


def read_degradations(names: Iterable[str], types: Sequence[str]) -> frozenset[str]:
    """Return the types of degradation that names stand for; raises SettingError for one that stands for none."""
    found: set[str] = set()
    for name in names:
        if name not in types and name not in FAMILIES:
            raise SettingError(
                f"There is no degradation {name!r}: choose of {', '.join(FAMILIES)} for several at once, or of "
                f"{', '.join(types)}."
            )
        found.update(FAMILIES.get(name, (name,)))
    return frozenset(found)


def _begin(facts: PhotoFacts, rules: Rules) -> SortedPhoto:
    group = rules.persons.get(facts.name, facts.folder)
    return SortedPhoto(facts, UNSCORED if facts.score is None else KEEP, group, facts.error)


def _drop_degraded(photos: list[SortedPhoto], rules: Rules) -> list[SortedPhoto]:
    return [
        replace(photo, verdict=DROP, reason=f"diagnosed as {photo.facts.degradation}")
        if photo.verdict == KEEP and photo.facts.degradation in rules.without
        else photo
        for photo in photos
    ]


def _drop_duplicates(photos: list[SortedPhoto], rules: Rules) -> list[SortedPhoto]:
    """Drop all but the best of each group of near-duplicates."""
    if not rules.near_duplicates:
        return photos
    candidates = [index for index, photo in enumerate(photos) if photo.verdict == KEEP and photo.facts.hash]
    better = dict[int, str]()
    for group in group_near_duplicates([photos[index].facts.hash or "" for index in candidates]):
        members = sorted((candidates[member] for member in group), key=lambda index: _by_score(photos[index]))
        better |= dict.fromkeys(members[1:], photos[members[0]].name)
    return [
        replace(photo, verdict=DROP, reason=f"near-duplicate of {better[index]}", duplicate_of=better[index])
        if index in better
        else photo
        for index, photo in enumerate(photos)
    ]


def _apply_threshold(photos: list[SortedPhoto], rules: Rules) -> list[SortedPhoto]:
    threshold = rules.threshold
    if threshold is None:
        return photos
    return [_judge(photo, threshold) if photo.verdict == KEEP else photo for photo in photos]


def _judge(photo: SortedPhoto, threshold: float) -> SortedPhoto:
    """Return a scored photo with the verdict that a threshold gives it."""
    score, interval = photo.facts.score, photo.facts.interval
    if score is None or interval is None or score >= threshold:
        return photo
    if interval[1] >= threshold:
        return replace(photo, verdict=MAYBE, reason=f"below {threshold:.3f}, and its interval reaches it")
    return replace(photo, verdict=DROP, reason=f"below {threshold:.3f}")


def _keep_best_of_each(photos: list[SortedPhoto], rules: Rules) -> list[SortedPhoto]:
    if rules.best_of is None:
        return photos
    groups = defaultdict[str, list[SortedPhoto]](list)
    for photo in photos:
        if photo.verdict == KEEP:
            groups[photo.group].append(photo)
    best = {id(photo) for group in groups.values() for photo in sorted(group, key=_by_score)[: rules.best_of]}
    return [
        replace(photo, verdict=DROP, reason=f"not among the best {rules.best_of} of {photo.group}")
        if photo.verdict == KEEP and id(photo) not in best
        else photo
        for photo in photos
    ]


def _by_score(photo: SortedPhoto) -> tuple[float, str]:
    """Sort by falling score, then by name, so that the order of the files does not matter."""
    return -(photo.facts.score or 0.0), photo.name
