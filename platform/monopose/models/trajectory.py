"""The trajectory model: where the root is in the camera frame, from 2D keypoints over time."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from monopose.data.batches import Batch
from monopose.models.encoders.keypoints import Keypoints
from monopose.models.estimator import TEMPORALS
from monopose.models.fill import build_fill
from monopose.models.outputs import PoseOutputs
from monopose.recipes.parts import KeypointEncoder
from monopose.recipes.recipe import Recipe
from monopose.skeleton import joint_set

# exp(3) and more metres a unit of focal length are no place for a person; keeps exp finite.
_FARTHEST = 3.0


class RootTrajectory(nn.Module):
    """A temporal model of the recipe's kind with fewer channels, and three numbers a frame.

    It is fed what the estimator is: keypoints filled where the recipe fills.

    Source: the trajectory model of Pavllo et al. 2019. Deviation: it says where the root is on the
    screen and its log depth in units of the focal length, which is all that keypoints tell of
    depth; the batch's intrinsics turn that into metres, for cameras of any focal length.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        assert recipe.trajectory is not None
        joints = len(joint_set(recipe.data.joint_set))
        config = recipe.temporal
        if config.kind != "none":
            config = config.model_copy(update={"channels": recipe.trajectory.channels})
        self.fill = build_fill(recipe)
        self.encoder = Keypoints(KeypointEncoder(inputs="xy_mask"), joints)
        self.temporal = TEMPORALS[config.kind](config, self.encoder.num_features)
        self.head = nn.Linear(self.temporal.num_features, 3)

    def forward(
        self,
        keypoints: Float[Tensor, "B T_in J 2"],
        score: Float[Tensor, "B T_in J"],
        intrinsics: Float[Tensor, "B 4"],
    ) -> Float[Tensor, "B T 3"]:
        """The root of each output frame, camera frame, metres."""
        if self.fill is not None:
            keypoints, score = self.fill(keypoints, score)
        said = self.head(self.temporal(self.encoder(keypoints, score))).float()
        focal, centre = intrinsics[:, None, :2], intrinsics[:, None, 2:]
        depth_m = said[..., 2:].clamp(max=_FARTHEST).exp() * focal[..., :1]
        return torch.cat([(said[..., :2] - centre) / focal * depth_m, depth_m], dim=-1)


def build_trajectory(recipe: Recipe) -> RootTrajectory | None:
    """The recipe's trajectory model, if it has one, with weights drawn from its seed."""
    if recipe.trajectory is None:
        return None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return RootTrajectory(recipe)


def with_root(outputs: PoseOutputs, trajectory: nn.Module | None, batch: Batch) -> PoseOutputs:
    """The outputs with the trajectory's root, where there is a trajectory."""
    if trajectory is None:
        return outputs
    root_m = trajectory(batch.keypoints, batch.score, batch.intrinsics)
    return replace(outputs, root_m=root_m)
