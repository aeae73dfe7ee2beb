"""Single-stride temporal convolutions (Pavllo et al. 2019, "VideoPose3D")."""

from jaxtyping import Float
from torch import Tensor

from monopose.models.temporal.dilated import Dilated
from monopose.recipes.parts import SingleStrideTcn


class SingleStride(Dilated):
    """Dilated convolutions over all frames of the field."""

    def __init__(self, config: SingleStrideTcn, num_features: int) -> None:
        super().__init__(
            num_features,
            config.channels,
            config.filter_widths,
            stride=1,
            dropout=config.dropout,
            causal=config.causal,
        )
        self.num_features = config.channels

    def forward(self, features: Float[Tensor, "B T_in F"]) -> Float[Tensor, "B T C"]:
        """Features of T = T_in - context.before - context.after frames."""
        return super().forward(features.transpose(1, 2)).transpose(1, 2)
