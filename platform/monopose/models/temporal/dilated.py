"""The body of temporal convolutions: an expanding convolution, then dilated residual blocks.

The dilated form: a chunk of T outputs shares the work of its overlapping windows, so training on
chunks costs a fraction of cutting every window out, and inference over a sequence is one pass.
"""

import math

from jaxtyping import Float
from torch import Tensor, nn

from monopose.data.context import Context
from monopose.models.dropout import ByteDropout


class Dilated(nn.Module):
    """Expanding convolution, then residual blocks of a dilated and a pointwise convolution.

    All convolutions are valid: the context's frames are consumed at the edges. Every tap is
    `stride` frames from the next: the network of filter widths 3 x 3 sees 9 frames, `stride` apart.
    causal: output frames are the newest of what they see, not the middle. The weights are the same
    either way; what differs is which frame a residual block passes on.
    """

    def __init__(
        self,
        num_features: int,
        channels: int,
        filter_widths: tuple[int, ...],
        *,
        stride: int,
        dropout: float,
        causal: bool,
    ) -> None:
        super().__init__()
        first, *rest = filter_widths
        self.context = Context.of((math.prod(filter_widths) - 1) * stride + 1, causal=causal)
        self.expand = convolution(num_features, channels, first, stride, dropout)
        dilations = [stride * math.prod(filter_widths[: i + 1]) for i in range(len(rest))]
        self.blocks = nn.ModuleList(
            nn.Sequential(
                convolution(channels, channels, width, dilation, dropout),
                convolution(channels, channels, 1, 1, dropout),
            )
            for width, dilation in zip(rest, dilations, strict=True)
        )
        self.margins = tuple(
            Context.of(dilation * (width - 1) + 1, causal=causal)
            for width, dilation in zip(rest, dilations, strict=True)
        )

    def forward(self, features: Float[Tensor, "B F T_in"]) -> Float[Tensor, "B C T"]:
        """Features of T = T_in - context.before - context.after frames, channels first."""
        hidden = self.expand(features)
        for block, margin in zip(self.blocks, self.margins, strict=True):
            passed_on = hidden[..., margin.before : hidden.shape[-1] - margin.after]
            hidden = passed_on + block(hidden)
        return hidden


def convolution(
    inputs: int, outputs: int, width: int, dilation: int, dropout: float
) -> nn.Sequential:
    """A valid convolution over frames with batch norm, rectifier and dropout."""
    return nn.Sequential(
        nn.Conv1d(inputs, outputs, width, dilation=dilation, bias=False),
        nn.BatchNorm1d(outputs),
        nn.ReLU(inplace=True),
        ByteDropout(dropout),
    )
