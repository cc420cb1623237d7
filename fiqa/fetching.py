"""Weights from elsewhere: the authors' public folder, repositories of the Hugging Face Hub, plain addresses.

Whatever the libraries raise becomes a CheckpointError of one sentence. Nothing here knows what is in the files.
"""

import hashlib
import logging
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from fiqa.errors import CheckpointError

logger = logging.getLogger(__name__)

AUTHORS_FOLDER = "1SQ40NDDGQB4g-sk-uBcRcGnEKrUhQSDt"
"""Id of the authors' public Google Drive folder."""
CONNECT_S, FETCH_S = 5.0, 120.0
"""Longest wait for a server, and for a file, in seconds: a slow network must not hold up who can do without."""
_BY_HAND = "check the connection, or put DE.pt and IQA.pt under ckpt/ by hand."


def fetch_from_hub(repository: str, files: Sequence[str]) -> Path:
    """Return the local folder that holds these files of a Hub repository, fetching what is not cached."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, allow_patterns=list(files)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointError(
            f"There is no folder {repository} here, and no such repository can be fetched from the Hugging Face Hub: "
            f"{first_line(error)}."
        ) from error


def fetch_from_authors(folder: str, files: Sequence[str], target: Path) -> None:
    """Put files of one folder of the authors' into `target`."""
    for file in _published(folder, files):
        _fetch(file, target)


def _published(folder: str, files: Sequence[str]) -> Iterator[Any]:
    """Yield what gdown knows of each file in the authors' folder."""
    import gdown

    try:
        listing = gdown.download_folder(id=AUTHORS_FOLDER, skip_download=True, quiet=True)
    except Exception as error:  # gdown raises whatever its HTTP and HTML libraries raise
        raise CheckpointError(f"The authors' folder cannot be listed ({first_line(error)}): {_BY_HAND}") from error
    published: dict[tuple[str, ...], Any] = {Path(file.path).parts[-2:]: file for file in cast("list[Any]", listing)}
    for wanted in files:
        if (folder, wanted) not in published:
            raise CheckpointError(f"The authors' folder has no {folder}/{wanted}: {_BY_HAND}")
        yield published[folder, wanted]


def _fetch(file: Any, folder: Path) -> None:
    import gdown

    try:
        gdown.download(id=file.id, output=str(folder / Path(file.path).name), quiet=False)
    except Exception as error:  # as above
        raise CheckpointError(f"{file.path} cannot be fetched ({first_line(error)}): {_BY_HAND}") from error


def fetch_missing(files: Mapping[str, str], folder: Path) -> None:
    """Put those of the files (name: address) into a folder that are not there; a name may hold its SHA-256's beginning.

    Raises CheckpointError when one cannot be fetched in time; nothing half fetched is left behind.
    """
    for name, address in files.items():
        if not (folder / name).is_file():
            folder.mkdir(parents=True, exist_ok=True)
            logger.warning("Fetching %s.", address)
            _fetch_within_time(address, folder / name)


def _fetch_within_time(address: str, target: Path) -> None:
    import httpx

    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetching-") as folder:
        part = Path(folder, target.name)
        try:
            _download(address, part)
        except httpx.HTTPError as error:
            raise CheckpointError(
                f"{address} cannot be fetched ({first_line(error)}): check the connection, or put it at {target}."
            ) from error
        with part.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        known = re.search(r"-([0-9a-f]{8,})\.", target.name)
        if known and not sha256.startswith(known[1]):
            raise CheckpointError(f"{address} is not what was published: its SHA-256 does not begin with {known[1]}.")
        part.rename(target)


def _download(address: str, target: Path) -> None:
    """Write what is at an address to a file; raise an error of httpx when that takes too long or fails."""
    import httpx

    deadline = time.monotonic() + FETCH_S
    with httpx.stream("GET", address, timeout=CONNECT_S, follow_redirects=True) as answer, target.open("wb") as file:
        for chunk in answer.raise_for_status().iter_bytes():
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout(f"not there after {FETCH_S:.0f} seconds")
            file.write(chunk)


def first_line(error: Exception) -> str:
    """Return the first line of what a library says, or the kind of its error where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
