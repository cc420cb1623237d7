"""Small studies as hypothesis draws them: the first people of a pilot, who may all agree, or not at all."""

import numpy as np
from hypothesis import strategies as st

from annotate.design.scales import SCALES, Scale
from annotate.statistics.ratings import Ratings


@st.composite
def small_studies(draw: st.DrawFn) -> Ratings:
    """Draw a study of 1 to 8 people and pictures, 0 to 60 % of the grades missing, a few of them "unusable"."""
    scale: Scale = draw(st.sampled_from(list(SCALES.values())))
    people, pictures = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    missing, unusable = draw(st.sampled_from((0.0, 0.3, 0.6))), draw(st.sampled_from((0.0, 0.2)))
    offered = np.array(draw(st.lists(grades(scale), min_size=1, max_size=5)))
    stimulus, participant = np.nonzero(chance.random((pictures, people)) >= missing)
    grade = chance.choice(offered, stimulus.size)
    return Ratings.from_columns(
        stimulus,
        participant,
        np.where(chance.random(stimulus.size) < unusable, np.nan, grade),
        scale=(scale.low, scale.high),
        stimuli=range(pictures),
        response_ms=chance.integers(0, 3000, stimulus.size),
        kind=np.where(chance.random(stimulus.size) < draw(st.sampled_from((0.0, 0.3))), chance.integers(1, 4), 0),
        expected=np.full(stimulus.size, scale.high),
    )


def grades(scale: Scale) -> st.SearchStrategy[float]:
    """Draw a grade of the scale."""
    return st.sampled_from(scale.grades()) if scale.step else st.floats(scale.low, scale.high)
