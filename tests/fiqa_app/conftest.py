"""The fake predictor of the tabs' tests serves here too."""

from tests.fiqa.ui.conftest import service

__all__ = ["service"]
