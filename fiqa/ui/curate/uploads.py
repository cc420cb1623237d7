"""Uploaded photos and zips of photos, by name."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from fiqa.errors import SettingError
from fiqa.photos.archives import PhotoFile, is_zip, list_zipped_photos
from fiqa.photos.images import PHOTO_SUFFIXES, begins_like_a_photo
from fiqa.photos.sources import is_passed_over
from fiqa.ui.photos import MOST_PHOTOS


def name_uploads(paths: Sequence[str]) -> dict[str, PhotoFile]:
    """Return uploaded photos by name; those of a zip keep their folders, below the zip's name where there are others.

    What is no photo, as a chosen folder may hold, is passed over.

    Raises SettingError for a zip that cannot be read, for no photos and for too many.
    """
    photos: dict[str, PhotoFile] = {}
    for path in paths:
        for place, photo in _photos_in(path, below=PurePosixPath(Path(path).stem if len(paths) > 1 else "")).items():
            photos[_new_name(place, photos)] = photo
    if not photos:
        raise SettingError("There is no photo in what was uploaded: choose photos, or a zip of photos.")
    if len(photos) > MOST_PHOTOS:
        raise SettingError(
            f"These are {len(photos)} photos and the page takes {MOST_PHOTOS} at once; curate more with "
            "`fiqa curate FOLDER`."
        )
    return photos


def visible_files(files: Any) -> list[str]:
    """Return the paths of a chosen folder's files, as the page sends them, without those that systems hide."""
    given = files if isinstance(files, list) else []
    return [str(file["path"]) for file in given if not is_passed_over(PurePosixPath(str(file.get("orig_name"))).name)]


def _photos_in(path: str, *, below: PurePosixPath) -> dict[PurePosixPath, PhotoFile]:
    """Return the photos of one upload: those of a zip, the file itself, or none."""
    if is_zip(path):
        return {below / place: photo for place, photo in list_zipped_photos(path).items()}
    file = Path(path)
    is_photo = file.suffix.lower() in PHOTO_SUFFIXES or begins_like_a_photo(file)
    return {PurePosixPath(file.name): path} if is_photo else {}


def _new_name(place: PurePosixPath, taken: dict[str, PhotoFile]) -> str:
    name, number = place, 2
    while name.as_posix() in taken:
        name, number = place.with_name(f"{place.stem} ({number}){place.suffix}"), number + 1
    return name.as_posix()
