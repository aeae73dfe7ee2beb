"""Sizes from headers, against cv2's own files and headers written by hand."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from monopose.data.images.headers import image_size
from monopose.errors import InputError


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("size", [(1, 1), (37, 21), (300, 1000)])
def test_the_size_is_the_files(tmp_path: Path, suffix: str, size: tuple[int, int]) -> None:
    path = tmp_path / f"a{suffix}"
    cv2.imwrite(str(path), np.zeros((size[1], size[0], 3), np.uint8))
    assert image_size(path) == size


@pytest.mark.parametrize("frame", [0xC0, 0xC1, 0xC2, 0xCF])
def test_jpeg_segments_before_the_frame_are_passed_over(tmp_path: Path, frame: int) -> None:
    comment = b"\xff\xfe" + struct.pack(">H", 6) + b"\xff\xc0\x00\x00"
    tables = b"\xff\xff\xc4" + struct.pack(">H", 4) + b"ab"
    header = bytes([0xFF, frame]) + struct.pack(">HBHHB", 8, 8, 480, 640, 0)
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8" + comment + tables + header)
    assert image_size(path) == (640, 480)


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xd9", b"GIF89a" + bytes(20),
        b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 0, 5),
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"junk", 5, 5),
        b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 8, 8, 0, 640, 0),
        b"\xff\xd8\xff\xda" + bytes(50), b"\xff\xd8\xff\xe0\x00\x00" * 9,
    ],
)  # fmt: skip
def test_what_has_no_size_is_named(tmp_path: Path, payload: bytes) -> None:
    path = tmp_path / "odd.jpg"
    path.write_bytes(payload)
    with pytest.raises(InputError, match=r"odd\.jpg"):
        image_size(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jpg: is not readable"):
        image_size(tmp_path / "none.jpg")
