"""The few bootstrap samples of the training's tests serve here too, everywhere."""

import pytest

from tests.training.conftest import few_bootstraps

__all__ = ["few_bootstraps"]


@pytest.fixture(autouse=True)
def _few_bootstraps(few_bootstraps: None) -> None:
    """No test here looks at an interval."""
