"""Changes of pixels that move nothing: colour, patches laid over, surroundings made noise.

Numbers are drawn on the host by a seeded generator; pixels change on the images' device.
Axes: B samples, T frames, J joints, P patches. Crop coordinates are normalised (views.py).
"""

from functools import lru_cache

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64, UInt8
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
    size, pixels = images.shape[-1], _on_host(images)
    corners = np.clip(np.round((laid + 1) * (size / 2)), 0, size).astype(int)
    for sample, patch in np.argwhere((corners[..., 2:] > corners[..., :2]).all(axis=-1)).tolist():
        left, top, right, bottom = corners[sample, patch].tolist()
        colour = rng.integers(0, 256, 3, dtype=np.uint8)
        if pixels is not None:
            pixels[sample, :, top:bottom, left:right] = colour
        else:
            filled = torch.from_numpy(colour)[:, None, None].to(images.device)
            images[sample, :, :, top:bottom, left:right] = filled


def _on_host(
    images: UInt8[Tensor, "B T 3 size size"],
) -> UInt8[np.ndarray, "B T size size 3"] | None:
    """The same memory as numpy sees it, which changes small parts far faster than torch does."""
    return images.permute(0, 1, 3, 4, 2).numpy() if images.device.type == "cpu" else None


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
    frames, pixels = images.shape[1], _on_host(images)
    noise = _noise(len(chosen), rng)
    if pixels is not None:
        # One frame at a time is too little work for torch's threads, which would wait for each
        # other where several decode.
        for place, sample in enumerate(chosen):
            for frame in range(frames):
                here = (keypoints[sample, frame, None], score[sample, frame, None])
                _blend(pixels[sample, frame], person_masks(*here, joints)[0].numpy(), noise[place])
        return
    part = images[chosen].flatten(0, 1)
    mask = person_masks(keypoints[chosen].flatten(0, 1), score[chosen].flatten(0, 1), joints)
    laid = torch.from_numpy(noise).to(images.device).movedim(-1, 1).repeat_interleave(frames, 0)
    coarse = torch.cat([mask[:, None], laid], dim=1)
    fine = functional.interpolate(
        coarse, size=part.shape[-2:], mode="bilinear", align_corners=False
    )
    mixed = fine[:, 1:].lerp_(part.float(), fine[:, :1])
    images[chosen] = mixed.to(torch.uint8).unflatten(0, (-1, frames))


def _blend(
    image: UInt8[np.ndarray, "size size 3"],
    mask: Float32[np.ndarray, "32 32"],
    noise: Float32[np.ndarray, "32 32 3"],
) -> None:
    """One image with noise where the mask is 0, in place, on the host."""
    size = (image.shape[1], image.shape[0])
    kept = cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR)
    laid = cv2.resize(noise.astype(np.uint8), size, interpolation=cv2.INTER_LINEAR)
    image[...] = cv2.blendLinear(image, laid, kept, 1 - kept)


def person_masks(
    keypoints: Float[Tensor, "N J 2"], score: Float[Tensor, "N J"], joints: JointSet
) -> Float[Tensor, "N 32 32"]:
    """1 near the bones whose ends have a score, falling to 0 over half a limb's width."""
    child, parent = _bone_ends(joints, keypoints.device)
    seen = (score[:, child] > 0) & (score[:, parent] > 0)
    low = keypoints.masked_fill((score <= 0)[..., None], torch.inf).amin(dim=1)
    high = keypoints.masked_fill((score <= 0)[..., None], -torch.inf).amax(dim=1)
    width = _LIMB * (high - low).amax(dim=1)[:, None]
    # Distances to a bone, along and across it, from its middle: affine in the place.
    middle, along = (keypoints[:, child] + keypoints[:, parent]) / 2, keypoints[:, child]
    along = along - keypoints[:, parent]
    length = along.norm(dim=-1, keepdim=True).clamp(min=1e-6)
    unit = along / length
    axes = torch.stack([unit, torch.stack([-unit[..., 1], unit[..., 0]], dim=-1)], dim=1)
    offset = (axes * middle[:, None]).sum(dim=-1, keepdim=True)
    beside = axes @ _mask_places(keypoints.device) - offset
    beyond = (beside[:, 0].abs() - length / 2).clamp_(min=0)
    square = beside[:, 1].square().addcmul_(beyond, beyond)
    nearest = square.masked_fill_(~seen[..., None], torch.inf).amin(dim=1).sqrt_()
    mask = (1.5 - nearest / width).mul_(2).clamp_(0, 1)
    return torch.nan_to_num(mask).unflatten(1, (_MASK_PX, _MASK_PX))


@lru_cache(maxsize=16)
def _bone_ends(
    joints: JointSet, device: torch.device
) -> tuple[Int64[Tensor, " bones"], Int64[Tensor, " bones"]]:
    """(children, parents) of a joint set's bones."""
    child, parent = torch.tensor(joints.bones, device=device).unbind(1)
    return child, parent


@lru_cache(maxsize=8)
def _mask_places(device: torch.device) -> Float[Tensor, "2 1024"]:
    """(x, y) of a mask's pixels in crop coordinates, row by row."""
    axis = (torch.arange(_MASK_PX, device=device) * 2 + 1) / _MASK_PX - 1
    rows, columns = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([columns.flatten(), rows.flatten()])


def _noise(count: int, rng: np.random.Generator) -> Float32[np.ndarray, "count 32 32 3"]:
    """Random colours, 0..255, with detail at a half, a quarter and a sixteenth of the crop."""
    total = np.zeros((count, _MASK_PX, _MASK_PX, 3), np.float32)
    for cells, weight in ((2, 0.5), (4, 0.25), (16, 0.25)):
        coarse = rng.random((count, cells, 1, cells, 1, 3), dtype=np.float32) * (255 * weight)
        step = _MASK_PX // cells
        total.reshape(count, cells, step, cells, step, 3)[...] += coarse
    return total
