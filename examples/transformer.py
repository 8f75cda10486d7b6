"""One pre-norm transformer block, the counterpart that CSA replaces.

Shapes in the docstrings: N batch, T tokens, D features, h heads.
"""

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn


class TransformerBlock(nn.Module):
    """Softmax attention and a GELU feed-forward part, each behind a LayerNorm, (N, T, D) -> (N, T, D)."""

    def __init__(self, features: int = 64, heads: int = 2, ratio: int = 3) -> None:
        super().__init__()
        self.heads, self.scale = heads, (features // heads) ** -0.5
        self.attention_norm = nn.LayerNorm(features)
        self.qkv = nn.Linear(features, 3 * features)
        self.project = nn.Linear(features, features)
        self.feed_norm = nn.LayerNorm(features)
        self.expand = nn.Linear(features, ratio * features)
        self.contract = nn.Linear(ratio * features, features)

    def attend(self, x: Tensor) -> Tensor:
        """Mix the tokens, (N, T, D) -> (N, T, D)."""
        batch, tokens, features = x.shape
        split = self.qkv(x).reshape(batch, tokens, 3, self.heads, features // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)  # each (N, h, T, D / h)
        weights = torch.softmax(query @ key.transpose(-2, -1) * self.scale, dim=-1)  # (N, h, T, T)
        mixed: Tensor = self.project((weights @ value).transpose(1, 2).reshape(batch, tokens, features))
        return mixed

    def forward(self, x: Tensor) -> Tensor:
        """Attend, then feed forward, each with its residual."""
        x = x + self.attend(self.attention_norm(x))
        fed: Tensor = self.contract(F.gelu(self.expand(self.feed_norm(x))))
        return x + fed
