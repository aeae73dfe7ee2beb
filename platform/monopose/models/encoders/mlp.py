"""Residual MLP per frame (Martinez et al. 2017, "A simple yet effective baseline")."""

from jaxtyping import Float
from torch import Tensor, nn

from monopose.data.maps import Maps
from monopose.models.encoders.keypoints import Keypoints
from monopose.recipes.parts import KeypointEncoder, MlpEncoder


class ResidualMlp(nn.Module):
    """Keypoints -> linear -> residual blocks of two linear layers each, with batch norm.

    Deviation: no max-norm constraint on the weights.
    """

    def __init__(self, config: MlpEncoder, num_joints: int) -> None:
        super().__init__()
        self.keypoints = Keypoints(KeypointEncoder(inputs=config.inputs), num_joints)
        self.num_features = config.width
        self.expand = _layer(self.keypoints.num_features, config.width, config.dropout)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                _layer(config.width, config.width, config.dropout),
                _layer(config.width, config.width, config.dropout),
            )
            for _ in range(config.blocks)
        )

    def forward(
        self,
        keypoints: Float[Tensor, "B T J 2"],
        score: Float[Tensor, "B T J"],
        maps: Maps | None = None,  # noqa: ARG002 - the interface of all encoders
    ) -> Float[Tensor, "B T F"]:
        """Features of each frame."""
        features = self.keypoints(keypoints, score)
        hidden = self.expand(features.flatten(0, 1))
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return hidden.unflatten(0, features.shape[:2])


def _layer(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, outputs, bias=False),
        nn.BatchNorm1d(outputs),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
    )
