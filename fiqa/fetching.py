"""Checkpoints from elsewhere: the authors' public folder, and repositories of the Hugging Face Hub.

Whatever the libraries raise becomes a CheckpointError of one sentence. Nothing here knows what is in the files.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from fiqa.errors import CheckpointError

AUTHORS_FOLDER = "1SQ40NDDGQB4g-sk-uBcRcGnEKrUhQSDt"
"""Id of the authors' public Google Drive folder."""
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


def first_line(error: Exception) -> str:
    """Return the first line of what a library says, or the kind of its error where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
