"""Supervised losses: plain functions of (outputs, batch), one value a sample.

Each returns (values, applies): B values and a B mask of the samples the term speaks of.
Axes: B samples, T output frames, J joints.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from monopose.data.batches import Batch
from monopose.models.outputs import PoseOutputs
from monopose.recipes.parts import LossTerm
from monopose.skeleton import JointSet

PerSample = tuple[Float[Tensor, " B"], Bool[Tensor, " B"]]
Loss = Callable[[PoseOutputs, Batch, JointSet], PerSample]


def mpjpe(outputs: PoseOutputs, batch: Batch, _joints: JointSet) -> PerSample:
    """Mean Euclidean joint distance, metres (Pavllo et al. 2019; occlusion_tcn L_3D)."""
    distance = _norm(outputs.pose_m - batch.pose_m)
    return _masked_mean(distance, _weights(batch)), batch.has_3d


def mse(outputs: PoseOutputs, batch: Batch, _joints: JointSet) -> PerSample:
    """Mean squared joint distance, square metres (pose_machine L_T; explicit_2d Eq. 1)."""
    squared = (outputs.pose_m - batch.pose_m).square().sum(dim=-1)
    return _masked_mean(squared, _weights(batch)), batch.has_3d


def velocity(outputs: PoseOutputs, batch: Batch, _joints: JointSet) -> PerSample:
    """Mean distance of frame-to-frame joint displacements, metres a frame (MPJVE as a loss)."""
    difference = (outputs.pose_m - batch.pose_m).diff(dim=1)
    weights = _weights(batch)
    return _masked_mean(_norm(difference), weights[:, 1:] * weights[:, :-1]), batch.has_3d


def bone_vector(outputs: PoseOutputs, batch: Batch, joints: JointSet) -> PerSample:
    """Mean distance of bone vectors, joint minus parent, metres (explicit_2d L_bone,3D).

    Deviation: distances, not squares, to keep one scale with mpjpe.
    """
    child, parent = _bone_indices(joints, outputs.pose_m.device)
    error = outputs.pose_m - batch.pose_m
    weights = _weights(batch)
    bones = _norm(error[:, :, child] - error[:, :, parent])
    return _masked_mean(bones, weights[:, :, child] * weights[:, :, parent]), batch.has_3d


def symmetry(outputs: PoseOutputs, batch: Batch, joints: JointSet) -> PerSample:
    """Mean difference between left and right bone lengths, metres; needs no labels."""
    child, parent = _bone_indices(joints, outputs.pose_m.device)
    length = _norm(outputs.pose_m[:, :, child] - outputs.pose_m[:, :, parent])
    bones = [joint for joint, _ in joints.bones]
    pairs = [
        (i, bones.index(joints.mirror[joint]))
        for i, joint in enumerate(bones)
        if joints.joints[joint].startswith("left_")
    ]
    left, right = torch.tensor(pairs, device=length.device).unbind(1)
    difference = (length[:, :, left] - length[:, :, right]).abs()
    weights = batch.valid.unsqueeze(-1).expand_as(difference).to(difference.dtype)
    return _masked_mean(difference, weights), torch.ones_like(batch.has_3d)


TERMS: dict[str, Loss] = {
    "mpjpe": mpjpe,
    "mse": mse,
    "velocity": velocity,
    "bone_vector": bone_vector,
    "symmetry": symmetry,
}


def total(
    terms: tuple[LossTerm, ...], outputs: PoseOutputs, batch: Batch, joints: JointSet
) -> Float[Tensor, ""]:
    """Weighted sum of the terms, each averaged over the samples it applies to."""
    value = outputs.pose_m.new_zeros(())
    for term in terms:
        values, applies = TERMS[term.term](outputs, batch, joints)
        weight = applies.to(values.dtype)
        value = value + term.weight * (values * weight).sum() / weight.sum().clamp(min=1)
    return value


def _norm(vectors: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch"]:
    # The square root has no gradient at zero, where the root joint always is.
    return (vectors.square().sum(dim=-1) + 1e-12).sqrt()


def _weights(batch: Batch) -> Float[Tensor, "B T J"]:
    return (batch.valid.unsqueeze(-1) & batch.joint_mask.unsqueeze(1)).to(batch.pose_m.dtype)


def _masked_mean(
    values: Float[Tensor, "B T K"], weights: Float[Tensor, "B T K"]
) -> Float[Tensor, " B"]:
    return (values * weights).sum(dim=(1, 2)) / weights.sum(dim=(1, 2)).clamp(min=1)


def _bone_indices(joints: JointSet, device: torch.device) -> tuple[Tensor, Tensor]:
    child, parent = torch.tensor(joints.bones, device=device).unbind(1)
    return child, parent
