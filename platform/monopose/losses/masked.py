"""Means over the joints and frames that count, which all losses share."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from monopose.data.batches import Batch

PerSample = tuple[Float[Tensor, " B"], Bool[Tensor, " B"]]
"""one value a sample, and the samples the term speaks of"""


def norm(vectors: Float[Tensor, "*batch C"]) -> Float[Tensor, "*batch"]:
    """Euclidean length, with a gradient at zero, where the root joint always is."""
    return (vectors.square().sum(dim=-1) + 1e-12).sqrt()


def joint_weights(batch: Batch) -> Float[Tensor, "B T J"]:
    """1 for joints of the source in frames that exist."""
    return (batch.valid.unsqueeze(-1) & batch.joint_mask.unsqueeze(1)).to(batch.pose_m.dtype)


def masked_mean(
    values: Float[Tensor, "B T *K"], weights: Float[Tensor, "B T *K"]
) -> Float[Tensor, " B"]:
    """Each sample's mean over what counts; zero where nothing does."""
    axes = tuple(range(1, values.ndim))
    return (values * weights).sum(dim=axes) / weights.sum(dim=axes).clamp(min=1)


def bone_indices(bones: tuple[tuple[int, int], ...], device: torch.device) -> tuple[Tensor, Tensor]:
    """(child, parent) joints of every bone."""
    child, parent = torch.tensor(bones, device=device).unbind(1)
    return child, parent
