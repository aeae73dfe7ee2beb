"""What heatmaps are compared by."""

from jaxtyping import Float
from torch import Tensor


def heatmap_mse(
    predicted: Float[Tensor, "*batch J h w"],
    target: Float[Tensor, "*batch J h w"],
    score: Float[Tensor, "*batch J"],
) -> Float[Tensor, ""]:
    """Mean squared error of the maps, joints weighted by their score; 0 where none has one.

    A joint without a label (score 0) says nothing about where it is, so its map is free. After Sun
    et al. 2019; weights between 0 and 1 for labels that are less sure are ours.
    """
    errors = (predicted.float() - target).square().mean(dim=(-2, -1))
    return (errors * score).sum() / score.sum().clamp(min=1e-6)
