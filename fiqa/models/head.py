"""Regional head: every token gives a quality and a confidence; the score is their weighted mean.

Shapes: B crops, N tokens, D features per token (the last one is the landmark weight).
"""

from torch import Tensor, nn
from torch.nn import functional as F

from fiqa.models.config import DslFiqaConfig


class RegionalHead(nn.Module):
    """score = Σ quality · confidence / Σ confidence over the tokens of a crop.

    In single precision whatever the network is computed in: bfloat16 has two digits near 1. The shares of the
    confidences come from their logarithms, so that a crop in which all are next to nothing has a score too.
    """

    def __init__(self, dim: int, config: DslFiqaConfig) -> None:
        super().__init__()
        self.bounded = config.score_activation == "sigmoid"
        self.quality = _branch(dim, config.dropout)
        self.confidence = _branch(dim, config.dropout)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map tokens (B, N, D) to score (B,), quality (B, N) and confidence (B, N)."""
        return self.combine(*self.logits(tokens))

    def logits(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Map tokens (B, N, D) to quality and confidence (B, N) before their activations."""
        return self.quality(tokens).squeeze(-1).float(), self.confidence(tokens).squeeze(-1).float()

    def combine(self, rated: Tensor, trusted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map the logits (B, N) of quality and confidence to score (B,), quality (B, N) and confidence (B, N)."""
        quality = rated.sigmoid() if self.bounded else rated.relu()
        share = F.logsigmoid(trusted).softmax(dim=-1)
        return (quality * share).sum(-1), quality, trusted.sigmoid()


def _branch(dim: int, dropout: float) -> nn.Sequential:
    """Return the layers (B, N, D) to (B, N, 1) before the activation."""
    return nn.Sequential(nn.Linear(dim, dim), nn.ReLU(inplace=True), nn.Dropout(dropout), nn.Linear(dim, 1))
