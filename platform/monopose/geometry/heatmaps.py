"""Heatmaps of joints: Gaussians drawn at keypoints, in torch, for image targets and as an input.

Coordinates are normalised: the map, or the crop it covers, spans -1..1 from outer edge to outer
edge on both axes, x right, y down, so pixel i of n has its centre at (2 i + 1) / n - 1.
"""

import torch
from jaxtyping import Float
from torch import Tensor

# Below it a sum of squares is that of a map without a peak.
_NOTHING = 1e-12


def render(
    keypoints: Float[Tensor, "*batch J 2"],
    score: Float[Tensor, "*batch J"],
    size: int,
    sigma_px: float,
) -> Float[Tensor, "*batch J size size"]:
    """One Gaussian a joint, of amplitude `score` at the exact position; zero for a score of 0.

    keypoints: normalised. sigma_px: in pixels of the map. A joint outside the map leaves its tail
    in it. The amplitude is reached between pixels, so a map's largest value is a little lower.
    """
    centre = (keypoints + 1) * (size / 2) - 0.5
    pixels = torch.arange(size, dtype=keypoints.dtype, device=keypoints.device)
    along = torch.exp(-0.5 * ((pixels - centre.unsqueeze(-1)) / sigma_px) ** 2)
    return (along[..., 1, :] * score.unsqueeze(-1)).unsqueeze(-1) * along[..., 0, None, :]


def peaks(heatmaps: Float[Tensor, "*batch h w"]) -> Float[Tensor, "*batch 2"]:
    """Normalised position of each map's largest pixel, to the pixel's centre."""
    height, width = heatmaps.shape[-2:]
    index = heatmaps.flatten(-2).argmax(dim=-1)
    column, row = index % width, torch.div(index, width, rounding_mode="floor")
    return torch.stack([(2 * column + 1) / width - 1, (2 * row + 1) / height - 1], dim=-1)


def soft_peaks(
    heatmaps: Float[Tensor, "*batch h w"], radius_px: float
) -> tuple[Float[Tensor, "*batch 2"], Float[Tensor, "*batch"]]:
    """Normalised position of each map's peak, finer than its pixels, and its largest value.

    The mean position of the pixels within radius_px of the largest one, along both axes, weighted
    by the squares of their positive values: what is far from the peak has no say, and of a
    Gaussian the squares are narrower, so a radius of three sigma cuts nothing off. A map without a
    positive value has its peak in the middle.
    """
    height, width = heatmaps.shape[-2:]
    value, index = heatmaps.flatten(-2).max(dim=-1)
    across = torch.arange(width, dtype=heatmaps.dtype, device=heatmaps.device)
    down = torch.arange(height, dtype=heatmaps.dtype, device=heatmaps.device)
    near_x = (across - (index % width).unsqueeze(-1)).abs() <= radius_px
    row = torch.div(index, width, rounding_mode="floor")
    near_y = (down - row.unsqueeze(-1)).abs() <= radius_px
    weights = heatmaps.clamp(min=0).square()
    along_x = torch.einsum("...yx,...y->...x", weights, near_y.to(weights.dtype)) * near_x
    along_y = torch.einsum("...yx,...x->...y", weights, near_x.to(weights.dtype)) * near_y
    total = along_x.sum(dim=-1)
    sums = torch.stack(
        [along_x @ ((2 * across + 1) / width - 1), along_y @ ((2 * down + 1) / height - 1)], dim=-1
    )
    return sums / total.clamp(min=_NOTHING).unsqueeze(-1), value


def decode(
    heatmaps: Float[Tensor, "*batch J h w"],
    to_image_px: Float[Tensor, "*batch 2 3"],
    sigma_px: float,
) -> tuple[Float[Tensor, "*batch J 2"], Float[Tensor, "*batch J"]]:
    """Keypoints in pixels of the full image, and their scores: the maps' values there, 0..1.

    to_image_px: the affine map from the crop's normalised coordinates. sigma_px: of the Gaussians
    that the maps stand for, in their own pixels.
    """
    place, value = soft_peaks(heatmaps, 3 * sigma_px)
    linear, centre = to_image_px[..., :2], to_image_px[..., 2]
    return place @ linear.mT + centre.unsqueeze(-2), value.clamp(0, 1)
