"""The size of a JPEG or PNG file from its header alone, without decoding."""

import struct
from io import BufferedIOBase
from pathlib import Path

from monopose.errors import InputError

_PNG = b"\x89PNG\r\n\x1a\n"
# JPEG's frame headers, ITU T.81 table B.1: C0..CF without DHT, JPG and DAC.
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_SCAN, _END = 0xDA, 0xD9


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) in pixels as stored: a turn that EXIF asks for is not made.

    Raises InputError naming the file when it is missing, or neither JPEG nor PNG.
    """
    try:
        with path.open("rb") as stream:
            size = read_size(stream)
    except (OSError, struct.error) as error:
        raise InputError(f"is not readable ({type(error).__name__})", where=str(path)) from error
    if size is None or min(size) < 1:
        raise InputError("is not a JPEG or PNG with a size", where=str(path))
    return size


def read_size(stream: BufferedIOBase) -> tuple[int, int] | None:
    """(width, height) at the start of a JPEG or PNG file, None when it is neither.

    Raises struct.error when it ends too soon.
    """
    start = stream.read(8)
    if start == _PNG:
        _, kind, width, height = struct.unpack(">I4sII", stream.read(16))
        return (width, height) if kind == b"IHDR" else None
    if start[:2] != b"\xff\xd8":
        return None
    stream.seek(2)
    return _jpeg_size(stream)


def _jpeg_size(stream: BufferedIOBase) -> tuple[int, int] | None:
    while stream.read(1) == b"\xff":
        marker = stream.read(1)
        while marker == b"\xff":  # fill bytes
            marker = stream.read(1)
        if not marker or marker[0] in (_SCAN, _END):
            return None
        if marker[0] in _WITHOUT_LENGTH:
            continue
        (length,) = struct.unpack(">H", stream.read(2))
        if marker[0] in _FRAMES:
            _, height, width = struct.unpack(">BHH", stream.read(5))
            return width, height
        stream.seek(max(length - 2, 0), 1)
    return None
