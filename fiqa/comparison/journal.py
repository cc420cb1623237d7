"""Scores of a comparison that is not finished, kept so that a killed run goes on where it was.

One line of JSON a photo, appended as it is scored, in the data folder. The name of the journal is a hash of all that
the scores depend on (checkpoint, finder, device, the files with their sizes and times), so another comparison never
reads it. It is deleted when the comparison is finished; a last line that was cut off is scored again.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fiqa.comparison.matching import PhotoVersions
from fiqa.comparison.scoring import ScoredVersions
from fiqa.photos.archives import ZippedPhoto
from fiqa.version import __version__

if TYPE_CHECKING:
    from fiqa.predictor import QualityPredictor


class Journal:
    """The scores of one comparison so far, in a file of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.scored = {each.name: each for each in _read(path)}

    @classmethod
    def of_comparison(
        cls, data_dir: Path, predictor: "QualityPredictor", photos: Sequence[PhotoVersions], *, kinds: Sequence[str]
    ) -> "Journal":
        """Open the journal of a comparison, one that was begun before if there is one.

        `kinds` names what else than scores is computed of each photo.
        """
        depends_on = [__version__, predictor.spec.name, predictor.spec.sha256, predictor.finder.name, predictor.device]
        files = [(photo.name, *_fingerprints(photo)) for photo in photos]
        key = hashlib.sha256(json.dumps([*depends_on, [*kinds], files]).encode()).hexdigest()[:32]
        folder = data_dir / "comparisons"
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder / f"{key}.jsonl")

    def add(self, photo: ScoredVersions) -> None:
        """Append one photo and hand it to the system, so that it outlives the process."""
        self.scored[photo.name] = photo
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(photo.to_dict()) + "\n")

    def finish(self) -> None:
        """Delete the journal."""
        self.path.unlink(missing_ok=True)


def _read(path: Path) -> Iterator[ScoredVersions]:
    """Yield the photos of a journal; a line that was cut off ends it, and is taken out of the file."""
    if not path.exists():
        return
    whole = ""
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if not line.endswith("\n"):
            break
        whole += line
        yield ScoredVersions(**json.loads(line))
    path.write_text(whole, encoding="utf-8")


def _fingerprints(photo: PhotoVersions) -> Iterator[tuple[str, int, int]]:
    """Yield path, size and time of change (checksum in a zip) of a photo's files; zeros for one that is not there."""
    for file in (*photo.paths.values(), *([photo.reference] if photo.reference else [])):
        if isinstance(file, ZippedPhoto):
            yield str(file), file.entry.file_size, file.entry.CRC
            continue
        try:
            status = Path(file).stat()
            yield str(Path(file).absolute()), status.st_size, status.st_mtime_ns
        except OSError:
            yield file, 0, 0
