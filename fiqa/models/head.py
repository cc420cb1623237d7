"""Regional head: every token gives a quality and a confidence; the score is their weighted mean.

A network guided by the outline of the face trusts no token further than the face reaches: the landmark weight is the
most that its confidence can be. Neighbouring tokens may be mixed, so that the maps of both are smooth.

Shapes: B crops, N = G² tokens, D features per token (the last one is the landmark weight).
"""

from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from fiqa.models.config import DslFiqaConfig
from fiqa.models.degradation_encoder import at_least_single

LEAST_WEIGHT = 1e-4
"""Of a token far outside of the face; its logarithm must exist."""
MIXED = 0.25
"""Share of each of two neighbours in the mixture, along rows and along columns."""


class RegionalHead(nn.Module):
    """score = Σ quality · confidence / Σ confidence over the tokens of a crop.

    In single precision whatever the network is computed in: bfloat16 has two digits near 1. The shares of the
    confidences come from their logarithms, so that a crop in which all are next to nothing has a score too.
    """

    def __init__(self, dim: int, config: DslFiqaConfig) -> None:
        super().__init__()
        self.grid, self.smoothing, self.guided = config.grid, config.smoothing, config.landmarks == "outline"
        self.bounded = config.score_activation == "sigmoid"
        self.quality = _branch(dim, config.dropout)
        self.confidence = _branch(dim, config.dropout)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map tokens (B, N, D) to score (B,), quality (B, N) and confidence (B, N)."""
        return self.combine(*self.logits(tokens))

    def logits(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Map tokens (B, N, D) to quality and confidence (B, N) before their activations."""
        rated, trusted = (
            self._mixed(at_least_single(branch(tokens).squeeze(-1))) for branch in (self.quality, self.confidence)
        )
        return rated, bounded_by(at_least_single(tokens[..., -1]), trusted) if self.guided else trusted

    def _mixed(self, values: Tensor) -> Tensor:
        """Mix values (B, N) with those of the neighbouring tokens, `smoothing` times; at the border they repeat."""
        if not self.smoothing:
            return values
        grid = rearrange(values, "b (row column) -> b 1 row column", row=self.grid)
        for _ in range(self.smoothing):
            padded = F.pad(grid, (1, 1, 1, 1), mode="replicate")
            along_rows = MIXED * (padded[..., :-2] + padded[..., 2:]) + (1 - 2 * MIXED) * padded[..., 1:-1]
            grid = (
                MIXED * (along_rows[..., :-2, :] + along_rows[..., 2:, :]) + (1 - 2 * MIXED) * along_rows[..., 1:-1, :]
            )
        return grid.flatten(1)

    def combine(self, rated: Tensor, trusted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map the logits (B, N) of quality and confidence to score (B,), quality (B, N) and confidence (B, N)."""
        quality = rated.sigmoid() if self.bounded else rated.relu()
        share = F.logsigmoid(trusted).softmax(dim=-1)
        return (quality * share).sum(-1), quality, trusted.sigmoid()


def bounded_by(weight: Tensor, trusted: Tensor) -> Tensor:
    """Return the logits of confidences that are `weight` times those of the logits `trusted`, all of one shape."""
    logarithm = F.logsigmoid(trusted) + weight.clamp(LEAST_WEIGHT, 1 - LEAST_WEIGHT).log()
    return logarithm - (-logarithm.exp()).log1p()


def _branch(dim: int, dropout: float) -> nn.Sequential:
    """Return the layers (B, N, D) to (B, N, 1) before the activation."""
    return nn.Sequential(nn.Linear(dim, dim), nn.ReLU(inplace=True), nn.Dropout(dropout), nn.Linear(dim, 1))
