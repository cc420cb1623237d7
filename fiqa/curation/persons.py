"""Who is on the photos of a folder, told by the faces themselves; needs the extra `identity`.

Faces are grouped by the distances of their embeddings, by average linkage: two groups are one person's for as long as
their faces are on average as near as those of one person. Names are numbers, since nobody is known.
"""

from collections.abc import Sequence

import numpy as np

from fiqa.curation.photo_facts import PhotoFacts
from fiqa.errors import SettingError
from fiqa.faces.identity import SAME_PERSON_DISTANCE, missing_identity

MOST_FACES = 10_000
"""Faces that are grouped at a time: the distances of all pairs are held, 400 MB for so many."""


def check_by_face(*, by_table: bool) -> None:
    """Refuse to tell persons by their faces where a table tells them, or what that needs is missing.

    Raises SettingError.
    """
    if by_table:
        raise SettingError("Persons are told by a table or by their faces: choose one.")
    if (missing := missing_identity()) is not None:
        raise SettingError(f"Persons cannot be told by their faces: {missing}; pip install 'fiqa[identity]'.")


def group_by_face(photos: Sequence[PhotoFacts]) -> dict[str, str]:
    """Return the person on each photo that has an embedding, by the photo's name: "person 1" has the most photos.

    Raises SettingError for more than `MOST_FACES`.
    """
    known = [(facts.name, facts.embedding) for facts in photos if facts.embedding is not None]
    if len(known) > MOST_FACES:
        raise SettingError(f"{len(known)} faces are too many to be told apart, {MOST_FACES} at most: curate by folder.")
    if len(known) < 2:
        return {name: "person 1" for name, _ in known}
    from scipy.cluster.hierarchy import fcluster, linkage

    tree = linkage(np.array([embedding for _, embedding in known]), method="average")
    labels = fcluster(tree, SAME_PERSON_DISTANCE, criterion="distance")
    order = np.argsort(-np.bincount(labels), kind="stable")
    numbers = {int(label): number for number, label in enumerate(order, start=1)}
    return {name: f"person {numbers[int(label)]}" for (name, _), label in zip(known, labels, strict=True)}
