"""Frame numbers of detections: from file names, from image names, and against their media."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from monopose.data.importers.detections.takes_media import TakeMedia
from monopose.errors import InputError
from monopose.formats.people import Frame, Person

# `walk_000000000012_keypoints`, `cam01.0012`, `0012`: a take's name and the frame's number.
_NUMBERED = re.compile(r"^(?P<name>.*?)[._-]?(?P<number>\d{1,12})(?:_keypoints)?$")


@dataclass(frozen=True)
class FileTake:
    """The files of one take, (frame number, file) by ascending number."""

    name: str
    folder: Path
    files: tuple[tuple[int, Path], ...]


def file_takes(files: Sequence[Path], roots: Sequence[Path]) -> list[FileTake]:
    """Files with one frame each as takes: by folder, and by the name before the number.

    A take is called after its folder below the given path, and after its files' own name where
    a folder holds several takes or is the path itself. Raises InputError for a file without a
    frame number and for a number that comes twice.
    """
    by_folder: dict[Path, dict[str, dict[int, Path]]] = {}
    for file in files:
        found = _NUMBERED.match(file.stem)
        if found is None:
            fix = "files are called like walk_000000000012_keypoints.json"
            raise InputError("has no frame number in its name", where=str(file), fix=fix)
        take = by_folder.setdefault(file.parent, {}).setdefault(found["name"], {})
        number = int(found["number"])
        if number in take:
            raise InputError(f"is frame {number}, as {take[number].name} is", where=str(file))
        take[number] = file
    return [
        FileTake(_take_name(folder, name, len(named) > 1, roots), folder, tuple(sorted(t.items())))
        for folder, named in by_folder.items()
        for name, t in named.items()
    ]


def _take_name(folder: Path, name: str, several: bool, roots: Sequence[Path]) -> str:
    below = next((folder.relative_to(r).parts for r in roots if folder.is_relative_to(r)), ())
    parts = [*below, name] if (several or not below) and name else list(below)
    return "_".join(parts) or folder.resolve().name or "take"


def dataset_name(paths: Sequence[Path]) -> str:
    """What a data set is called that has no name: its folder's or its file's."""
    first = paths[0].resolve()
    return (first.stem if first.is_file() else first.name) or "detections"


def counted(
    numbered: Sequence[tuple[int, Sequence[Person]]], media: TakeMedia
) -> list[tuple[int, Sequence[Person]]]:
    """Frames counted as their media counts them, by ascending number.

    A video's frames are numbered from its start by the detectors; in a folder of images, and
    without media, the first number is the first frame. Views in step keep their numbers: each may
    begin with another frame, as detectors do not mention those without people.
    """
    ordered = sorted(numbered, key=lambda each: each[0])
    is_video = media.path is not None and not media.path.is_dir()
    first = ordered[0][0] if ordered and not is_video and not media.in_step else 0
    return [(number - first, people) for number, people in ordered]


def numbered_images(
    frames: Sequence[Frame], media: TakeMedia, where: str
) -> list[tuple[int, Sequence[Person]]]:
    """Frames by their image's place in the media's folder, or else by the number it bears.

    Raises InputError for a name without a number, an image that is not in the folder, and a
    frame that comes twice.
    """
    places = {name: index for index, name in enumerate(media.image_names)}
    named = bool(places) and all(isinstance(frame.image, str) for frame in frames)
    numbered: dict[int, Sequence[Person]] = {}
    for frame in frames:
        if named and frame.image not in places:
            what = f"image {str(frame.image)[:60]!r} is not in {media.path}"
            raise InputError(what, where=where, fix="give their folder with --media")
        number = places[str(frame.image)] if named else _number(frame.image, where)
        if number in numbered:
            raise InputError(f"frame {number} comes twice", where=where)
        numbered[number] = frame.people
    return sorted(numbered.items()) if named else counted(list(numbered.items()), media)


def _number(image: int | str, where: str) -> int:
    if isinstance(image, int):
        return image
    found = _NUMBERED.match(PurePath(image).stem)
    if found is None:
        fix = "give the folder of images with --media, whose order then counts"
        raise InputError(f"image {image[:60]!r} has no number in its name", where=where, fix=fix)
    return int(found["number"])
