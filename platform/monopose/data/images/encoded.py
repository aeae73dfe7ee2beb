"""Encoded images in and out, and square crops of people. Images are H x W x 3, RGB, 8 bits."""

from collections.abc import Iterable

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from monopose.errors import InputError

JPEG_QUALITY = 92
# An image whose header promises more than this is damaged or hostile, not a photo of a person.
MAX_PIXELS = 64_000_000


def decode(payload: bytes, where: str = "") -> UInt8[np.ndarray, "H W 3"]:
    """The pixels of JPEG or PNG bytes; raises InputError when they are not an image."""
    try:
        image = cv2.imdecode(np.frombuffer(payload, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise InputError("is not an image that can be decoded", where=where) from error
    if image is None:
        raise InputError("is not an image that can be decoded", where=where)
    return np.asarray(image, np.uint8)


def encode(image: UInt8[np.ndarray, "H W 3"], quality: int = JPEG_QUALITY) -> bytes:
    """The image as JPEG bytes."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    done, payload = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), flags)
    assert done, "JPEG takes every 8-bit image"
    return payload.tobytes()


def crop(
    image: UInt8[np.ndarray, "H W 3"], box_px: Float[np.ndarray, "4"], size_px: int
) -> UInt8[np.ndarray, "size size 3"]:
    """The part of the image in a box (x, y, width, height), resized to a square; black outside.

    Pixel centres are at half-integers: the box (0, 0, W, H) of a square image only resizes it.
    """
    x, y, width, height = (float(value) for value in box_px)
    scale_x, scale_y = size_px / width, size_px / height
    matrix = np.array(
        [[scale_x, 0, (0.5 - x) * scale_x - 0.5], [0, scale_y, (0.5 - y) * scale_y - 0.5]]
    )
    if max(width, height) > 2 * size_px:
        # Bilinear sampling alone would skip pixels: average first.
        kernel = max(1, round(max(width, height) / size_px))
        image = cv2.blur(image, (kernel, kernel)).astype(np.uint8)
    warped = cv2.warpAffine(image, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR)
    return np.asarray(warped, np.uint8)


def encode_crops(
    images: Iterable[UInt8[np.ndarray, "H W 3"]], boxes_px: Float[np.ndarray, "T 4"], size_px: int
) -> tuple[bytes, ...]:
    """One view of a clip as it is stored: each frame cropped to its box, as JPEG."""
    pairs = zip(images, boxes_px, strict=True)
    return tuple(encode(crop(image, box, size_px)) for image, box in pairs)
