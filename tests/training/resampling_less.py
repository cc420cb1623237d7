"""Figures with intervals of few bootstrap samples, for tests that look at no interval; here and in forked runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from training.report import agreement

FEW = 20


@contextmanager
def resampling_less() -> Iterator[None]:
    """Draw 20 bootstrap samples, whatever is asked for."""
    resampled = agreement._resampled
    with mock.patch.object(agreement, "_resampled", lambda clusters, _asked_for: resampled(clusters, FEW)):
        yield
