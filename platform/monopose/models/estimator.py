"""The estimator: (fill ->) encoder -> temporal -> head, built from a recipe."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from monopose.data.context import Context
from monopose.data.maps import Maps
from monopose.models.encoders.heatmaps import HeatmapEmbedding, HeatmapPeaks
from monopose.models.encoders.keypoints import Keypoints
from monopose.models.encoders.mlp import ResidualMlp
from monopose.models.fill import build_fill
from monopose.models.heads.linear import Linear
from monopose.models.outputs import PoseOutputs
from monopose.models.temporal.identity import Identity
from monopose.models.temporal.tcn_multi import MultiStride
from monopose.models.temporal.tcn_single import SingleStride
from monopose.recipes.recipe import Recipe
from monopose.skeleton import joint_set

ENCODERS: dict[str, Any] = {
    "keypoints": Keypoints,
    "mlp": ResidualMlp,
    "heatmaps": HeatmapEmbedding,
    "heatmap_peak": HeatmapPeaks,
}
TEMPORALS: dict[str, Any] = {"none": Identity, "tcn_single": SingleStride, "tcn_multi": MultiStride}
HEADS: dict[str, Any] = {"linear": Linear}


class Estimator(nn.Module):
    """Lifts 2D keypoints over time to root-relative 3D joints in the camera frame.

    Given T + context.before + context.after input frames it returns T output frames, the first of
    which is input frame `context.before`. The root joint comes out at the origin: what the network
    says of it is subtracted, so no capacity is spent on a known zero.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        joints = joint_set(recipe.data.joint_set)
        self.root = joints.root
        self.encoder = ENCODERS[recipe.encoder.kind](recipe.encoder, len(joints))
        self.temporal = TEMPORALS[recipe.temporal.kind](recipe.temporal, self.encoder.num_features)
        self.head = HEADS[recipe.head.kind](recipe.head, self.temporal.num_features, len(joints))
        self.fill = build_fill(recipe)
        self.context: Context = self.temporal.context
        if self.fill is not None:
            self.context = self.context + self.fill.context

    @property
    def receptive_field(self) -> int:
        """How many input frames one output frame sees."""
        return self.context.frames

    def forward(
        self,
        keypoints: Float[Tensor, "B T_in J 2"],
        score: Float[Tensor, "B T_in J"],
        maps: Maps | None = None,
    ) -> PoseOutputs:
        """Poses of T = T_in - receptive_field + 1 frames from screen-normalised keypoints.

        maps: of the same frames, for an encoder that reads a detector's own.
        """
        if self.fill is not None:
            keypoints, score = self.fill(keypoints, score)
        features = self.temporal(self.encoder(keypoints, score, maps))
        pose = self.head(features).float()
        return PoseOutputs(pose_m=pose - pose[..., self.root : self.root + 1, :])


def build(recipe: Recipe) -> Estimator:
    """The recipe's estimator with weights drawn from its seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return Estimator(recipe)


def num_parameters(estimator: nn.Module) -> int:
    """How many weights training moves."""
    return sum(p.numel() for p in estimator.parameters() if p.requires_grad)


def context_of(recipe: Recipe) -> Context:
    """Which input frames one output frame of the recipe's estimator sees."""
    with torch.device("meta"):
        return Estimator(recipe).context
