"""The baseline of the training benchmark: a loop that cuts every window out.

VideoPose3D's own form: one window of `receptive_field` frames for each output frame, through the
strided form of the same network, whose layers compute only what the one output needs.
"""

import math
import time

import torch
from torch import Tensor, nn

from monopose.data.augment import augment
from monopose.data.batches import ClipTensors, cut_chunks
from monopose.losses.terms import total
from monopose.models.outputs import PoseOutputs
from monopose.models.temporal.tcn_single import SingleStride
from monopose.recipes.recipe import Recipe
from monopose.skeleton import joint_set
from monopose.training.loop import start


class Strided(nn.Module):
    """The estimator's own layers, applied with strides in place of dilations to single windows."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.estimator = start(recipe, torch.device("cpu")).estimator
        temporal = self.estimator.temporal
        assert isinstance(temporal, SingleStride)
        dilated = [_convolution(block, "0.0") for block in temporal.blocks]
        for layer in (_convolution(temporal.expand, "0"), *dilated):
            layer.stride, layer.dilation = layer.kernel_size, (1,)

    def forward(self, keypoints: Tensor, score: Tensor) -> PoseOutputs:
        """B windows to B x 1 x J x 3."""
        temporal = self.estimator.temporal
        assert isinstance(temporal, SingleStride)
        hidden = temporal.expand(self.estimator.encoder(keypoints, score).transpose(1, 2))
        for block in temporal.blocks:
            width = math.prod(_convolution(block, "0.0").kernel_size)
            hidden = hidden[..., width // 2 :: width] + block(hidden)
        pose = self.estimator.head(hidden.transpose(1, 2))
        return PoseOutputs(pose_m=pose - pose[..., :1, :])


def _convolution(module: nn.Module, name: str) -> nn.Conv1d:
    layer = module.get_submodule(name)
    assert isinstance(layer, nn.Conv1d)
    return layer


def frames_per_s(recipe: Recipe, tensors: ClipTensors, steps: int) -> float:
    """Output frames a second of training on cut-out windows, as many a step as the recipe's."""
    model = Strided(recipe).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4)
    windows = recipe.budget.chunk_frames * recipe.budget.batch_chunks
    generator = torch.Generator().manual_seed(0)
    context = model.estimator.context
    began = 0.0
    for index in range(steps + 2):
        if index == 2:
            began = time.perf_counter()
        sequence = torch.randint(len(tensors.length), (windows,), generator=generator)
        start_frame = (torch.rand(windows, generator=generator) * tensors.length[sequence]).long()
        chunks = cut_chunks(tensors, torch.stack([sequence, start_frame], dim=1), 1, context)
        batch = augment(chunks, recipe.data, context, generator)
        outputs = model(batch.keypoints, batch.score)
        loss = total(recipe.losses, outputs, batch, joint_set(recipe.data.joint_set))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    return steps * windows / (time.perf_counter() - began)
