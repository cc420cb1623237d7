"""A zip of the photos that are kept, made in the folder of uploads, which is swept after minutes.

It lies below a name nobody can guess: whoever knows the address of a file there can fetch it.
"""

import secrets
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from gradio.utils import get_upload_folder

from fiqa.errors import PhotoError, SettingError
from fiqa.photos.archives import PhotoFile, photo_source
from fiqa.ui.figures import text

LARGEST_BYTES = 2**30
"""Of a zip; more are placed on the command line, without a copy in between."""


def pack(photos: Mapping[str, PhotoFile]) -> Path:
    """Write photos, as they are, into a zip under their names; raises SettingError when they are too large or gone."""
    size = sum(_size(photo) for photo in photos.values())
    if size > LARGEST_BYTES or size > shutil.disk_usage(Path(get_upload_folder()).parent).free / 2:
        raise SettingError(
            f"These photos take {size >> 20} MiB, too much for a browser; on your machine, run `fiqa curate FOLDER "
            "--to OUT`."
        )
    folder = Path(get_upload_folder(), secrets.token_urlsafe(32))
    folder.mkdir(mode=0o700, parents=True)
    with zipfile.ZipFile(folder / "kept.zip", "w", zipfile.ZIP_STORED) as archive:  # photos are compressed already
        for name, photo in photos.items():
            archive.writestr(name, _bytes_of(photo))
    return folder / "kept.zip"


def saved_link(file: Path) -> str:
    """Return the link to a packed file, which the page follows by itself."""
    address = f"gradio_api/file={quote(str(file))}"
    return f'<p><a download="{text(file.name)}" href="{text(address)}">Fetch the zip again</a>, for a few minutes.</p>'


def _size(photo: PhotoFile) -> int:
    try:
        return Path(photo).stat().st_size if isinstance(photo, str) else photo.entry.file_size
    except OSError:
        raise _gone() from None


def _bytes_of(photo: PhotoFile) -> bytes:
    try:
        source = photo_source(photo)
        return Path(source).read_bytes() if isinstance(source, str) else source
    except (OSError, PhotoError):
        raise _gone() from None


def _gone() -> SettingError:
    return SettingError("The photos were deleted, as all are after some minutes; add them again.")
