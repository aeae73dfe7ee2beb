"""Dropout whose mask costs one random byte an element.

On a CPU torch draws one random number an element, serially: a quarter of a TCN's training step.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class ByteDropout(nn.Module):
    """Zeroes each element with probability `rate`, rounded to 1/256, and scales up the rest."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.dropped = min(round(rate * 256), 255)

    def forward(self, values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """The values themselves outside training."""
        if not self.training or self.dropped == 0:
            return values
        if values.is_cuda:
            return nn.functional.dropout(values, self.dropped / 256)
        words = torch.empty((values.numel() + 7) // 8, dtype=torch.int64)
        octets = words.random_(-(2**63), None).view(torch.uint8)[: values.numel()]
        kept = (octets >= self.dropped).to(values.dtype).mul_(256 / (256 - self.dropped))
        return values * kept.view(values.shape)
