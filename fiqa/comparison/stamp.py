"""With what a comparison was computed: enough to repeat it, and to see what has changed when it comes out otherwise."""

import hashlib
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiqa.comparison.matching import PhotoVersions
from fiqa.errors import PhotoError
from fiqa.photos.archives import PhotoFile, ZippedPhoto
from fiqa.version import __version__

if TYPE_CHECKING:
    from fiqa.predictor import QualityPredictor

LIBRARIES = ("numpy", "pillow", "scipy", "timm", "torch", "torchvision")
"""What a score can depend on."""


@dataclass(frozen=True)
class Inputs:
    """The photos of one method: the folder, zip or CSV, how many, and the SHA-256 over all names and files."""

    folder: str
    photos: int
    sha256: str


@dataclass(frozen=True)
class Stamp:
    """What a comparison depends on. `date` is ISO 8601 in UTC; `inputs` are by method, `reference` may be None."""

    checkpoint: str
    sha256: str | None
    version: str
    finder: str
    device: str
    libraries: Mapping[str, str]
    python: str
    machine: str
    date: str
    command: Sequence[str]
    inputs: Mapping[str, Inputs]
    reference: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return asdict(self)


def make_stamp(
    predictor: "QualityPredictor",
    inputs: Mapping[str, str],
    photos: Sequence[PhotoVersions],
    *,
    reference: str | None = None,
    command: Sequence[str] = (),
) -> Stamp:
    """Stamp a comparison of `photos`, whose methods lie where `inputs` says; reads every file once."""
    return Stamp(
        checkpoint=predictor.spec.name,
        sha256=predictor.spec.sha256,
        version=__version__,
        finder=predictor.finder.name,
        device=predictor.device,
        libraries={name: found for name in LIBRARIES if (found := _version(name))},
        python=sys.version.split()[0],
        machine=f"{platform.system()} {platform.machine()}, {platform.processor() or 'processor not named'}",
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        command=tuple(command),
        inputs={
            method: Inputs(origin, len(photos), _digest({photo.name: photo.paths[method] for photo in photos}))
            for method, origin in inputs.items()
        },
        reference=reference,
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _digest(photos: Mapping[str, PhotoFile]) -> str:
    """Return the SHA-256 over names and contents of photos; one that cannot be read counts as empty."""
    total = hashlib.sha256()
    for name, photo in sorted(photos.items(), key=lambda each: each[0]):
        total.update(name.encode("utf-8", errors="surrogatepass") + b"\0")
        total.update(_file_digest(photo))
    return total.hexdigest()


def _file_digest(photo: PhotoFile) -> bytes:
    try:
        if isinstance(photo, ZippedPhoto):
            return hashlib.sha256(photo.read()).digest()
        with Path(photo).open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except (OSError, PhotoError):
        return b"unreadable"
