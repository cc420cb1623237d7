"""Which files are versions of the same photo: equal names belong together.

Files belong together when their path within their method's folder, zip or list is equal but for the suffix:
`a/001.png` and `b/001.jpg`. Names are compared in composed Unicode, since a Mac writes the other form.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from fiqa.errors import SettingError
from fiqa.photos.archives import PhotoFile


@dataclass(frozen=True)
class PhotoVersions:
    """One photo in the version of every method: `paths` by method, and the reference's file if there is one.

    `name` is what the versions have in common; `source` who or what is on it, the name itself where nothing is known.
    """

    name: str
    paths: Mapping[str, PhotoFile]
    source: str
    reference: PhotoFile | None = None


@dataclass(frozen=True)
class MatchedPhotos:
    """What can be compared: photos that every method shows. `unmatched` names, by method, those that others lack.

    `remarks` say what was passed over where the photos were looked for.
    """

    methods: tuple[str, ...]
    photos: tuple[PhotoVersions, ...]
    unmatched: Mapping[str, tuple[str, ...]]
    remarks: tuple[str, ...] = ()

    @property
    def has_reference(self) -> bool:
        """Whether any photo has an undamaged version."""
        return any(photo.reference is not None for photo in self.photos)

    def notices(self) -> list[str]:
        """Return the remarks, and one sentence for each method that shows photos which another lacks."""
        return [*self.remarks, *self._left_out()]

    def _left_out(self) -> list[str]:
        return [
            f"{len(names)} of {method} {'has' if len(names) == 1 else 'have'} no partner and "
            f"{'is' if len(names) == 1 else 'are'} left out: {_listed(names)}."
            for method, names in self.unmatched.items()
            if names
        ]


def match_photos(
    methods: Mapping[str, Mapping[str, PhotoFile]],
    *,
    references: Mapping[str, PhotoFile] | None = None,
    sources: Mapping[str, str] | None = None,
) -> MatchedPhotos:
    """Join the photos of methods by name.

    Args:
        methods: of each method, the path of every photo by name, as `name_photos` returns it.
        references: the path of the undamaged photo by name; a photo without one is compared all the same.
        sources: who or what a photo shows, by name.

    Raises:
        SettingError: there are fewer than two methods, or they have no photo in common.
    """
    if len(methods) < 2:
        raise SettingError("A comparison needs at least two methods: name two or more.")
    shared = set.intersection(*(set(paths) for paths in methods.values()))
    if not shared:
        raise SettingError(
            f"{' and '.join(methods)} have no photo name in common: versions of a photo must be called alike "
            "(the suffix does not matter), or have one name in the column name of a CSV."
        )
    photos = tuple(
        PhotoVersions(
            name,
            {method: paths[name] for method, paths in methods.items()},
            (sources or {}).get(name, name),
            (references or {}).get(name),
        )
        for name in sorted(shared)
    )
    return MatchedPhotos(tuple(methods), photos, {m: tuple(sorted(set(p) - shared)) for m, p in methods.items()})


def name_photos(files: Iterable[tuple[PurePath, PhotoFile]], method: str) -> dict[str, PhotoFile]:
    """Return photos by the name they are matched by, from their path within the method's folder, zip or list.

    Raises SettingError when two files of one method have the same name but for the suffix.
    """
    named: dict[str, PhotoFile] = {}
    places: dict[str, PurePath] = {}
    for place, photo in files:
        name = photo_name(place)
        if name in named:
            raise SettingError(
                f"{method} holds both {places[name].name} and {place.name} under one name: "
                "keep one version of each photo."
            )
        named[name], places[name] = photo, place
    return named


def photo_name(path: PurePath) -> str:
    """Return what versions of a photo have in common: the path without suffix, in composed Unicode."""
    return unicodedata.normalize("NFC", path.with_suffix("").as_posix())


def method_names(folders: Sequence[Path]) -> list[str]:
    """Return a name for each folder or zip: the last parts of its path that tell it from the others.

    Raises SettingError when one is named twice.
    """
    resolved = [folder.resolve() for folder in folders]
    for folder, path in zip(folders, resolved, strict=True):
        if resolved.count(path) > 1:
            raise SettingError(f"{folder} is named twice: a comparison needs different folders.")
    resolved = [path.with_suffix("") if path.suffix.lower() == ".zip" else path for path in resolved]
    for parts in range(1, max(len(path.parts) for path in resolved) + 1):
        names = ["/".join(path.parts[-parts:]) for path in resolved]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in resolved]


def _listed(names: Sequence[str], most: int = 5) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
