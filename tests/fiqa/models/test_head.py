"""The regional head."""

from dataclasses import replace

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


def test_guided_by_the_outline_no_token_is_trusted_further_than_the_face_reaches() -> None:
    torch.manual_seed(0)
    head = RegionalHead(5, replace(LITE, smoothing=0)).eval()
    tokens = torch.randn(3, 64, 5)
    tokens[..., -1] = torch.rand(3, 64)
    tokens[:, 40:, -1] = 0.0
    _, _, confidence = head(tokens)
    assert (confidence <= tokens[..., -1].clamp_min(1e-4)).all()
    assert (confidence[:, 40:] < 1e-3).all()


def test_smoothing_makes_neighbours_alike_and_keeps_what_is_equal_everywhere() -> None:
    torch.manual_seed(0)
    rough, smooth = (RegionalHead(5, replace(LITE, smoothing=passes)).eval() for passes in (0, 2))
    smooth.load_state_dict(rough.state_dict())
    tokens = torch.randn(2, 64, 5)

    def steps(head: RegionalHead) -> float:
        return head.logits(tokens)[0].view(2, 8, 8).diff(dim=2).abs().mean().item()

    assert steps(smooth) < 0.4 * steps(rough)
    same = tokens[:, :1].expand(2, 64, 5)
    torch.testing.assert_close(smooth.logits(same)[0], rough.logits(same)[0])
