"""Photos by name, one after the other, from words that may stand for more of them than fit in memory.

A word is a photo, a folder, a pattern, a list (`lists`), a URL (`urls`) or a data set (`hub`). Names of one folder, and
what one pattern matches, are in memory; of a list, an archive or a data set only a few photos are.
"""

import glob
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fiqa.bulk.hub import count_of_dataset, is_dataset, photos_of_dataset
from fiqa.bulk.lists import LISTS, Named, count_in, photos_in, suffix_of
from fiqa.bulk.urls import RemotePhoto, files_at, is_one_file, is_url
from fiqa.photos.sources import FoundPhotos, find_photos, read_photos, walk_photos

RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
"""The numbers of shards, as WebDataset writes them: photos-{000..127}.tar."""


@dataclass(frozen=True)
class PhotoWords:
    """What was asked to be scored: words, and the column of photos in tables and data sets (None: a usual one)."""

    words: tuple[str, ...]
    column: str | None = None

    def photos(self, found: FoundPhotos | None = None) -> Iterator[Named]:
        """Yield name and photo of everything, opened when its turn has come; `found` notes what there is to say.

        Raises SettingError for a list, URL or data set that cannot be read.
        """
        found = FoundPhotos() if found is None else found
        for word in self._words():
            if is_dataset(word):
                yield from photos_of_dataset(word, self.column)
            elif Path(word).is_dir():
                yield from _in_folder(word, found)
            else:
                for place in files_at(word) if is_url(word) else find_photos([word]).paths:
                    yield from self._at(place)

    def _at(self, place: str) -> Iterator[Named]:
        """Yield the photos of a file: those it lists, or itself."""
        if suffix_of(place) in LISTS and (is_url(place) or Path(place).is_file()):
            yield from photos_in(place, self.column)
        elif is_url(place):
            yield place, RemotePhoto(place)
        else:
            yield from zip([place], read_photos([place]), strict=True)

    def count(self) -> int | None:
        """Return how many photos there are, None where that is not known without reading them all."""
        counts = [self._count_of(word) for word in self._words()]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def _count_of(self, word: str) -> int | None:
        if is_dataset(word):
            return count_of_dataset(word)
        if Path(word).is_dir():
            return sum(1 for _ in walk_photos(Path(word), FoundPhotos()))
        if is_url(word) and not is_one_file(word):
            return None
        places = [word] if is_url(word) else find_photos([word]).paths
        counts = [count_in(place) if suffix_of(place) in LISTS else 1 for place in places]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def _words(self) -> Iterator[str]:
        """Yield every word, one with a range of numbers once for each number."""
        for word in self.words:
            found = None if Path(word).exists() else RANGE.search(word)
            if found is None:
                yield word
                continue
            first, last = found.groups()
            for number in range(int(first), int(last) + 1):
                yield f"{word[: found.start()]}{number:0{len(first)}}{word[found.end() :]}"


def needs_rows(word: str) -> bool:
    """Whether a word stands for photos that are scored row by row: a list, a URL, a data set."""
    listed = suffix_of(word) in LISTS and (Path(word).is_file() or glob.has_magic(word) or RANGE.search(word))
    return bool(listed) or is_url(word) or is_dataset(word)


def _in_folder(word: str, found: FoundPhotos) -> Iterator[Named]:
    path = None
    for path in walk_photos(Path(word), found):
        yield path, path
    if path is None:
        found.troubles.append(f"{word} is a folder without photos")
