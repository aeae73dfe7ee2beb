"""Linear pose head."""

from jaxtyping import Float
from torch import Tensor, nn

from monopose.recipes.parts import LinearHead


class Linear(nn.Module):
    """One linear map from a frame's features to its joints, metres."""

    def __init__(self, _config: LinearHead, num_features: int, num_joints: int) -> None:
        super().__init__()
        self.num_joints = num_joints
        self.joints = nn.Linear(num_features, num_joints * 3)

    def forward(self, features: Float[Tensor, "B T F"]) -> Float[Tensor, "B T J 3"]:
        """Joint positions of each frame."""
        return self.joints(features).unflatten(-1, (self.num_joints, 3))
