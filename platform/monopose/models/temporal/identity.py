"""No temporal model: each frame on its own."""

from jaxtyping import Float
from torch import Tensor, nn

from monopose.data.context import Context
from monopose.recipes.parts import NoTemporal


class Identity(nn.Module):
    """Passes the frame features on; it sees no other frame."""

    context = Context(before=0, after=0)

    def __init__(self, _config: NoTemporal, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Float[Tensor, "B T F"]) -> Float[Tensor, "B T F"]:
        """The features themselves."""
        return features
