"""From encoded frames to crops of one size: one affine warp each, by OpenCV or on the device.

OpenCV's warp runs in the thread that decoded the frame and is much the faster on a processor
(tests/benchmarks/images.py); a GPU takes the decoded frames and warps them all at once.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, UInt8
from torch import Tensor
from torch.nn import functional

from monopose.data.images.encoded import decode, stored_size, warp

_SHRINKS = (8, 4, 2)


def decode_for(
    payload: bytes, to_stored: Float64[np.ndarray, "2 3"], size_px: int, where: str
) -> tuple[UInt8[np.ndarray, "H W 3"], Float64[np.ndarray, "2 3"]]:
    """A frame decoded no finer than a crop of that size needs, and the map from crop to it.

    to_stored: from normalised crop coordinates to the frame's, as shares of its width and height.
    What is returned maps pixel coordinates of the crop to those of the pixels.
    """
    width, height = size = stored_size(payload, where)
    to_pixels = to_stored @ _from_pixels(size_px)
    to_pixels[0] *= width
    to_pixels[1] *= height
    (a, b, _), (c, d, _) = to_pixels.tolist()
    shrinkage = math.sqrt(abs(a * d - b * c))
    shrink = next((s for s in _SHRINKS if shrinkage >= s), 1)
    image = decode(payload, where, shrink if payload[:2] == b"\xff\xd8" else 1, size)
    if shrink > 1 and payload[:2] != b"\xff\xd8":
        fewer = (-(-width // shrink), -(-height // shrink))
        image = np.asarray(cv2.resize(image, fewer, interpolation=cv2.INTER_AREA), np.uint8)
    return image, to_pixels / shrink


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
    """Decodes, warps and colours frames one by one, outside of Python's lock for the most part."""
    crops = np.empty((len(payload), size_px, size_px, 3), np.uint8)
    for index, (frame, where) in enumerate(zip(payload, names, strict=True)):
        image, to_pixels = decode_for(frame, to_stored[index], size_px, where)
        warped = warp(image, to_pixels, size_px)
        crops[index] = warped if colour is None else cv2.transform(warped, colour[index])
    return crops


def decoded_frames(
    payload: Sequence[bytes],
    to_stored: Float64[np.ndarray, "N 2 3"],
    size_px: int,
    names: Sequence[str],
) -> tuple[UInt8[np.ndarray, "N H W 3"], Float32[np.ndarray, "N 2 3"]]:
    """Decoded frames on one canvas each, black beyond them, and the maps that `warped` takes."""
    pairs = [
        decode_for(frame, to_stored[index], size_px, names[index])
        for index, frame in enumerate(payload)
    ]
    height, width = (max(image.shape[axis] for image, _ in pairs) for axis in (0, 1))
    canvas = np.zeros((len(pairs), height, width, 3), np.uint8)
    maps = np.empty((len(pairs), 2, 3), np.float32)
    to_normalised = np.array([[2 / width, 0, -1], [0, 2 / height, -1]])
    for index, (image, to_pixels) in enumerate(pairs):
        canvas[index, : image.shape[0], : image.shape[1]] = image
        square = np.vstack([to_pixels, [0, 0, 1]]) @ np.linalg.inv(_from_pixels(size_px))
        maps[index] = to_normalised @ square
    return canvas, maps


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
