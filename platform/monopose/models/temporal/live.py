"""Causal temporal models one frame at a time.

Every convolution keeps the inputs that its taps reach back to in a ring, so a frame costs each
layer once, however far the model sees. Before the first frame there is that frame repeated, as
whole sequences are padded; a layer's input is then constant too, so each ring starts filled with
its own first value.
"""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from monopose.data.context import Context
from monopose.errors import InputError
from monopose.models.temporal.dilated import Dilated
from monopose.models.temporal.identity import Identity
from monopose.models.temporal.tcn_multi import MultiStride


@runtime_checkable
class LiveTemporal(Protocol):
    """A temporal part that is fed frame by frame and holds what it has to remember."""

    def push(self, frame: Float[Tensor, "B F"]) -> Float[Tensor, "B C"]:
        """The features of the newest frame."""
        ...

    def reset(self) -> None:
        """Forgets all frames."""
        ...


def live(temporal: nn.Module) -> LiveTemporal:
    """The live form of a trained temporal part, with its weights as they are now.

    Raises InputError when the part sees frames ahead of its output.
    """
    if isinstance(temporal, Identity):
        return LiveIdentity()
    if not isinstance(temporal, Dilated | MultiStride):
        raise InputError(f"{type(temporal).__name__} has no live form")
    check_sees_no_newer(temporal.context)
    return LiveDilated(temporal) if isinstance(temporal, Dilated) else LiveMultiStride(temporal)


def check_sees_no_newer(context: Context) -> None:
    """Raises InputError when frames after the one that is lifted are seen."""
    if context.after > 0:
        raise InputError(
            f"the model waits for {context.after} frames after the one it lifts",
            fix="train it with temporal.causal=true for live use",
        )


class LiveIdentity:
    """No temporal model: nothing to remember."""

    def push(self, frame: Float[Tensor, "B F"]) -> Float[Tensor, "B F"]:
        """The features themselves."""
        return frame

    def reset(self) -> None:
        """There is nothing to forget."""


class LiveConvolution:
    """A convolution with its batch norm folded in, the rectifier, and a ring of past inputs."""

    def __init__(self, layer: nn.Module) -> None:
        assert isinstance(layer, nn.Sequential)
        convolution, norm = layer[0], layer[1]
        assert isinstance(convolution, nn.Conv1d)
        assert isinstance(norm, nn.BatchNorm1d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
        weight = convolution.weight.detach() * scale[:, None, None]
        self.weight = weight.permute(2, 1, 0).flatten(0, 1).contiguous()
        self.bias = norm.bias.detach() - norm.running_mean * scale
        self.dilation, self.width = convolution.dilation[0], convolution.kernel_size[0]
        self.span = self.dilation * (self.width - 1) + 1
        self.ring: Tensor | None = None
        self.oldest = 0

    def push(self, frame: Float[Tensor, "B F"]) -> Float[Tensor, "B C"]:
        """The output at the newest frame."""
        taps = frame if self.width == 1 else self._taps(frame)
        return torch.addmm(self.bias, taps, self.weight).relu_()

    def _taps(self, frame: Float[Tensor, "B F"]) -> Float[Tensor, "B taps"]:
        if self.ring is None:
            self.ring = frame.repeat(self.span, 1, 1)
        self.ring[self.oldest] = frame
        self.oldest = (self.oldest + 1) % self.span
        rows = [(self.oldest + tap * self.dilation) % self.span for tap in range(self.width)]
        return torch.cat([self.ring[row] for row in rows], dim=1)

    def reset(self) -> None:
        """Forgets all frames."""
        self.ring, self.oldest = None, 0


class LiveDilated:
    """`Dilated` fed frame by frame."""

    def __init__(self, part: Dilated) -> None:
        self.expand = LiveConvolution(part.expand)
        self.blocks = [
            (LiveConvolution(block.get_submodule("0")), LiveConvolution(block.get_submodule("1")))
            for block in part.blocks
        ]

    def push(self, frame: Float[Tensor, "B F"]) -> Float[Tensor, "B C"]:
        """The features of the newest frame."""
        hidden = self.expand.push(frame)
        for dilated, pointwise in self.blocks:
            hidden = hidden + pointwise.push(dilated.push(hidden))
        return hidden

    def reset(self) -> None:
        """Forgets all frames."""
        self.expand.reset()
        for dilated, _ in self.blocks:
            dilated.reset()


class LiveMultiStride:
    """`MultiStride` fed frame by frame: every branch ends at the newest frame."""

    def __init__(self, part: MultiStride) -> None:
        self.branches = [
            LiveDilated(branch) for branch in part.branches if isinstance(branch, Dilated)
        ]
        self.fuse = LiveConvolution(part.fuse)

    def push(self, frame: Float[Tensor, "B F"]) -> Float[Tensor, "B C"]:
        """The features of the newest frame."""
        return self.fuse.push(torch.cat([branch.push(frame) for branch in self.branches], dim=1))

    def reset(self) -> None:
        """Forgets all frames."""
        for branch in self.branches:
            branch.reset()
