"""Uploaded photos and zips of photos, by name."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from fiqa.errors import SettingError
from fiqa.photos.archives import PhotoFile, is_zip, list_zipped_photos
from fiqa.ui.photos import MOST_PHOTOS


def name_uploads(paths: Sequence[str]) -> dict[str, PhotoFile]:
    """Return uploaded photos by name; those of a zip keep their folders, below the zip's name where there are others.

    Raises SettingError for a zip that cannot be read, for no photos and for too many.
    """
    photos: dict[str, PhotoFile] = {}
    for path in paths:
        found: dict[PurePosixPath, PhotoFile] = {PurePosixPath(Path(path).name): path}
        if is_zip(path):
            above = PurePosixPath(Path(path).stem if len(paths) > 1 else "")
            found = {above / place: photo for place, photo in list_zipped_photos(path).items()}
        for place, photo in found.items():
            photos[_new_name(place, photos)] = photo
    if not photos:
        raise SettingError("There is no photo in what was uploaded: choose photos, or a zip of photos.")
    if len(photos) > MOST_PHOTOS:
        raise SettingError(
            f"These are {len(photos)} photos and the page takes {MOST_PHOTOS} at once; curate more with "
            "`fiqa curate FOLDER`."
        )
    return photos


def _new_name(place: PurePosixPath, taken: dict[str, PhotoFile]) -> str:
    name, number = place, 2
    while name.as_posix() in taken:
        name, number = place.with_name(f"{place.stem} ({number}){place.suffix}"), number + 1
    return name.as_posix()
