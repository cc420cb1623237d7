"""What one visitor of the Attention tab has before them, and what they have chosen."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fiqa.errors import FiqaError
from fiqa.maps.face_maps import MapKey
from fiqa.maps.figures import ColourScale, colour_scale
from fiqa.ui.attention.inspection import Inspection, Subject
from fiqa.ui.photos import LoadedPhotos

KEPT_INSPECTIONS = 6
EXAMPLE, EXAMPLE_NAME = "example", "Astronaut (example)"
ALONE = ("Nothing", "")
"""What a photo is compared with at first, and its key."""
FIRST_KIND = "contribution"
CHECKPOINT_PREFIX = "checkpoint:"
Source = tuple[str | int, str]
"""Path in the upload cache or index of an example, and the name to show."""


@dataclass(eq=False)
class AttentionState:
    """What one visitor has before them.

    `inspections` are those kept, the latest last; `shown` one or two of them, with the map `key`. `known` are the
    sources that were offered before, so that a new one can be told; `opened` says whether the tab was ever looked at.
    """

    inspections: "OrderedDict[Subject, Inspection]" = field(default_factory=OrderedDict)
    shown: list[Inspection] = field(default_factory=list)
    key: MapKey = field(default=MapKey(FIRST_KIND))
    colour_map: str | None = None
    known: set[str | int] = field(default_factory=set)
    opened: bool = False

    def keep(self, inspection: Inspection) -> None:
        """Keep an inspection, and forget the one that was looked at longest ago."""
        self.inspections[inspection.subject] = inspection
        self.inspections.move_to_end(inspection.subject)
        while len(self.inspections) > KEPT_INSPECTIONS:
            self.inspections.popitem(last=False)

    def forget(self, *, before: float) -> bool:
        """Forget what was made before a time, in seconds; return whether anything is left."""
        fresh = [(subject, each) for subject, each in self.inspections.items() if each.made >= before]
        self.inspections = OrderedDict(fresh)
        self.shown = self.shown if all(each.made >= before for each in self.shown) else []
        return bool(self.inspections or self.shown)

    def scales(self) -> list[ColourScale]:
        """Return the colour scale of each map that is shown: one for all, unless their scores have other ranges."""
        if len({each.score_range for each in self.shown}) == 1:
            return [self._scale(self.shown)] * len(self.shown)
        return [self._scale([each]) for each in self.shown]

    def _scale(self, inspections: Sequence[Inspection]) -> ColourScale:
        maps = [each.maps[self.key] for each in inspections]
        return colour_scale(maps, inspections[0].score_range, self.colour_map)

    def side(self, index: object) -> Inspection:
        """Return the inspection on a side; raises FiqaError where there is none."""
        if not isinstance(index, int) or not 0 <= index < len(self.shown):
            raise FiqaError("This map is no longer here; choose the photo again.")
        return self.shown[index]


@dataclass(frozen=True)
class Choices:
    """What a visitor has chosen; see `_build_controls`."""

    photo: str
    compare: str
    face: int
    kind: str
    block: int
    colour_map: str
    whole: bool
    without: list[str]
    right: float
    down: float


def find_sources(photos: LoadedPhotos, tray: list[tuple[str, str | None]] | None) -> dict[str, Source]:
    """Return what can be looked at by key: photos of the Score tab, those added here, the example."""
    scored = {f"score:{index}": item for index, item in enumerate(photos.items)}
    added = {f"own:{index}": (path, caption or Path(path).name) for index, (path, caption) in enumerate(tray or [])}
    return {**scored, **added, EXAMPLE: (0, EXAMPLE_NAME)}


def choose_newest(state: AttentionState, sources: dict[str, Source], choices: Choices) -> Choices:
    """Choose a photo that has just been added, or the first where the chosen one is gone."""
    new = [key for key, (source, _) in sources.items() if source not in state.known and key != EXAMPLE]
    state.known = {source for source, _ in sources.values()}
    added = [key for key in new if key.startswith("own")]
    photo = added[-1] if added else new[0] if new else choices.photo
    photo = photo if photo in sources else next(iter(sources))
    before = state.shown[0].subject.source if state.shown else None
    face = choices.face if before == sources[photo][0] else 1
    return replace(choices, photo=photo, face=face)


def find_subjects(sources: dict[str, Source], checkpoint: str, choices: Choices) -> list[Subject]:
    """Return what is to be shown: the chosen face, and beside it what it is compared with."""
    source, name = sources[choices.photo]
    moved = (choices.right / 100, choices.down / 100, tuple(choices.without))
    first = Subject(source, name, checkpoint, choices.face, *moved)
    if choices.compare.startswith(CHECKPOINT_PREFIX):
        return [first, replace(first, checkpoint=choices.compare.removeprefix(CHECKPOINT_PREFIX))]
    if choices.compare in sources and choices.compare != choices.photo:
        other, other_name = sources[choices.compare]
        return [first, Subject(other, other_name, checkpoint, 1, *moved)]
    return [first]


def find_key(inspection: Inspection, choices: Choices, *, beside: MapKey | None) -> MapKey:
    """Return the map to show: what was chosen, where this checkpoint has it; on the second side the one `beside` it."""
    if beside is None:
        available = choices.kind not in inspection.offered.missing
        return inspection.offered.nearest(choices.kind if available else FIRST_KIND, choices.block)
    if inspection.offered.nearest(*beside) != beside:
        raise FiqaError(f"{inspection.subject.checkpoint} has no block {beside.block}; choose a lower one.")
    return beside
