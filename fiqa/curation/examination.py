"""The photos of a folder, and what is known of each: scored now, or before."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fiqa.curation.journal import ScoreJournal
from fiqa.curation.photo_facts import PhotoFacts, examine_photo
from fiqa.errors import SettingError
from fiqa.photos.sources import find_photos

if TYPE_CHECKING:
    from fiqa.degradation.atlas import Atlas
    from fiqa.predictor import QualityPredictor

Watch = Callable[[Iterator[PhotoFacts], int], Iterator[PhotoFacts]]


@dataclass(frozen=True)
class PhotoFolder:
    """A folder and the photos in it, by name; `notices` say what was passed over."""

    path: Path
    photos: Mapping[str, Path]
    notices: tuple[str, ...] = ()


class Examiner:
    """Finds out what is known of photos, with one predictor.

    `atlas` names the likeliest degradation of each where it is given; `embeds` asks for what tells the person.
    `data_dir` is where a journal is kept, so that no photo is scored twice; without it none is. `watch` sees the photos
    of a folder pass, and is told their number.
    """

    def __init__(
        self,
        predictor: "QualityPredictor",
        atlas: "Atlas | None" = None,
        *,
        embeds: bool = False,
        data_dir: Path | None = None,
        watch: Watch = lambda facts, _count: facts,
    ) -> None:
        self.predictor, self.atlas, self.embeds, self.data_dir, self.watch = predictor, atlas, embeds, data_dir, watch

    def examine(self, folder: PhotoFolder) -> list[PhotoFacts]:
        """Return what is known of each photo of a folder, in order."""
        return list(self.watch(self._examine(folder), len(folder.photos)))

    def _examine(self, folder: PhotoFolder) -> Iterator[PhotoFacts]:
        journal = self._journal(folder.path)
        for name, path in folder.photos.items():
            known = None if journal is None else journal.get(name, path)
            yield known or self._examine_anew(name, path, journal)

    def score(self, paths: Sequence[str]) -> list[float]:
        """Return the scores of single photos, those that have none left out."""
        found = [examine_photo(self.predictor, path, path).score for path in paths]
        return [score for score in found if score is not None]

    def _examine_anew(self, name: str, path: Path, journal: ScoreJournal | None) -> PhotoFacts:
        facts = examine_photo(self.predictor, str(path), name, atlas=self.atlas, embeds=self.embeds)
        if journal is not None:
            journal.add(facts, path)
        return facts

    def _journal(self, folder: Path) -> ScoreJournal | None:
        if self.data_dir is None:
            return None
        return ScoreJournal.of_folder(
            self.data_dir, self.predictor, folder, diagnosed=self.atlas is not None, embeds=self.embeds
        )


def find_folder(path: Path) -> PhotoFolder:
    """Find the photos of a folder; raises SettingError when it is none, or holds none."""
    if not path.is_dir():
        raise SettingError(f"{path} is no folder: name the folder of the photos.")
    found = find_photos([str(path)])
    if not found.paths:
        raise SettingError(f"{path} is a folder without photos.")
    photos = {PurePath(each).relative_to(path).as_posix(): Path(each) for each in found.paths}
    remark = found.remark()
    return PhotoFolder(path, photos, (*found.troubles, *([remark] if remark else [])))


def scores_of(photos: Sequence[PhotoFacts]) -> NDArray[np.float64]:
    """Return the scores (N,) of the photos that have one."""
    return np.array([facts.score for facts in photos if facts.score is not None], dtype=np.float64)
