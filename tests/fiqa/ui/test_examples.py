import numpy as np
from skimage.data import astronaut

from fiqa.ui.examples import EXAMPLES, example_buttons, example_photo


def test_the_first_example_is_the_astronaut_as_she_is() -> None:
    np.testing.assert_array_equal(example_photo(0), astronaut())


def test_every_other_example_is_visibly_damaged() -> None:
    for index in range(1, len(EXAMPLES)):
        assert np.abs(example_photo(index).astype(float) - astronaut()).mean() > 2


def test_pictures_come_later_than_the_buttons() -> None:
    assert "<img" not in example_buttons(with_pictures=False)
    assert example_buttons(with_pictures=True).count("<img") == len(EXAMPLES)
    assert example_buttons(with_pictures=False).count("<button") == len(EXAMPLES)
