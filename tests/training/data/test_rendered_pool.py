"""A pool of rendered examples is a function of its seed and the batch's number."""

import numpy as np

from training.data.rendered_pool import RenderedPool


def pool(made: list[int]) -> RenderedPool[float]:
    """Return a pool of random numbers that notes when it makes one."""

    def render(rng: np.random.Generator) -> float:
        made.append(1)
        return float(rng.random())

    return RenderedPool(render, size=6, renewed=2, batch=4, seed=0)


def test_a_pool_shows_the_newest_and_forgets_the_oldest() -> None:
    made: list[int] = []
    examples = pool(made)
    batches = [examples.draw(draw) for draw in range(20)]
    assert len(made) == 4 + 19 * 2
    for draw in range(1, 20):
        before = {example for batch in batches[:draw] for example in batch}
        assert not set(batches[draw][:2]) & before
        assert set(batches[draw][2:]) <= {
            example for batch in batches[max(0, draw - 3) : draw + 1] for example in batch
        }


def test_a_pool_that_starts_in_the_middle_draws_what_it_would_have_drawn() -> None:
    whole, resumed = pool([]), pool([])
    batches = [whole.draw(draw) for draw in range(9)]
    assert [resumed.draw(draw) for draw in range(5, 9)] == batches[5:]
