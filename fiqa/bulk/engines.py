"""What is to be scored, and what scores it: an engine takes what is waiting and yields what came of each photo."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fiqa.bulk.lists import Named
from fiqa.bulk.sinks import Done
from fiqa.bulk.sources import PhotoWords
from fiqa.photos.images import PhotoSource
from fiqa.photos.sources import FoundPhotos
from fiqa.reports import ScoredPhoto

ScoreMany = Callable[[Iterable[PhotoSource]], Iterable[Any]]


@dataclass(frozen=True)
class Waiting:
    """The photos that words stand for, less those that are done."""

    words: PhotoWords
    done: Done

    def photos(self, found: FoundPhotos | None = None) -> Iterator[Named]:
        """Yield name and photo of what is to be scored; `found` notes what there is to say."""
        return (named for named in self.words.photos(found) if named[0] not in self.done)


Engine = Callable[[Waiting, FoundPhotos], Iterator[ScoredPhoto]]
"""Scores what is waiting, and notes what there is to say about the search for it."""


def in_order(score_many: ScoreMany) -> Engine:
    """Return an engine of what scores photos in order; names wait in line while their photos are ahead."""

    def score(waiting: Waiting, found: FoundPhotos) -> Iterator[ScoredPhoto]:
        """Yield what came of each photo."""
        names: deque[str] = deque()

        def photos() -> Iterator[PhotoSource]:
            """Yield the photos alone, and note their names."""
            for name, photo in waiting.photos(found):
                names.append(name)
                yield photo

        for outcome in score_many(photos()):
            yield ScoredPhoto(names.popleft(), outcome)

    return score
