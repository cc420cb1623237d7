"""The regional head."""

import pytest
import torch

from fiqa.models import LITE
from fiqa.models.head import RegionalHead


def head_with_confidence(logit: float) -> RegionalHead:
    """Return a head that gives every token nearly the same confidence."""
    torch.manual_seed(0)
    head = RegionalHead(5, LITE).eval()
    torch.nn.init.constant_(head.confidence[3].bias, logit)  # type: ignore[arg-type]
    return head


@pytest.mark.parametrize("logit", [-300.0, -50.0, 0.0, 300.0])
def test_the_score_lies_among_the_qualities_and_has_gradients_however_small_the_confidences(logit: float) -> None:
    head = head_with_confidence(logit)
    score, quality, _ = head(torch.randn(3, 16, 5))
    assert ((quality.amin(1) <= score) & (score <= quality.amax(1))).all()
    score.sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in head.parameters() if parameter.grad is not None)


def test_the_score_is_the_mean_of_the_qualities_weighted_by_the_confidences() -> None:
    score, quality, confidence = head_with_confidence(0.0)(torch.randn(3, 16, 5))
    torch.testing.assert_close(score, (quality * confidence).sum(1) / confidence.sum(1))


def test_scores_keep_their_digits_in_mixed_precision() -> None:
    head, tokens = head_with_confidence(0.0), torch.randn(64, 16, 5)
    with torch.autocast("cpu", torch.bfloat16):
        score, quality, confidence = head(tokens)
    assert {score.dtype, quality.dtype, confidence.dtype} == {torch.float32}
    assert len(score.unique()) > 60  # bfloat16 has 128 numbers from 0.5 to 1, and these lie close together
