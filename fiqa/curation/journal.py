"""Facts of a folder's photos, kept in the data folder so that no photo is scored twice.

One line of JSON a photo, appended as it is scored, so a run that was killed goes on where it was, and the next one with
another threshold scores nothing. The name of the journal is a hash of all that a score depends on (version, weights,
finder, device, folder); a line holds for as long as its file has the same size and time of change. Photos without a
score are not kept, since a package or a permission may have been what they lacked.
"""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from fiqa.curation.photo_facts import PhotoFacts
from fiqa.output import make_folder
from fiqa.version import __version__

if TYPE_CHECKING:
    from fiqa.predictor import QualityPredictor

Fingerprint = tuple[int, int]
"""Size in bytes and time of change in nanoseconds."""


class ScoreJournal:
    """The photos of one folder that were scored already."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known = _read(path)

    @classmethod
    def of_folder(
        cls, data_dir: Path, predictor: "QualityPredictor", folder: Path, *, diagnosed: bool, embeds: bool
    ) -> "ScoreJournal":
        """Open the journal of a folder; raises SettingError when the data folder cannot be written."""
        from fiqa.degradation.atlas import weights_sha256

        spec = predictor.spec
        kinds = [diagnosed, *(["embedding"] if embeds else [])]
        depends_on = [__version__, spec.name, weights_sha256(spec), predictor.finder.name, predictor.device, *kinds]
        key = hashlib.sha256(json.dumps([*depends_on, str(folder.resolve())]).encode()).hexdigest()[:32]
        journals = data_dir / "curations"
        make_folder(journals)
        return cls(journals / f"{key}.jsonl")

    def get(self, name: str, path: Path) -> PhotoFacts | None:
        """Return the facts of a photo, None where it is new or has changed since."""
        fingerprint, facts = self._known.get(name, (None, None))
        return facts if fingerprint is not None and fingerprint == fingerprint_of(path) else None

    def add(self, facts: PhotoFacts, path: Path) -> None:
        """Append one photo and hand it to the system, so that it outlives the process."""
        fingerprint = fingerprint_of(path)
        if facts.error is not None or fingerprint is None:
            return
        self._known[facts.name] = fingerprint, facts
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"file": fingerprint, "photo": facts.to_dict()}) + "\n")


def fingerprint_of(path: Path) -> Fingerprint | None:
    """Return size and time of change of a file, None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _read(path: Path) -> dict[str, tuple[Fingerprint, PhotoFacts]]:
    """Return the photos of a journal by name; what was cut off or is not ours is taken out of the file."""
    if not path.exists():
        return {}
    known, whole = {}, []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
            facts = PhotoFacts.from_dict(entry["photo"])
            size, changed = entry["file"]
        except (KeyError, TypeError, ValueError):
            continue
        known[facts.name] = (size, changed), facts
        whole.append(line)
    path.write_text("".join(f"{line}\n" for line in whole), encoding="utf-8")
    return known
