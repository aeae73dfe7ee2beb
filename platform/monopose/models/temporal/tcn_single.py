"""Single-stride temporal convolutions (Pavllo et al. 2019, "VideoPose3D").

The dilated form: a chunk of T outputs shares the work of its overlapping windows, so training on
chunks costs a fraction of cutting every window out, and inference over a sequence is one pass.
"""

import math

from jaxtyping import Float
from torch import Tensor, nn

from monopose.models.dropout import ByteDropout
from monopose.recipes.parts import SingleStrideTcn


class SingleStride(nn.Module):
    """Expanding convolution, then residual blocks of a dilated and a pointwise convolution.

    All convolutions are valid: `receptive_field - 1` input frames are consumed at the edges.
    """

    def __init__(self, config: SingleStrideTcn, num_features: int) -> None:
        super().__init__()
        self.num_features = config.channels
        self.receptive_field = math.prod(config.filter_widths)
        first, *rest = config.filter_widths
        self.expand = _convolution(num_features, config.channels, first, 1, config.dropout)
        dilations = [math.prod(config.filter_widths[: i + 1]) for i in range(len(rest))]
        self.blocks = nn.ModuleList(
            nn.Sequential(
                _convolution(config.channels, config.channels, width, dilation, config.dropout),
                _convolution(config.channels, config.channels, 1, 1, config.dropout),
            )
            for width, dilation in zip(rest, dilations, strict=True)
        )
        self.margins = tuple(
            dilation * (width - 1) // 2 for width, dilation in zip(rest, dilations, strict=True)
        )

    def forward(self, features: Float[Tensor, "B T_in F"]) -> Float[Tensor, "B T C"]:
        """Features of T = T_in - receptive_field + 1 frames."""
        hidden = self.expand(features.transpose(1, 2))
        for block, margin in zip(self.blocks, self.margins, strict=True):
            hidden = hidden[..., margin : hidden.shape[-1] - margin] + block(hidden)
        return hidden.transpose(1, 2)


def _convolution(
    inputs: int, outputs: int, width: int, dilation: int, dropout: float
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(inputs, outputs, width, dilation=dilation, bias=False),
        nn.BatchNorm1d(outputs),
        nn.ReLU(inplace=True),
        ByteDropout(dropout),
    )
