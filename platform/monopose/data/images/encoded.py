"""Encoded images in and out, and square crops of people. Images are H x W x 3, RGB, 8 bits.

Pixel coordinates are continuous: (0, 0) is the outer corner of the first pixel, whose centre is
at (0.5, 0.5), and (W, H) the outer corner of the last.
"""

import math
import struct
from collections.abc import Iterable
from io import BytesIO

import cv2
import numpy as np
from jaxtyping import Float, Float64, UInt8

from monopose.data.images.headers import read_size
from monopose.errors import InputError

JPEG_QUALITY = 92
# An image whose header promises more than this is damaged or hostile, not a photo of a person.
MAX_PIXELS = 64_000_000
# Where the end marker of a whole file is, with room for what some programs append to it.
_TAIL = 4096
_END_MARKERS = (b"\xff\xd9", b"IEND")
# The colour variants of these ask for BGR.
_SHRUNK = {
    1: 0,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


def stored_size(payload: bytes, where: str = "") -> tuple[int, int]:
    """(width, height) in the header of JPEG or PNG bytes; raises InputError when there is none."""
    try:
        size = read_size(BytesIO(payload))
    except struct.error as error:
        raise InputError("is not a JPEG or PNG image", where=where) from error
    if size is None or min(size) < 1:
        raise InputError("is not a JPEG or PNG image", where=where)
    return size


def decode(
    payload: bytes, where: str = "", shrink: int = 1, size: tuple[int, int] | None = None
) -> UInt8[np.ndarray, "H W 3"]:
    """The pixels of JPEG or PNG bytes, whatever their channels and depth.

    Pixels lie as stored, as labels count them: a turn that EXIF asks for is not made. Alpha is
    dropped, 16 bits are cut to 8, grey and CMYK become RGB. shrink: 1, 2, 4 or 8 averages blocks
    of that many pixels a side, which JPEG does without decoding them in full. size: what
    `stored_size` said, where the caller has asked already. Raises InputError,
    before anything large is allocated, for what is not a whole JPEG or PNG of at most MAX_PIXELS.
    """
    width, height = size or stored_size(payload, where)
    if width * height > MAX_PIXELS:
        raise InputError(f"claims {width}x{height} pixels", where=where)
    # A cut-off file decodes to a half grey image with no more than a warning.
    if not any(marker in payload[-_TAIL:] for marker in _END_MARKERS):
        raise InputError("is cut off", where=where, fix="copy it again")
    flags = _SHRUNK[shrink] | cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(payload, np.uint8), flags)
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

    The box (0, 0, W, H) of a square image only resizes it. A shrinking crop averages the pixels it
    leaves out. A box without an area, which is that of a person who was not found, is black.
    """
    x, y, width, height = (float(value) for value in box_px)
    if not (width > 0 and height > 0):
        return np.zeros((size_px, size_px, 3), np.uint8)
    left, top, image = _around(image, (x, y, width, height))
    if image.size == 0:
        return np.zeros((size_px, size_px, 3), np.uint8)
    rows, columns = image.shape[:2]
    target = (
        max(1, min(columns, math.ceil(columns * size_px / width))),
        max(1, min(rows, math.ceil(rows * size_px / height))),
    )
    if target != (columns, rows):
        image = np.asarray(cv2.resize(image, target, interpolation=cv2.INTER_AREA), np.uint8)
    shrink = np.array([columns / target[0], rows / target[1]])
    # From pixels of the crop to those of the shrunk cut-out.
    linear = np.diag(np.array([width, height]) / size_px / shrink)
    offset = (np.array([x, y]) - (left, top)) / shrink
    return warp(image, np.column_stack([linear, offset]), size_px)


def _around(
    image: UInt8[np.ndarray, "H W 3"], box_px: tuple[float, float, float, float]
) -> tuple[int, int, UInt8[np.ndarray, "h w 3"]]:
    """(left, top, pixels) of the part of the image that the box touches, with a rim."""
    x, y, width, height = box_px
    rows, columns = image.shape[:2]
    rim = 2 + math.ceil(max(width, height) / 64)
    left, top = (int(np.clip(math.floor(v) - rim, 0, n)) for v, n in ((x, columns), (y, rows)))
    right = int(np.clip(math.ceil(x + width) + rim, left, columns))
    bottom = int(np.clip(math.ceil(y + height) + rim, top, rows))
    return left, top, image[top:bottom, left:right]


def warp(
    image: UInt8[np.ndarray, "H W 3"],
    to_image: Float64[np.ndarray, "2 3"],
    size_px: int,
    into: UInt8[np.ndarray, "size size 3"] | None = None,
) -> UInt8[np.ndarray, "size size 3"]:
    """Samples a square bilinearly; to_image maps its pixel coordinates to the image's.

    Black outside. It averages over no pixels, so it should not shrink to less than half. into: a
    contiguous array that is written and returned instead of a new one.
    """
    # OpenCV counts from the centre of the first pixel.
    matrix = to_image.copy()
    matrix[:, 2] += 0.5 * (to_image[:, 0] + to_image[:, 1]) - 0.5
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (size_px, size_px)
    return np.asarray(cv2.warpAffine(image, matrix, size, dst=into, flags=flags), np.uint8)


def encode_crops(
    images: Iterable[UInt8[np.ndarray, "H W 3"]], boxes_px: Float[np.ndarray, "T 4"], size_px: int
) -> tuple[bytes, ...]:
    """One view of a clip as it is stored: each frame cropped to its box, as JPEG."""
    pairs = zip(images, boxes_px, strict=True)
    return tuple(encode(crop(image, box, size_px)) for image, box in pairs)
