"""With what a comparison was computed: enough to repeat it, and to see what has changed when it comes out otherwise."""

import hashlib
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from fiqa import __version__
from fiqa.comparison.matching import PhotoVersions

if TYPE_CHECKING:
    from fiqa.predictor import QualityPredictor

LIBRARIES = ("numpy", "pillow", "scipy", "timm", "torch", "torchvision")
"""What a score can depend on."""


@dataclass(frozen=True)
class Inputs:
    """The photos of one method: where they were, how many, and the SHA-256 over all names and files."""

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
    folders: Mapping[str, str],
    photos: Sequence[PhotoVersions],
    *,
    reference: str | None = None,
    command: Sequence[str] = (),
) -> Stamp:
    """Stamp a comparison of `photos`, whose methods lie in `folders`; reads every file once."""
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
            method: Inputs(folder, len(photos), _digest({photo.name: photo.paths[method] for photo in photos}))
            for method, folder in folders.items()
        },
        reference=reference,
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _digest(paths: Mapping[str, str]) -> str:
    """Return the SHA-256 over names and contents of files; one that cannot be read counts as empty."""
    total = hashlib.sha256()
    for name, path in sorted(paths.items()):
        total.update(name.encode("utf-8", errors="surrogatepass") + b"\0")
        try:
            with open(path, "rb") as file:  # noqa: PTH123  hashlib takes what open returns
                total.update(hashlib.file_digest(file, "sha256").digest())
        except OSError:
            total.update(b"unreadable")
    return total.hexdigest()
