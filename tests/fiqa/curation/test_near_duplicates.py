import numpy as np
import pytest
from skimage.data import astronaut, chelsea, coffee

from fiqa.curation.near_duplicates import MOST_BITS, ROWS, group_near_duplicates
from fiqa.curation.photo_facts import perceptual_hash
from fiqa.degradation.synthetic import degrade


def test_versions_of_a_picture_are_near_duplicates_and_other_pictures_are_not() -> None:
    portrait = astronaut()
    brighter = np.clip(portrait * 1.2, 0, 255).astype(np.uint8)
    versions = [portrait, portrait[::2, ::2], degrade(portrait, [("jpeg", 0.6)]), brighter, chelsea(), coffee()]
    assert group_near_duplicates([perceptual_hash(each) for each in versions]) == [[0, 1, 2, 3]]


def test_a_mirror_image_is_another_picture() -> None:
    pictures = [astronaut(), astronaut()[:, ::-1]]
    assert group_near_duplicates([perceptual_hash(each) for each in pictures]) == []


@pytest.mark.parametrize("count", [0, 1, ROWS + 3])
def test_groups_are_what_comparing_each_with_each_finds(count: int) -> None:
    rng = np.random.default_rng(0)
    hashes = [rng.bytes(32).hex() for _ in range(count)]
    if count > 1:
        changed = int(hashes[0], 16) ^ ((1 << MOST_BITS) - 1)
        hashes[-1] = f"{changed:064x}"
        hashes[-2] = f"{changed ^ (1 << 255):064x}"  # like the last, and one bit too far from the first
        assert group_near_duplicates(hashes) == [[0, count - 2, count - 1]]
    else:
        assert group_near_duplicates(hashes) == []
