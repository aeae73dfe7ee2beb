"""What is known of the images that keypoints were found in: their files, size and rate."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monopose.data.images.video import IMAGE_SUFFIXES, media_info
from monopose.data.importers.source import ImportOptions
from monopose.errors import InputError

ASSUMED_FPS = 30.0
_VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg")


@dataclass(frozen=True)
class TakeMedia:
    """path: the video or image folder, None where there is none. size: (width, height), pixels.

    crop_px: side of the crops that are to be stored, None for none. in_step: the take is one of
    several synchronised views, so that a frame's number is one instant in all of them.
    """

    path: Path | None
    size: tuple[int, int] | None
    fps: float
    crop_px: int | None = None
    in_step: bool = False

    @property
    def image_names(self) -> tuple[str, ...]:
        """The images of a folder by name; none for a video."""
        if self.path is None or not self.path.is_dir():
            return ()
        inside = sorted(f.name for f in self.path.iterdir() if f.suffix.lower() in IMAGE_SUFFIXES)
        return tuple(inside)


def media_of(takes: Sequence[str], options: ImportOptions) -> tuple[list[TakeMedia], list[str]]:
    """The media of each take by its name, and what was assumed.

    `--media` is the one take's video or image folder, or a folder with a video or a folder of
    images for each take, by name. Raises InputError when a take's is missing, and when images
    are asked for without any.
    """
    if options.images and options.media is None:
        raise InputError("there are no images to crop", fix="give them with --media")
    paths = _paths(takes, options.media)
    found = [_one(path, options) for path in paths]
    notes = []
    if any(known is None for _, known in found):
        notes.append(f"the files tell no frame rate: {ASSUMED_FPS:g} fps assumed (give --fps)")
    if any(media.size is None for media, _ in found):
        notes.append("the image size is unknown, and lifting needs it (give --image-size)")
    return [media for media, _ in found], notes


def _one(path: Path | None, options: ImportOptions) -> tuple[TakeMedia, float | None]:
    info = media_info(path) if path is not None else None
    size = options.image_size
    if info is not None:
        if size is not None and size != (info.width, info.height):
            what = f"is {info.width}x{info.height}, --image-size says {size[0]}x{size[1]}"
            raise InputError(what, where=str(path), fix="leave --image-size out")
        size = (info.width, info.height)
    fps = options.fps or (info.fps if info is not None else None)
    crop_px = options.crop_px if options.images else None
    in_step = options.cameras is not None
    return TakeMedia(path, size, fps or ASSUMED_FPS, crop_px, in_step), fps


def _paths(takes: Sequence[str], media: Path | None) -> list[Path | None]:
    if media is None:
        return [None for _ in takes]
    if not media.exists():
        raise InputError("there is no such file or folder", where=str(media))
    inside = sorted(media.iterdir()) if media.is_dir() else []
    if not media.is_dir() or any(f.suffix.lower() in IMAGE_SUFFIXES for f in inside):
        if len(takes) != 1:
            what = f"is the media of one take, but there are {len(takes)}"
            raise InputError(what, where=str(media), fix="give a folder with one for each take")
        return [media]
    choices = [f for f in inside if f.is_dir() or f.suffix.lower() in _VIDEO_SUFFIXES]
    return [_named(take, choices, media) for take in takes]


def _named(take: str, choices: Sequence[Path], media: Path) -> Path:
    found = [choice for choice in choices if is_named_in(choice.stem, take)]
    if not found:
        names = ", ".join(choice.name for choice in choices[:9]) or "nothing"
        what = f"has no video or image folder for {take!r}, but {names}"
        raise InputError(what, where=str(media), fix="name them after the takes")
    return max(found, key=lambda choice: len(_bare(choice.stem)))


def is_named_in(name: str, longer: str) -> bool:
    """True when a name is part of a longer one, as `cam_1` is of `Cam1_json`, not of `cam10`."""
    part = _bare(name)
    before = r"(?<!\d)" if part[:1].isdecimal() else ""
    after = r"(?!\d)" if part[-1:].isdecimal() else ""
    return bool(part and re.search(before + re.escape(part) + after, _bare(longer)))


def _bare(name: str) -> str:
    """Letters and digits alone; numbers that something parted stay apart."""
    return re.sub(r"[^\w ]|_", "", re.sub(r"(?<=\d)[\W_]+(?=\d)", " ", name.lower()))
