"""Supervised losses: plain functions of (outputs, batch), one value a sample.

Each returns (values, applies): B values and a B mask of the samples the term speaks of.
Axes: B samples, T output frames, J joints.
"""

import torch

from monopose.data.batches import Batch
from monopose.losses.masked import PerSample, bone_indices, joint_weights, masked_mean, norm
from monopose.models.outputs import PoseOutputs
from monopose.skeleton import JointSet


def mpjpe(outputs: PoseOutputs, batch: Batch, _joints: JointSet) -> PerSample:
    """Mean Euclidean joint distance, metres (Pavllo et al. 2019; occlusion_tcn L_3D)."""
    distance = norm(outputs.pose_m - batch.pose_m)
    return masked_mean(distance, joint_weights(batch)), batch.has_3d


def mse(outputs: PoseOutputs, batch: Batch, _joints: JointSet) -> PerSample:
    """Mean squared joint distance, square metres (pose_machine L_T; explicit_2d Eq. 1)."""
    squared = (outputs.pose_m - batch.pose_m).square().sum(dim=-1)
    return masked_mean(squared, joint_weights(batch)), batch.has_3d


def velocity(outputs: PoseOutputs, batch: Batch, _joints: JointSet) -> PerSample:
    """Mean distance of frame-to-frame joint displacements, metres a frame (MPJVE as a loss)."""
    difference = (outputs.pose_m - batch.pose_m).diff(dim=1)
    weights = joint_weights(batch)
    return masked_mean(norm(difference), weights[:, 1:] * weights[:, :-1]), batch.has_3d


def bone_vector(outputs: PoseOutputs, batch: Batch, joints: JointSet) -> PerSample:
    """Mean distance of bone vectors, joint minus parent, metres (explicit_2d L_bone,3D).

    Deviation: distances, not squares, to keep one scale with mpjpe.
    """
    child, parent = bone_indices(joints.bones, outputs.pose_m.device)
    error = outputs.pose_m - batch.pose_m
    weights = joint_weights(batch)
    bones = norm(error[:, :, child] - error[:, :, parent])
    return masked_mean(bones, weights[:, :, child] * weights[:, :, parent]), batch.has_3d


def symmetry(outputs: PoseOutputs, batch: Batch, joints: JointSet) -> PerSample:
    """Mean difference between left and right bone lengths, metres; needs no labels."""
    child, parent = bone_indices(joints.bones, outputs.pose_m.device)
    length = norm(outputs.pose_m[:, :, child] - outputs.pose_m[:, :, parent])
    bones = [joint for joint, _ in joints.bones]
    pairs = [
        (i, bones.index(joints.mirror[joint]))
        for i, joint in enumerate(bones)
        if joints.joints[joint].startswith("left_")
    ]
    left, right = torch.tensor(pairs, device=length.device).unbind(1)
    difference = (length[:, :, left] - length[:, :, right]).abs()
    weights = batch.valid.unsqueeze(-1).expand_as(difference).to(difference.dtype)
    return masked_mean(difference, weights), torch.ones_like(batch.has_3d)
