"""Decoding whatever people have, refusing what is none, and crops to the pixel."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from monopose.data.images.encoded import (
    crop,
    decode,
    encode,
    encode_crops,
    stored_size,
)
from monopose.errors import InputError

COLOURS = np.array([[[200, 30, 40], [20, 190, 60]], [[10, 20, 180], [120, 120, 120]]], np.uint8)
BLOCKS = COLOURS.repeat(16, axis=0).repeat(24, axis=1)


def _png(values: np.ndarray) -> bytes:
    """OpenCV takes BGR(A)."""
    done, payload = cv2.imencode(".png", values)
    assert done
    return payload.tobytes()


def _with_exif_turn(jpeg: bytes) -> bytes:
    """The same JPEG with an EXIF orientation of 6: turn by a quarter to show it."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
    tiff = b"MM\x00\x2a" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    body = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def test_jpeg_comes_back_nearly_as_it_was() -> None:
    read = decode(encode(BLOCKS))
    assert read.shape == (32, 48, 3)
    places = ((8, 12), (8, 36), (24, 12), (24, 36))
    for (row, column), colour in zip(places, COLOURS.reshape(4, 3), strict=True):
        assert np.abs(read[row, column].astype(int) - colour).max() <= 3


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.full((4, 6), 90, np.uint8), (90, 90, 90)),
        (np.full((4, 6), 90 * 256 + 17, np.uint16), (90, 90, 90)),
        (np.full((4, 6, 4), (10, 20, 30, 128), np.uint8), (30, 20, 10)),
        (np.full((4, 6, 3), (2560, 5120, 7680), np.uint16), (30, 20, 10)),
    ],
    ids=["grey", "grey 16 bit", "alpha", "colour 16 bit"],
)
def test_png_of_any_channels_and_depth_is_rgb_of_8_bits(
    values: np.ndarray, expected: tuple[int, int, int]
) -> None:
    read = decode(_png(values))
    assert read.dtype == np.uint8
    assert read.shape == (4, 6, 3)
    assert np.abs(read.astype(int) - expected).max() <= 1


def test_a_grey_jpeg_is_rgb() -> None:
    done, payload = cv2.imencode(".jpg", np.full((16, 16), 77, np.uint8))
    assert done
    assert np.abs(decode(payload.tobytes()).astype(int) - 77).max() <= 1


def test_pixels_lie_as_stored_whatever_exif_says() -> None:
    turned = _with_exif_turn(encode(BLOCKS))
    shown = cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape == (48, 32, 3), "the file does ask for a turn"
    assert stored_size(turned) == (48, 32)
    np.testing.assert_array_equal(decode(turned), decode(encode(BLOCKS)))


@pytest.mark.parametrize("shrink", [2, 4, 8])
def test_shrinking_averages_blocks(shrink: int) -> None:
    rng = np.random.default_rng(0)
    image = cv2.resize(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8), (96, 96))
    full = decode(encode(image, 100)).astype(float)
    small = decode(encode(image, 100), shrink=shrink)
    blocks = full.reshape(96 // shrink, shrink, 96 // shrink, shrink, 3).mean(axis=(1, 3))
    assert small.shape == blocks.shape
    assert np.abs(small - blocks).mean() < 2.5


@pytest.mark.parametrize(
    "payload", [b"", b"\xff\xd8", b"GIF89a" + bytes(40), b"\x00" * 100, b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_no_image_is_refused_by_name(payload: bytes) -> None:
    with pytest.raises(InputError, match=r"^clip 7: is not a JPEG or PNG image"):
        decode(payload, "clip 7")


def test_other_formats_that_opencv_could_read_are_refused() -> None:
    for suffix in (".bmp", ".tiff", ".webp"):
        done, payload = cv2.imencode(suffix, BLOCKS)
        assert done
        with pytest.raises(InputError, match="is not a JPEG or PNG"):
            decode(payload.tobytes())


@pytest.mark.parametrize("keep", [0.4, 0.7, 0.95])
def test_a_cut_off_file_is_refused_not_half_grey(keep: float) -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for payload in (encode(image), _png(image)):
        with pytest.raises(InputError, match="is cut off"):
            decode(payload[: int(keep * len(payload))], "a.jpg")


def test_a_huge_claim_is_refused_before_anything_is_allocated() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    png += struct.pack(">I", zlib.crc32(chunk)) + b"IEND"
    with pytest.raises(InputError, match=r"a\.png: claims 60000x60000 pixels"):
        decode(png, "a.png")


def test_a_crop_of_whole_pixels_is_the_pixels() -> None:
    image = np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    box = np.array([7, 11, 16, 16], np.float32)
    np.testing.assert_array_equal(crop(image, box, 16), image[11:27, 7:23])


def test_what_lies_outside_is_black() -> None:
    image = np.full((10, 10, 3), 200, np.uint8)
    square = crop(image, np.array([-5, -5, 20, 20], np.float32), 20)
    assert (square[6:14, 6:14] == 200).all()
    assert not square[:4].any()
    assert not square[:, 16:].any()
    assert not crop(image, np.array([50, 50, 8, 8], np.float32), 8).any()


def test_the_crop_of_nobody_is_black() -> None:
    image = np.full((10, 10, 3), 200, np.uint8)
    (payload,) = encode_crops([image], np.zeros((1, 4), np.float32), 8)
    assert decode(payload).shape == (8, 8, 3)
    assert not decode(payload).any()


@pytest.mark.parametrize("side", [16.0, 40.0, 64.0, 150.0, 300.0])
def test_a_ramp_keeps_its_place_at_every_scale(side: float) -> None:
    """Brightness that grows by the pixel tells to a fraction of one where a sample was taken."""
    x = np.arange(320) * 0.7
    image = np.broadcast_to(x[None, :, None], (320, 320, 3)).round().astype(np.uint8)
    found = crop(image, np.array([9.25, 8.0, side, side], np.float32), 32).astype(float)
    centres = 9.25 + (np.arange(32) + 0.5) * side / 32
    wanted = 0.7 * (centres - 0.5)
    inside = slice(1, 31)
    assert np.abs(found[inside, inside, 0] - wanted[inside]).max() < 1.3


@pytest.mark.parametrize("side", [100.0, 128.0, 200.0, 256.0])
def test_a_shrunk_crop_does_not_shimmer(side: float) -> None:
    """Stripes too fine for the crop become grey, as an average would have them."""
    image = np.zeros((300, 300, 3), np.uint8)
    image[:, ::2] = 255
    found = crop(image, np.array([20.0, 20.0, side, side], np.float32), 32)[2:-2, 2:-2]
    assert np.abs(found.astype(float) - 127.5).max() < 45
    assert abs(found.mean() - 127.5) < 4
