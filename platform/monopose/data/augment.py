"""Augmentation of chunks on the training device: virtual cameras, mirroring and occlusion.

Axes: B chunks, T frames, J joints. Every operation is vectorised over the batch.
"""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from monopose.data.batches import Batch, Chunks
from monopose.data.context import Context
from monopose.data.occlusion import occlude, severity_at
from monopose.recipes.parts import DataMix, VirtualCameras
from monopose.skeleton import JointSet, joint_set

# Share of the half field of view by which a virtual camera looks past the person.
_OFF_CENTRE = 0.5
# A person at least this far in front of a virtual camera, metres: below, perspective explodes.
_NEAREST_M = 1.0


def augment(
    chunks: Chunks,
    mix: DataMix,
    context: Context,
    generator: torch.Generator,
    progress: float = 1.0,
) -> Batch:
    """A training batch: some chunks seen by a random camera, half mirrored, some occluded.

    progress: how much of the budget is used, 0..1; occlusion grows with it.
    """
    if mix.virtual_cameras is not None and mix.virtual_cameras.share > 0:
        chunks = from_virtual_cameras(chunks, mix.virtual_cameras, generator)
    batch = to_batch(chunks, context, joint_set(mix.joint_set).root)
    if mix.flip:
        mirrored = torch.rand(len(batch.has_3d), generator=generator) < 0.5
        batch = mirror(batch, joint_set(mix.joint_set), mirrored.to(batch.keypoints.device))
    if mix.occlusion is not None and mix.occlusion.share > 0:
        severity = severity_at(progress, mix.occlusion.ramp_share)
        batch = occlude(batch, mix.occlusion, joint_set(mix.joint_set), generator, severity)
    return batch


def to_batch(chunks: Chunks, context: Context, root: int) -> Batch:
    """Chunks as they are: poses cut to the output frames and made relative to the root."""
    outputs = slice(context.before, context.before + chunks.valid.shape[1])
    pose_m = chunks.context_pose_m[:, outputs]
    return Batch(
        keypoints=chunks.keypoints,
        score=chunks.score,
        target_keypoints=chunks.keypoints[:, outputs],
        target_score=chunks.score[:, outputs],
        pose_m=pose_m - pose_m[:, :, root : root + 1],
        root_m=pose_m[:, :, root],
        intrinsics=chunks.intrinsics,
        valid=chunks.valid,
        joint_mask=chunks.joint_mask,
        has_3d=chunks.has_3d,
        maps=chunks.maps,
    )


def mirror(batch: Batch, joints: JointSet, mirrored: Bool[Tensor, " B"]) -> Batch:
    """Mirrors the marked samples left to right, swapping the names of left and right joints."""
    order = torch.tensor(joints.mirror, device=batch.keypoints.device)
    marked, chosen = mirrored[:, None, None], mirrored[:, None, None, None]
    to_left = batch.keypoints.new_tensor([-1.0, 1.0, 1.0])
    # The mirrored camera's centre lies on the other side.
    turned = batch.intrinsics * batch.intrinsics.new_tensor([1.0, 1.0, -1.0, 1.0])

    def swapped(values: Tensor) -> Tensor:
        other = values[:, :, order] * to_left[: values.shape[-1]]
        return torch.where(chosen, other, values)

    def renamed(score: Tensor) -> Tensor:
        return torch.where(marked, score[:, :, order], score)

    return replace(
        batch,
        keypoints=swapped(batch.keypoints),
        score=renamed(batch.score),
        target_keypoints=swapped(batch.target_keypoints),
        target_score=renamed(batch.target_score),
        pose_m=swapped(batch.pose_m),
        root_m=torch.where(marked, batch.root_m * to_left, batch.root_m),
        intrinsics=torch.where(mirrored[:, None], turned, batch.intrinsics),
        joint_mask=torch.where(mirrored[:, None], batch.joint_mask[:, order], batch.joint_mask),
        maps=None if batch.maps is None else batch.maps.mirrored(order, mirrored),
    )


def from_virtual_cameras(
    chunks: Chunks, cameras: VirtualCameras, generator: torch.Generator
) -> Chunks:
    """Replaces the view of a random share of the labelled chunks by that of a random camera.

    The 2D error of the chunk's own detections (detection minus true projection) is carried over,
    scaled with the person's size in the image, so virtual views are as noisy as real ones, with
    the same correlation in time and over joints. Missing keypoints stay missing.
    """
    device = chunks.keypoints.device
    draws = _draw(len(chunks.has_3d), cameras, generator).to(device)
    chosen = (draws[:, 0] < cameras.share) & chunks.has_3d
    pose_m, intrinsics, rotation = _view(chunks, draws)
    projected, depth = _project(pose_m, intrinsics, chunks.joint_mask)
    own, own_depth = _project(chunks.context_pose_m, chunks.intrinsics, chunks.joint_mask)
    size = (intrinsics[:, :1] / depth) / (chunks.intrinsics[:, :1] / own_depth)
    noise = (chunks.keypoints - own) * (size * cameras.noise)[:, :, None, None]
    keypoints = (projected + noise) * (chunks.score > 0).unsqueeze(-1)
    keep = chosen[:, None, None, None]
    return replace(
        chunks,
        keypoints=torch.where(keep, keypoints, chunks.keypoints),
        context_pose_m=torch.where(keep, pose_m, chunks.context_pose_m),
        rotation=torch.where(keep[..., 0], rotation, chunks.rotation),
        intrinsics=torch.where(chosen[:, None], intrinsics, chunks.intrinsics),
    )


def _draw(count: int, cameras: VirtualCameras, generator: torch.Generator) -> Float[Tensor, "B 8"]:
    """Uniform: share, azimuth, elevation, distance, focal, look-past x and y; normal: roll."""
    uniform = torch.rand(count, 7, generator=generator)
    low_high = torch.tensor(
        [
            (0.0, 1.0),
            (0.0, 2 * torch.pi),
            tuple(torch.pi / 180 * e for e in cameras.elevation_deg),
            cameras.distance_m,
            tuple(2 * f for f in cameras.focal_to_width),
            (-_OFF_CENTRE, _OFF_CENTRE),
            (-_OFF_CENTRE, _OFF_CENTRE),
        ]
    )
    scaled = low_high[:, 0] + uniform * (low_high[:, 1] - low_high[:, 0])
    roll = torch.randn(count, 1, generator=generator) * (cameras.roll_deg * torch.pi / 180)
    return torch.cat([scaled, roll], dim=1)


def _view(
    chunks: Chunks, draws: Float[Tensor, "B 8"]
) -> tuple[Float[Tensor, "B T_in J 3"], Float[Tensor, "B 4"], Float[Tensor, "B 3 3"]]:
    """Poses in the virtual cameras' frames, their intrinsics and rotations from the world."""
    _, azimuth, elevation, distance_m, focal, past_x, past_y, roll = draws.unbind(1)
    world_m = torch.einsum("btjc,bcw->btjw", chunks.context_pose_m, chunks.rotation)
    middle_m = _mean_joint(world_m, chunks.joint_mask).mean(dim=1)[:, None, None]
    rotation = _turn(past_x / focal, past_y / focal, roll) @ _look_at(azimuth, elevation)
    offset = torch.stack([past_x / focal, past_y / focal, torch.ones_like(focal)], dim=1)
    centred = torch.einsum("btjw,bcw->btjc", world_m - middle_m, rotation)
    pose_m = centred + (_unit(offset) * distance_m[:, None])[:, None, None]
    zero = torch.zeros_like(focal)
    return pose_m, torch.stack([focal, focal, zero, zero], dim=1), rotation


def _look_at(
    azimuth: Float[Tensor, " B"], elevation: Float[Tensor, " B"]
) -> Float[Tensor, "B 3 3"]:
    """World (Z up) to a level camera that looks at the origin from that direction."""
    sin_a, cos_a, zero = azimuth.sin(), azimuth.cos(), torch.zeros_like(azimuth)
    sin_e, cos_e = elevation.sin(), elevation.cos()
    right = torch.stack([-sin_a, cos_a, zero], dim=1)
    down = torch.stack([cos_a * sin_e, sin_a * sin_e, -cos_e], dim=1)
    forward = torch.stack([-cos_a * cos_e, -sin_a * cos_e, -sin_e], dim=1)
    return torch.stack([right, down, forward], dim=1)


def _turn(
    x: Float[Tensor, " B"], y: Float[Tensor, " B"], roll: Float[Tensor, " B"]
) -> Float[Tensor, "B 3 3"]:
    """Rolls the camera, then turns it so that what was on its axis appears at ray (x, y, 1)."""
    axis_z = _unit(torch.stack([x, y, torch.ones_like(x)], dim=1))
    across = torch.stack([roll.cos(), roll.sin(), torch.zeros_like(roll)], dim=1)
    axis_x = _unit(across - (across * axis_z).sum(dim=1, keepdim=True) * axis_z)
    axis_y = torch.linalg.cross(axis_z, axis_x)
    return torch.stack([axis_x, axis_y, axis_z], dim=2)


def _unit(vector: Float[Tensor, "B 3"]) -> Float[Tensor, "B 3"]:
    return vector / vector.norm(dim=1, keepdim=True)


def _project(
    pose_m: Float[Tensor, "B T_in J 3"],
    intrinsics: Float[Tensor, "B 4"],
    joint_mask: Bool[Tensor, "B J"],
) -> tuple[Float[Tensor, "B T_in J 2"], Float[Tensor, "B T_in"]]:
    """Screen-normalised projections, and the mean depth of each frame's joints in metres."""
    depth = pose_m[..., 2:].clamp(min=_NEAREST_M)
    focal, centre = intrinsics[:, None, None, :2], intrinsics[:, None, None, 2:]
    return pose_m[..., :2] / depth * focal + centre, _mean_joint(depth, joint_mask).squeeze(-1)


def _mean_joint(
    values: Float[Tensor, "B T_in J C"], joint_mask: Bool[Tensor, "B J"]
) -> Float[Tensor, "B T_in C"]:
    # Joints that the source lacks lie at the origin, far from the person.
    weights = joint_mask[:, None, :, None].to(values.dtype)
    return (values * weights).sum(dim=2) / weights.sum(dim=2).clamp(min=1)
