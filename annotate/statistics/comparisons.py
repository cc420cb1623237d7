"""Paired comparisons in long format: one row per answer "the left one", "the right one" or "no difference".

Shapes: V comparisons, J stimuli, I participants. As in `annotate.statistics.ratings`, rows hold indices, and the ids
they stand for are kept beside them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from annotate.errors import RatingsError
from annotate.statistics.ratings import Flags, Indices, Numbers

if TYPE_CHECKING:
    import pandas as pd

LEFT, NONE, RIGHT = 1, 0, -1
ANSWERS = {"left": LEFT, "none": NONE, "right": RIGHT}
"""What people answer, by the word that tables have for it."""


@dataclass(frozen=True, eq=False)
class Comparisons:
    """The comparisons of one study.

    left, right:  (V,) indices into `stimulus_ids`, never the same
    participant:  (V,) index into `participant_ids`
    preferred:    (V,) LEFT, RIGHT or NONE
    response_ms:  (V,) from when both are shown to the answer; NaN where unknown
    """

    left: Indices
    right: Indices
    participant: Indices
    preferred: Indices
    response_ms: Numbers
    stimulus_ids: tuple[str, ...]
    participant_ids: tuple[str, ...]

    @classmethod
    def from_columns(
        cls,
        left: Sequence[str],
        right: Sequence[str],
        participant: Sequence[str],
        preferred: Sequence[str],
        *,
        response_ms: ArrayLike | None = None,
    ) -> "Comparisons":
        """Make comparisons from columns of V names and of V answers "left", "right" or "none".

        Raises:
            RatingsError: the columns differ in length, an answer is another word, or a stimulus meets itself.
        """
        if len({len(left), len(right), len(participant), len(preferred)}) > 1:
            raise RatingsError("The columns of comparisons differ in length. Give every comparison one value each.")
        if unknown := sorted(set(preferred) - set(ANSWERS)):
            raise RatingsError(f"There is no answer {unknown[0]!r}: expected {', '.join(ANSWERS)}.")
        if same := [name for name, other in zip(left, right, strict=True) if name == other]:
            raise RatingsError(f"{same[0]} is compared with itself.")
        stimulus_ids, places = np.unique(np.array([*left, *right], str), return_inverse=True)
        participant_ids, people = np.unique(np.array(participant, str), return_inverse=True)
        return cls(
            left=places[: len(left)].astype(np.int64),
            right=places[len(left) :].astype(np.int64),
            participant=people.astype(np.int64),
            preferred=np.array([ANSWERS[word] for word in preferred], np.int64),
            response_ms=np.full(len(left), np.nan) if response_ms is None else np.asarray(response_ms, np.float64),
            stimulus_ids=tuple(stimulus_ids.tolist()),
            participant_ids=tuple(participant_ids.tolist()),
        )

    @classmethod
    def from_frame(cls, frame: "pd.DataFrame") -> "Comparisons":
        """Make comparisons from a pandas table with columns left, right, participant, preferred, maybe response_ms.

        Raises:
            RatingsError: A column is missing, or what `from_columns` refuses.
        """
        names = ("left", "right", "participant", "preferred")
        if missing := [name for name in names if name not in frame]:
            raise RatingsError(f"The table has no column {', '.join(missing)}; it has {', '.join(map(str, frame))}.")
        times = frame["response_ms"].to_numpy(float) if "response_ms" in frame else None
        return cls.from_columns(*(frame[name].astype(str).tolist() for name in names), response_ms=times)

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas table with one row a comparison; `from_frame` reads it."""
        import pandas as pd

        stimuli, people = np.array(self.stimulus_ids, object), np.array(self.participant_ids, object)
        words = {value: word for word, value in ANSWERS.items()}
        return pd.DataFrame(
            {
                "left": stimuli[self.left],
                "right": stimuli[self.right],
                "participant": people[self.participant],
                "preferred": [words[int(value)] for value in self.preferred],
                "response_ms": self.response_ms,
            }
        )

    def __len__(self) -> int:
        return self.left.size

    def where(self, rows: Flags | Indices) -> "Comparisons":
        """Return the chosen rows; the ids stay as they are."""
        columns = ("left", "right", "participant", "preferred", "response_ms")
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})

    @property
    def counts(self) -> Indices:
        """In how many comparisons each stimulus stood (J,)."""
        size = len(self.stimulus_ids)
        return np.bincount(self.left, minlength=size) + np.bincount(self.right, minlength=size)

    @property
    def groups(self) -> Indices:
        """Number (J,) of the group a stimulus belongs to: those that are linked, directly or not, by comparisons."""
        size = len(self.stimulus_ids)
        links = coo_array((np.ones(len(self)), (self.left, self.right)), shape=(size, size))
        groups: Indices = connected_components(links, directed=False)[1].astype(np.int64)
        return groups
