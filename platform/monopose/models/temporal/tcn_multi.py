"""Multi-stride temporal convolutions (Cheng et al. 2020, "3D human pose estimation using
spatio-temporal networks with explicit occlusion training").
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from monopose.data.context import Context
from monopose.models.temporal.dilated import Dilated, convolution
from monopose.recipes.parts import MultiStrideTcn


class MultiStride(nn.Module):
    """Branches that see the same number of frames at different strides, concatenated and fused.

    Branch s is a stack over the sub-sequence z[t + s * k]; in dense form its dilations are s times
    those of stride 1, so neighbouring outputs share their work. Known from the paper: several
    temporal strides, e.g. 1, 2, 4, 8, concatenated. Ours: the same filter widths in every branch,
    bodies after VideoPose3D, and the fusion, one pointwise layer before the head's.
    """

    def __init__(self, config: MultiStrideTcn, num_features: int) -> None:
        super().__init__()
        self.num_features = config.channels
        self.branches = nn.ModuleList(
            Dilated(
                num_features,
                config.channels,
                config.filter_widths,
                stride=stride,
                dropout=config.dropout,
                causal=config.causal,
            )
            for stride in config.strides
        )
        self.contexts = tuple(
            Context.of((math.prod(config.filter_widths) - 1) * stride + 1, causal=config.causal)
            for stride in config.strides
        )
        self.context = max(self.contexts, key=lambda context: context.frames)
        self.fuse = convolution(
            len(config.strides) * config.channels, config.channels, 1, 1, config.dropout
        )

    def forward(self, features: Float[Tensor, "B T_in F"]) -> Float[Tensor, "B T C"]:
        """Features of T = T_in - context.before - context.after frames."""
        inputs = features.transpose(1, 2)
        seen = [
            branch(_cropped(inputs, self.context, own))
            for branch, own in zip(self.branches, self.contexts, strict=True)
        ]
        return self.fuse(torch.cat(seen, dim=1)).transpose(1, 2)


def _cropped(
    inputs: Float[Tensor, "B F T_in"], whole: Context, own: Context
) -> Float[Tensor, "B F T_own"]:
    """The frames that a branch of a shorter span needs for the same output frames."""
    last = inputs.shape[-1] - whole.after + own.after
    return inputs[..., whole.before - own.before : last]
