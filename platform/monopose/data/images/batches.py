"""Image batches: crops with keypoints, heatmaps and 3D targets that have moved with them.

Axes: B samples, T frames, J joints. A batch is made in two steps: `prepare` works on the host,
in whichever thread, and `finish` on the training device.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64, UInt8
from torch import Tensor

from monopose.data.images import appearance, warps
from monopose.data.images.views import (
    Views,
    in_crop,
    plain_views,
    poses_in_crop,
    random_views,
    swap_sides,
)
from monopose.data.images.windows import ImageWindow, stacked
from monopose.geometry import heatmaps
from monopose.recipes.images import ImageInputs
from monopose.skeleton import JointSet


@dataclass(frozen=True)
class ImageBatch:
    """What a training step on images sees.

    images: RGB, 0..255. keypoints: normalised crop coordinates (-1..1 from edge to edge); they
    and their score (0 where missing) are given outside the crop too. pose_m: root-relative in
    the frame of the crop's virtual camera. to_camera: rotation from that frame to the camera's,
    X_camera = R X_crop, or to the mirrored camera's for a mirrored sample. to_image_px: the affine
    map from crop coordinates to pixels of the full image. heatmaps: None when not asked for.
    """

    images: UInt8[Tensor, "B T 3 size size"]
    keypoints: Float[Tensor, "B T J 2"]
    score: Float[Tensor, "B T J"]
    heatmaps: Float[Tensor, "B T J h h"] | None
    pose_m: Float[Tensor, "B T J 3"]
    to_camera: Float[Tensor, "B T 3 3"]
    to_image_px: Float[Tensor, "B T 2 3"]
    mirrored: Bool[Tensor, " B"]
    joint_mask: Bool[Tensor, "B J"]
    has_3d: Bool[Tensor, " B"]


@dataclass(frozen=True)
class PreparedBatch:
    """What the host makes of windows; pixels are crops already, or frames with maps for a GPU."""

    pixels: UInt8[np.ndarray, "N H W 3"]
    maps: Float32[np.ndarray, "N 2 3"] | None
    colour: Float32[np.ndarray, "N 3 4"] | None
    patches: Float32[np.ndarray, "B P 4"] | None
    replaced: list[int]
    labels: dict[str, np.ndarray]
    rng: np.random.Generator


def prepare(
    windows: Sequence[ImageWindow],
    inputs: ImageInputs,
    joints: JointSet,
    rng: np.random.Generator,
    *,
    on_device: bool = False,
) -> PreparedBatch:
    """Draws all changes, moves the labels, and decodes the frames.

    on_device: leave the warp and the colours to the device. Raises InputError naming the clip of a
    frame that cannot be decoded.
    """
    change, box_px = inputs.augmentation, stacked(windows, "box_px")
    views = plain_views(box_px) if change is None else random_views(box_px, change, rng)
    labels = _labels(windows, views, joints)
    colour, laid, replaced = None, None, []
    if change is not None:
        colour = appearance.colour_maps(len(windows), change.colour, rng).repeat(inputs.frames, 0)
        laid = appearance.patches(len(windows), change, rng)
        replaced = _replaced(labels["score"], change.background_share, rng)
        hidden = appearance.below(labels["keypoints"], laid)
        labels["score"] = labels["score"] * np.where(hidden, change.occluded_score, 1.0)
    payload = [frame for window in windows for frame in window.payload]
    names = [window.name for window in windows for _ in window.payload]
    to_stored = _to_stored(stacked(windows, "stored_px"), labels["to_image_px"])
    if on_device:
        pixels, maps = warps.decoded_frames(payload, to_stored, inputs.size_px, names)
        return PreparedBatch(pixels, maps, colour, laid, replaced, labels, rng)
    pixels = warps.decoded_crops(payload, to_stored, colour, inputs.size_px, names)
    return PreparedBatch(pixels, None, colour, laid, replaced, labels, rng)


def finish(
    prepared: PreparedBatch, inputs: ImageInputs, joints: JointSet, device: torch.device
) -> ImageBatch:
    """The batch on the device, with the changes that the device makes."""
    labels = {name: _tensor(values, device) for name, values in prepared.labels.items()}
    images = _images(prepared, inputs, device)
    keypoints, score = labels["keypoints"], labels["score"]
    appearance.replace_surroundings(
        images, keypoints, score, prepared.replaced, joints, prepared.rng
    )
    if prepared.patches is not None:
        appearance.lay_patches(images, prepared.patches, prepared.rng)
    drawn = None
    if inputs.heatmap_px is not None:
        drawn = heatmaps.render(keypoints, score, inputs.heatmap_px, inputs.sigma_px)
    return ImageBatch(images=images, heatmaps=drawn, **labels)


def _images(
    prepared: PreparedBatch, inputs: ImageInputs, device: torch.device
) -> UInt8[Tensor, "B T 3 size size"]:
    pixels = torch.from_numpy(prepared.pixels).to(device, non_blocking=True)
    if prepared.maps is None:
        crops = pixels.permute(0, 3, 1, 2)
    else:
        colour = None if prepared.colour is None else _tensor(prepared.colour, device)
        crops = warps.warped(pixels, _tensor(prepared.maps, device), colour, inputs.size_px)
    return crops.unflatten(0, (-1, inputs.frames))


def _labels(
    windows: Sequence[ImageWindow], views: Views, joints: JointSet
) -> dict[str, np.ndarray]:
    mirrored, order = views.mirrored, joints.mirror
    to_image_px = views.to_image_px()
    to_camera = views.to_camera(stacked(windows, "intrinsics"), stacked(windows, "lens"))
    keypoints = in_crop(stacked(windows, "keypoints_px"), to_image_px)
    pose_m = poses_in_crop(stacked(windows, "pose_m"), to_camera, mirrored)
    score = swap_sides(stacked(windows, "score"), mirrored, order, axis=2)
    # A missing keypoint has no place.
    keypoints = swap_sides(keypoints, mirrored, order, axis=2) * (score > 0)[..., None]
    return {
        "keypoints": keypoints,
        "score": score,
        "pose_m": swap_sides(pose_m, mirrored, order, axis=2),
        "to_camera": to_camera,
        "to_image_px": to_image_px,
        "mirrored": mirrored,
        "joint_mask": swap_sides(stacked(windows, "joint_mask"), mirrored, order, axis=1),
        "has_3d": stacked(windows, "has_3d"),
    }


def _replaced(
    score: Float[np.ndarray, "B T J"], share: float, rng: np.random.Generator
) -> list[int]:
    drawn = rng.random(len(score)) < share
    return [int(index) for index in np.flatnonzero(drawn & appearance.surroundings_known(score))]


def _to_stored(
    stored_px: Float[np.ndarray, "B T 4"], to_image_px: Float64[np.ndarray, "B T 2 3"]
) -> Float64[np.ndarray, "N 2 3"]:
    """From crop coordinates to shares of the stored image's width and height."""
    moved = to_image_px.copy()
    moved[..., 2] -= stored_px[..., :2]
    return (moved / stored_px[..., 2:, None]).reshape(-1, 2, 3)


def _tensor(values: np.ndarray, device: torch.device) -> Tensor:
    if values.dtype == np.float64:
        values = values.astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(values)).to(device, non_blocking=True)
