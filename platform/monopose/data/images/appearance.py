"""Changes of pixels that move nothing: colour, patches laid over, surroundings made noise.

Numbers are drawn on the host by a seeded generator; pixels change on the images' device.
Axes: B samples, T frames, J joints, P patches. Crop coordinates are normalised (views.py).
"""

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt8
from torch import Tensor
from torch.nn import functional

from monopose.recipes.images import ImageAugmentation
from monopose.skeleton import JointSet

# ITU-R BT.601, by which JPEG tells brightness from colour.
_LUMA = np.array([0.299, 0.587, 0.114])
# Half the width of a limb and its surroundings, relative to the person's extent in the crop.
_LIMB = 0.11
_MASK_PX = 32
# Surroundings are replaced only where at least this share of the joints tells where a person is.
_SEEN_SHARE = 0.8


def colour_maps(
    count: int, amount: float, rng: np.random.Generator
) -> Float32[np.ndarray, "count 3 4"]:
    """Random affine maps of RGB (0..255): saturation, then contrast about mid-grey, gains, offset.

    amount: each changes by up to this share, the offset by up to this share of mid-grey.
    """
    draws = rng.uniform(-amount, amount, (6, count, 1))
    saturation, contrast = (1 + draw[..., None] for draw in draws[:2])
    gains = 1 + 0.5 * np.moveaxis(draws[2:5, :, 0], 0, 1)
    mixed = saturation * np.eye(3) + (1 - saturation) * _LUMA
    linear = gains[..., None] * contrast * mixed
    offset = gains * 127.5 * (1 - contrast[:, 0]) + 127.5 * draws[5]
    return np.concatenate([linear, offset[..., None]], axis=-1).astype(np.float32)


def patches(
    count: int, change: ImageAugmentation, rng: np.random.Generator
) -> Float32[np.ndarray, "count P 4"]:
    """Random rectangles (left, top, right, bottom) in crop coordinates; unused ones are empty."""
    shape = (count, change.occlusion_patches)
    half = rng.uniform(*change.occlusion_size, (*shape, 2))
    centre = rng.uniform(-1, 1, (*shape, 2))
    used = np.arange(shape[1]) < rng.integers(1, shape[1] + 1, count)[:, None]
    used &= (rng.random(count) < change.occlusion_share)[:, None]
    corners = np.concatenate([centre - half, centre + half], axis=-1)
    return np.where(used[..., None], corners, 2.0).astype(np.float32)


def below(
    keypoints: Float[np.ndarray, "B T J 2"], laid: Float[np.ndarray, "B P 4"]
) -> Bool[np.ndarray, "B T J"]:
    """Keypoints that lie below a patch."""
    points = keypoints[:, :, :, None]
    inside = (points >= laid[:, None, None, :, :2]) & (points < laid[:, None, None, :, 2:])
    return np.asarray(inside.all(axis=-1).any(axis=-1))


def lay_patches(
    images: UInt8[Tensor, "B T 3 size size"],
    laid: Float[np.ndarray, "B P 4"],
    rng: np.random.Generator,
) -> None:
    """Fills the rectangles, each with one random colour, in all frames of a sample, in place."""
    size = images.shape[-1]
    corners = np.clip(np.round((laid + 1) * (size / 2)), 0, size).astype(int)
    for sample, patch in np.argwhere((corners[..., 2:] > corners[..., :2]).all(axis=-1)).tolist():
        left, top, right, bottom = corners[sample, patch].tolist()
        colour = torch.from_numpy(rng.integers(0, 256, 3, dtype=np.uint8))[:, None, None]
        images[sample, :, :, top:bottom, left:right] = colour.to(images.device)


def surroundings_known(score: Float[np.ndarray, "B T J"]) -> Bool[np.ndarray, " B"]:
    """Samples whose keypoints tell well enough where the person is, in every frame."""
    return np.asarray(((score > 0).mean(axis=-1) >= _SEEN_SHARE).all(axis=-1))


def replace_surroundings(
    images: UInt8[Tensor, "B T 3 size size"],
    keypoints: Float[Tensor, "B T J 2"],
    score: Float[Tensor, "B T J"],
    chosen: list[int],
    joints: JointSet,
    rng: np.random.Generator,
) -> None:
    """Blends what is far from every limb of the chosen samples with noise, in place.

    Without a mask of the person the keypoints are the only witness of where they are: what lies
    within a limb's width of a bone stays. Other images of the batch would look more like real
    surroundings, but hold people of their own, whom no label names.
    """
    if not chosen:
        return
    frames = images.shape[1]
    noise = _noise(len(chosen), rng).to(images.device)
    if images.device.type == "cpu":
        # One frame at a time is too little work for torch's threads, which would wait for each
        # other where several decode.
        for place, sample in enumerate(chosen):
            for frame in range(frames):
                here = (keypoints[sample, frame, None], score[sample, frame, None])
                _blend(images[sample, frame], person_masks(*here, joints)[0], noise[place])
        return
    part = images[chosen].flatten(0, 1)
    mask = person_masks(keypoints[chosen].flatten(0, 1), score[chosen].flatten(0, 1), joints)
    coarse = torch.cat([mask[:, None], noise.repeat_interleave(frames, 0)], dim=1)
    fine = functional.interpolate(
        coarse, size=part.shape[-2:], mode="bilinear", align_corners=False
    )
    mixed = fine[:, 1:].lerp_(part.float(), fine[:, :1])
    images[chosen] = mixed.to(torch.uint8).unflatten(0, (-1, frames))


def _blend(
    image: UInt8[Tensor, "3 size size"],
    mask: Float[Tensor, "32 32"],
    noise: Float[Tensor, "3 32 32"],
) -> None:
    """One image with noise where the mask is 0, in place, on the host."""
    pixels = image.permute(1, 2, 0).numpy()
    coarse = torch.cat([mask[None], noise]).permute(1, 2, 0).contiguous().numpy()
    fine = cv2.resize(coarse, pixels.shape[:2][::-1], interpolation=cv2.INTER_LINEAR)
    pixels[...] = fine[..., 1:] + (pixels - fine[..., 1:]) * fine[..., :1]


def person_masks(
    keypoints: Float[Tensor, "N J 2"], score: Float[Tensor, "N J"], joints: JointSet
) -> Float[Tensor, "N 32 32"]:
    """1 near the bones whose ends have a score, falling to 0 over half a limb's width."""
    child, parent = torch.tensor(joints.bones, device=keypoints.device).unbind(1)
    seen = (score[:, child] > 0) & (score[:, parent] > 0)
    low = keypoints.masked_fill((score <= 0)[..., None], torch.inf).amin(dim=1)
    high = keypoints.masked_fill((score <= 0)[..., None], -torch.inf).amax(dim=1)
    width = _LIMB * (high - low).amax(dim=1)[:, None, None]
    axis = (torch.arange(_MASK_PX, device=keypoints.device) * 2 + 1) / _MASK_PX - 1
    rows, columns = torch.meshgrid(axis, axis, indexing="ij")
    start_x, start_y = keypoints[:, parent, None].unbind(-1)
    along_x, along_y = (keypoints[:, child] - keypoints[:, parent])[:, :, None].unbind(-1)
    x, y = columns.flatten() - start_x, rows.flatten() - start_y
    length = (along_x.square() + along_y.square()).clamp(min=1e-9)
    share = ((x * along_x + y * along_y) / length).clamp_(0, 1)
    distance = torch.hypot(x - share * along_x, y - share * along_y)
    nearest = distance.masked_fill(~seen[..., None], torch.inf).amin(dim=1)
    mask = (1.5 - nearest.unflatten(1, (_MASK_PX, _MASK_PX)) / width).mul(2).clamp(0, 1)
    return torch.nan_to_num(mask)


def _noise(count: int, rng: np.random.Generator) -> Float[Tensor, "count 3 32 32"]:
    """Random colours, 0..255, with detail at a half, a quarter and a sixteenth of the crop."""
    total = np.zeros((count, 3, _MASK_PX, _MASK_PX), np.float32)
    for cells, weight in ((2, 0.5), (4, 0.25), (16, 0.25)):
        coarse = rng.random((count, 3, cells, cells), dtype=np.float32) * (255 * weight)
        total += coarse.repeat(_MASK_PX // cells, axis=2).repeat(_MASK_PX // cells, axis=3)
    return torch.from_numpy(total)
