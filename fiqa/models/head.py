"""Regional head: every token gives a quality and a confidence; the score is their weighted mean.

Shapes: B crops, N tokens, D features per token (the last one is the landmark weight).
"""

from torch import Tensor, nn

from fiqa.models.config import DslFiqaConfig


class RegionalHead(nn.Module):
    """score = Σ quality · confidence / Σ confidence over the tokens of a crop."""

    def __init__(self, dim: int, config: DslFiqaConfig) -> None:
        super().__init__()
        bounded = config.score_activation == "sigmoid"
        self.quality = _branch(dim, nn.Sigmoid() if bounded else nn.ReLU(), config.dropout)
        self.confidence = _branch(dim, nn.Sigmoid(), config.dropout)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map tokens (B, N, D) to score (B,), quality (B, N) and confidence (B, N)."""
        quality = self.quality(tokens).squeeze(-1)
        confidence = self.confidence(tokens).squeeze(-1)
        score = (quality * confidence).sum(-1) / confidence.sum(-1)
        return score, quality, confidence


def _branch(dim: int, activation: nn.Module, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(dim, dim), nn.ReLU(inplace=True), nn.Dropout(dropout), nn.Linear(dim, 1), activation)
