"""Frames of a video file, or of a folder of images, one by one."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from jaxtyping import UInt8

from monopose.data.images.encoded import MAX_PIXELS, decode
from monopose.data.images.headers import image_size
from monopose.errors import InputError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class MediaInfo:
    """What a video or image folder is: pixels, frames, and Hz where the file tells it."""

    width: int
    height: int
    frames: int | None
    fps: float | None


def media_info(path: Path) -> MediaInfo:
    """Size and rate of a video file or of a folder of images; raises InputError naming it."""
    if path.is_dir():
        names = image_files(path)
        width, height = image_size(names[0])
        return MediaInfo(width, height, len(names), None)
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            rate = stream.average_rate
            return MediaInfo(
                stream.width, stream.height, stream.frames or None, float(rate) if rate else None
            )
    except (av.FFmpegError, OSError, IndexError, ValueError) as error:
        raise InputError("is not a video that can be read", where=str(path)) from error


def read_frames(path: Path, stride: int = 1) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
    """Every stride-th frame of a video file or folder of images (by name), RGB.

    Raises InputError naming the file when it is missing or damaged.
    """
    if path.is_dir():
        for name in image_files(path)[::stride]:
            yield decode(name.read_bytes(), str(name))
        return
    try:
        with av.open(str(path)) as container:
            _check_size(container.streams.video[0], path)
            for index, frame in enumerate(container.decode(video=0)):
                if index % stride == 0:
                    yield frame.to_ndarray(format="rgb24")
    except (av.FFmpegError, OSError, IndexError, ValueError) as error:
        raise InputError("is not a video that can be read", where=str(path)) from error


def _check_size(stream: av.VideoStream, path: Path) -> None:
    if stream.width * stream.height > MAX_PIXELS:
        raise InputError(f"claims {stream.width}x{stream.height} pixels", where=str(path))


def image_files(folder: Path) -> list[Path]:
    """The images in a folder by name; raises InputError when there is none."""
    found = sorted(f for f in folder.iterdir() if f.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        raise InputError("holds no .jpg, .jpeg or .png", where=str(folder))
    return found
