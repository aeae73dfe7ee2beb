"""A network that keeps high resolution while it looks at several, one heatmap per joint.

After Sun et al. 2019, "Deep high-resolution representation learning for human pose estimation":
branches of halving resolution and doubling width run side by side, exchange what they found after
each module, and the finest one is read out. In the `paper` size of recipes/detector.py it has the
layers of their W32.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from monopose.recipes.detector import DetectorRecipe, HighResolution
from monopose.skeleton import joint_set

# A bottleneck's outputs over its inner channels, as in residual networks.
_EXPANSION = 4
# Mean and spread of pixels in general, as shares of white.
_GREY, _SPREAD = 0.45, 0.25
# Outputs start near zero, which is what most pixels of a heatmap are.
_FIRST_OUTPUT = 0.001


class HeatmapNetwork(nn.Module):
    """RGB crops in, one heatmap per joint out, a quarter of the crop's side."""

    def __init__(self, config: HighResolution, num_joints: int) -> None:
        super().__init__()
        stem = config.stem_channels
        self.stem = nn.Sequential(
            _layer(3, stem, 3, stride=2),
            _layer(stem, stem, 3, stride=2),
            Bottleneck(stem, stem),
            *(Bottleneck(stem * _EXPANSION, stem) for _ in range(config.bottlenecks - 1)),
        )
        self.stages = nn.ModuleList()
        inputs = [stem * _EXPANSION]
        for branches, modules in enumerate(config.modules, start=2):
            widths = [config.width * 2**branch for branch in range(branches)]
            last = branches == len(config.modules) + 1
            self.stages.append(_stage(inputs, widths, modules, config.blocks, read_out=last))
            inputs = widths
        self.read_out = nn.Conv2d(config.width, num_joints, 1)
        nn.init.normal_(self.read_out.weight, std=_FIRST_OUTPUT)
        assert self.read_out.bias is not None
        nn.init.zeros_(self.read_out.bias)

    def forward(self, images: UInt8[Tensor, "N 3 size size"]) -> Float[Tensor, "N J h h"]:
        """Heatmaps of crops, whose pixels are 0..255."""
        pixels = images.to(self.read_out.weight.dtype) / 255
        found = [self.stem((pixels - _GREY) / _SPREAD)]
        for stage in self.stages:
            found = stage(found)
        return self.read_out(found[0])


def build_detector(recipe: DetectorRecipe) -> HeatmapNetwork:
    """The recipe's network with weights drawn from its seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return HeatmapNetwork(recipe.network, len(joint_set(recipe.joint_set)))


class Split(nn.Module):
    """One branch more than there was: the coarsest gives birth to one of half its resolution.

    Branches whose width changes, which is only the very first, pass a convolution.
    """

    def __init__(self, inputs: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        self.kept = nn.ModuleList(
            nn.Identity() if before == after else _layer(before, after, 3)
            for before, after in zip(inputs, widths, strict=False)
        )
        self.born = _layer(inputs[-1], widths[-1], 3, stride=2)

    def forward(self, found: list[Tensor]) -> list[Tensor]:
        """Branches, finest first."""
        kept = [layer(branch) for layer, branch in zip(self.kept, found, strict=True)]
        return [*kept, self.born(found[-1])]


class Exchange(nn.Module):
    """Residual blocks on every branch, then each branch becomes the sum of what all found.

    outputs: how many branches, finest first, are wanted afterwards.
    """

    def __init__(self, widths: Sequence[int], blocks: int, outputs: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(Residual(width) for _ in range(blocks))) for width in widths
        )
        self.paths = nn.ModuleList(
            nn.ModuleList(_path(widths, source, target) for source in range(len(widths)))
            for target in range(outputs)
        )

    def forward(self, found: list[Tensor]) -> list[Tensor]:
        """Branches, finest first."""
        found = [branch(values) for branch, values in zip(self.branches, found, strict=True)]
        mixed = []
        for paths in self.paths:
            assert isinstance(paths, nn.ModuleList)
            arrived = [path(values) for path, values in zip(paths, found, strict=True)]
            mixed.append(torch.relu(torch.stack(arrived).sum(dim=0)))
        return mixed


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(_layer(width, width, 3), _layer(width, width, 3, last=True))

    def forward(self, values: Float[Tensor, "N C h w"]) -> Float[Tensor, "N C h w"]:
        """The same shape."""
        return torch.relu(values + self.layers(values))


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolutions beside the identity, or a 1 x 1 where widths differ."""

    def __init__(self, inputs: int, inner: int) -> None:
        super().__init__()
        outputs = inner * _EXPANSION
        self.layers = nn.Sequential(
            _layer(inputs, inner, 1), _layer(inner, inner, 3), _layer(inner, outputs, 1, last=True)
        )
        same = inputs == outputs
        self.beside = nn.Identity() if same else _layer(inputs, outputs, 1, last=True)

    def forward(self, values: Float[Tensor, "N C h w"]) -> Float[Tensor, "N D h w"]:
        """The same size, `inner` times four channels."""
        return torch.relu(self.beside(values) + self.layers(values))


def _stage(
    inputs: Sequence[int], widths: Sequence[int], modules: int, blocks: int, *, read_out: bool
) -> nn.Sequential:
    """A new branch, then modules that exchange; the last of the last stage feeds the finest."""
    outputs = [len(widths)] * (modules - 1) + [1 if read_out else len(widths)]
    return nn.Sequential(
        Split(inputs, widths), *(Exchange(widths, blocks, count) for count in outputs)
    )


def _path(widths: Sequence[int], source: int, target: int) -> nn.Module:
    """From one branch's resolution and width to another's."""
    if source == target:
        return nn.Identity()
    if source > target:
        return nn.Sequential(
            _layer(widths[source], widths[target], 1, last=True),
            nn.Upsample(scale_factor=2 ** (source - target), mode="nearest"),
        )
    steps = [_layer(widths[source], widths[source], 3, stride=2) for _ in range(source + 1, target)]
    return nn.Sequential(*steps, _layer(widths[source], widths[target], 3, stride=2, last=True))


def _layer(
    inputs: int, outputs: int, kernel: int, *, stride: int = 1, last: bool = False
) -> nn.Sequential:
    """A convolution with batch norm, and a rectifier unless a sum follows."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
    norm = nn.BatchNorm2d(outputs)
    return nn.Sequential(convolution, norm) if last else nn.Sequential(convolution, norm, nn.ReLU())
