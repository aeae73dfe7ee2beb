"""From encoded frames to crops of one size: one affine warp each, by OpenCV or on the device.

OpenCV's warp runs in the thread that decoded the frame and is much the faster on a processor
(tests/benchmarks/images.py); a GPU takes the decoded frames and warps them all at once.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, UInt8
from torch import Tensor
from torch.nn import functional

from monopose.data.images.encoded import decode, stored_size, warp

_SHRINKS = (8, 4, 2)


class Reading(NamedTuple):
    """How finely a frame is decoded: its stored (width, height), and what shrinks it, 1 to 8."""

    payload: bytes
    name: str
    size: tuple[int, int]
    shrink: int

    def decoded(self) -> UInt8[np.ndarray, "H W 3"]:
        """The pixels, fewer by `shrink` on each axis, which JPEG does without decoding them all."""
        if self.payload[:2] == b"\xff\xd8":
            return decode(self.payload, self.name, self.shrink, self.size)
        image = decode(self.payload, self.name, 1, self.size)
        fewer = (-(-self.size[0] // self.shrink), -(-self.size[1] // self.shrink))
        return np.asarray(cv2.resize(image, fewer, interpolation=cv2.INTER_AREA), np.uint8)


def readings(
    payload: Sequence[bytes],
    to_stored: Float64[np.ndarray, "N 2 3"],
    size_px: int,
    names: Sequence[str],
) -> tuple[list[Reading], Float64[np.ndarray, "N 2 3"]]:
    """Frames to be decoded no finer than crops of that size need, and the maps from crop to them.

    to_stored: from normalised crop coordinates to the frame's, as shares of its width and height.
    The maps take pixel coordinates of the crop to those of the decoded pixels.
    """
    sizes = [stored_size(frame, where) for frame, where in zip(payload, names, strict=True)]
    to_pixels = np.array(sizes, np.float64)[..., None] * (to_stored @ _from_pixels(size_px))
    shrinkage = np.sqrt(np.abs(np.linalg.det(to_pixels[..., :2])))
    shrinks = np.select([shrinkage >= shrink for shrink in _SHRINKS], _SHRINKS, 1)
    frames = map(Reading, payload, names, sizes, shrinks.tolist())
    return list(frames), to_pixels / shrinks[:, None, None]


@lru_cache(maxsize=8)
def _from_pixels(size_px: int) -> Float64[np.ndarray, "3 3"]:
    """Pixel coordinates of a crop to normalised ones, homogeneous."""
    return np.array([[2 / size_px, 0, -1], [0, 2 / size_px, -1], [0, 0, 1]])


def decoded_crops(
    payload: Sequence[bytes],
    to_stored: Float64[np.ndarray, "N 2 3"],
    colour: Float32[np.ndarray, "N 3 4"] | None,
    size_px: int,
    names: Sequence[str],
) -> UInt8[np.ndarray, "N size size 3"]:
    """Decodes, warps and colours frames one by one, outside of Python's lock for the most part.

    OpenCV writes where the batch lies: each array that it made itself would cost a wait for the
    lock and a copy.
    """
    crops = np.empty((len(payload), size_px, size_px, 3), np.uint8)
    plain = np.empty((size_px, size_px, 3), np.uint8)
    frames, maps = readings(payload, to_stored, size_px, names)
    for index, frame in enumerate(frames):
        if colour is None:
            warp(frame.decoded(), maps[index], size_px, crops[index])
            continue
        warp(frame.decoded(), maps[index], size_px, plain)
        cv2.transform(plain, colour[index], dst=crops[index])
    return crops


def decoded_frames(
    payload: Sequence[bytes],
    to_stored: Float64[np.ndarray, "N 2 3"],
    size_px: int,
    names: Sequence[str],
) -> tuple[UInt8[np.ndarray, "N H W 3"], Float32[np.ndarray, "N 2 3"]]:
    """Decoded frames on one canvas each, black beyond them, and the maps that `warped` takes."""
    frames, to_pixels = readings(payload, to_stored, size_px, names)
    images = [frame.decoded() for frame in frames]
    height, width = (max(image.shape[axis] for image in images) for axis in (0, 1))
    canvas = np.zeros((len(images), height, width, 3), np.uint8)
    for place, image in zip(canvas, images, strict=True):
        place[: image.shape[0], : image.shape[1]] = image
    maps = to_pixels @ np.linalg.inv(_from_pixels(size_px)) * [[2 / width], [2 / height]]
    maps[..., 2] -= 1
    return canvas, maps.astype(np.float32)


def warped(
    frames: UInt8[Tensor, "N H W 3"],
    maps: Float[Tensor, "N 2 3"],
    colour: Float[Tensor, "N 3 4"] | None,
    size_px: int,
) -> UInt8[Tensor, "N 3 size size"]:
    """Crops on the frames' device: four samples averaged for each pixel, then coloured."""
    fine = [len(frames), 3, 2 * size_px, 2 * size_px]
    grid = functional.affine_grid(maps, fine, align_corners=False)
    pixels = frames.permute(0, 3, 1, 2).to(maps.dtype)
    crops = functional.avg_pool2d(functional.grid_sample(pixels, grid, align_corners=False), 2)
    if colour is not None:
        flat = torch.baddbmm(colour[..., 3:], colour[..., :3], crops.flatten(2))
        crops = flat.view_as(crops)
    return crops.clamp(0, 255).round().to(torch.uint8)
