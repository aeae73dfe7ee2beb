"""Losses on 2D-only video: the pose must project to what was detected (occlusion_tcn 3.2).

Plain functions like the supervised ones; screen-normalised units, in which the image is 2 wide.
Detections count as they were before keypoints were hidden from the estimator.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from monopose.data.batches import Batch
from monopose.losses.masked import PerSample, bone_indices, joint_weights, masked_mean, norm
from monopose.models.outputs import PoseOutputs
from monopose.skeleton import JointSet

# A keypoint less sure than this is no target (assumed, as all thresholds of the paper).
_VISIBLE = 0.3
# Nearest that a predicted joint is projected from, metres.
_NEAREST_M = 0.5


def orthographic(outputs: PoseOutputs, batch: Batch, _joints: JointSet) -> PerSample:
    """L1 distance after scaled orthographic projection; speaks of samples without labels.

    The scale is the least-squares one of the whole chunk, from visible joints about their mean.
    Deviation: the shift is each frame's own, since poses are relative to a root that moves.
    """
    weights = _visible(batch)
    pose, target = (
        _centred(values, weights) for values in (outputs.pose_m[..., :2], batch.target_keypoints)
    )
    weighted = weights.unsqueeze(-1)
    inner = (weighted * pose * target).sum(dim=(1, 2, 3), keepdim=True)
    scale = inner / (weighted * pose.square()).sum(dim=(1, 2, 3), keepdim=True).clamp(min=1e-8)
    distance = (scale * pose - target).abs().sum(dim=-1)
    return masked_mean(distance, weights), ~batch.has_3d


def perspective(outputs: PoseOutputs, batch: Batch, _joints: JointSet) -> PerSample:
    """L1 distance after full projection from the predicted root; samples without labels.

    Source: Pavllo et al. 2019. Deviation: L1 in place of Euclidean distance, as the other form.
    """
    joints_m = outputs.pose_m + _root(outputs).unsqueeze(2)
    depth_m = joints_m[..., 2:].clamp(min=_NEAREST_M)
    focal, centre = batch.intrinsics[:, None, None, :2], batch.intrinsics[:, None, None, 2:]
    projected = joints_m[..., :2] / depth_m * focal + centre
    distance = (projected - batch.target_keypoints).abs().sum(dim=-1)
    return masked_mean(distance, _visible(batch)), ~batch.has_3d


def trajectory(outputs: PoseOutputs, batch: Batch, _joints: JointSet) -> PerSample:
    """Distance of the predicted root over its true depth; labelled samples (Pavllo et al. 2019)."""
    distance = norm(_root(outputs) - batch.root_m)
    relative = distance / batch.root_m[..., 2].clamp(min=_NEAREST_M)
    return masked_mean(relative, batch.valid.to(distance.dtype)), batch.has_3d


def bone_constancy(outputs: PoseOutputs, batch: Batch, joints: JointSet) -> PerSample:
    """Mean absolute deviation of bone lengths from their mean over the chunk, metres; no labels."""
    child, parent = bone_indices(joints.bones, outputs.pose_m.device)
    length = norm(outputs.pose_m[:, :, child] - outputs.pose_m[:, :, parent])
    weights = batch.valid.unsqueeze(-1).expand_as(length).to(length.dtype)
    count = weights.sum(dim=1, keepdim=True).clamp(min=1)
    mean = (length * weights).sum(dim=1, keepdim=True) / count
    return masked_mean((length - mean).abs(), weights), torch.ones_like(batch.has_3d)


def _root(outputs: PoseOutputs) -> Float[Tensor, "B T 3"]:
    assert outputs.root_m is not None, "the recipe has no trajectory"
    return outputs.root_m


def _visible(batch: Batch) -> Float[Tensor, "B T J"]:
    return joint_weights(batch) * (batch.target_score > _VISIBLE)


def _centred(
    values: Float[Tensor, "B T J 2"], weights: Float[Tensor, "B T J"]
) -> Float[Tensor, "B T J 2"]:
    weighted = weights.unsqueeze(-1)
    mean = (values * weighted).sum(dim=2) / weighted.sum(dim=2).clamp(min=1)
    return values - mean.unsqueeze(2)
