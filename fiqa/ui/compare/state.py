"""What one visitor of the Compare tab has before them."""

import time
from dataclasses import dataclass, field

from fiqa.comparison.comparison import Comparison
from fiqa.comparison.examples import Example
from fiqa.comparison.matching import MatchedPhotos
from fiqa.comparison.statistics import PairFigures
from fiqa.errors import FiqaError

GONE = "There is no comparison here any more: compare again."


@dataclass(eq=False)
class ComparisonState:
    """A comparison, and the examples that were looked at, by pair; both go when the uploads do."""

    comparison: Comparison | None = None
    matched: MatchedPhotos | None = None
    checkpoint: str = ""
    examples: dict[tuple[str, str], list[Example]] = field(default_factory=dict)
    made: float = 0.0

    def begin(self, comparison: Comparison, matched: MatchedPhotos, checkpoint: str) -> None:
        """Put a comparison before the visitor, in the place of the one before."""
        self.comparison, self.matched, self.checkpoint = comparison, matched, checkpoint
        self.examples, self.made = {}, time.monotonic()

    def get(self) -> tuple[Comparison, MatchedPhotos]:
        """Return the comparison and its photos; raises FiqaError when they are gone."""
        if self.comparison is None or self.matched is None:
            raise FiqaError(GONE)
        return self.comparison, self.matched

    def pair(self, index: object) -> PairFigures:
        """Return a pair by its number from 0, as a page sends it; raises FiqaError when there is none."""
        pairs = self.get()[0].pairs
        if not (isinstance(index, int) and 0 <= index < len(pairs)):
            raise FiqaError("This pair is not compared here; choose another.")
        return pairs[index]

    def forget(self, *, before: float) -> bool:
        """Forget what was made before a time of the monotonic clock, in seconds; return whether anything is left."""
        if self.made < before:
            self.comparison, self.matched, self.examples = None, None, {}
        return self.comparison is not None
