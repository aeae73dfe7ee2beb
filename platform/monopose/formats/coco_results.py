"""COCO's results JSON: what a keypoint detector hands in, a list of the people it found.

Source: COCO's description of its results format: image_id, category_id (1 is a person), keypoints
as x, y, score triplets and the person's score. Tools add a box (x, y, width, height) and, with
tracking, an id of the person.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from monopose.errors import InputError
from monopose.formats.people import (
    Frame,
    Person,
    box,
    flattened,
    identity,
    listed,
    mapped,
    number,
    read_json,
    shown,
    triplets,
)

_PERSON = 1
_LONGEST_NAME = 500


def read_coco_results(path: Path) -> tuple[Frame, ...]:
    """The images in order of first mention, each with its people; other categories are left out.

    Raises InputError naming the file when it is not such a file.
    """
    return read_found(path, box_name="bbox", track_name="track_id")


def write_coco_results(path: Path, frames: Sequence[Frame]) -> None:
    """Writes the people of all frames; an image without any leaves no trace, as in COCO's own."""
    path.write_bytes(orjson.dumps(found_records(frames, box_name="bbox", track_name="track_id")))


def read_found(path: Path, *, box_name: str, track_name: str) -> tuple[Frame, ...]:
    """The same with the names of the fields for a person's box and identity."""
    images: dict[int | str, list[Person]] = {}
    for index, found in enumerate(listed(read_json(path), "the file", str(path))):
        where = f"{path} [{index}]"
        fields = mapped(found, "a result", where)
        people = images.setdefault(_image(fields.get("image_id"), where), [])
        if fields.get("category_id", _PERSON) == _PERSON:
            people.append(_person(fields, box_name, track_name, where))
    return tuple(Frame(image, tuple(people)) for image, people in images.items())


def found_records(
    frames: Sequence[Frame], *, box_name: str, track_name: str
) -> list[dict[str, Any]]:
    """The inverse of `read_found`, before it is JSON."""
    return [
        _record(frame.image, person, box_name, track_name)
        for frame in frames
        for person in frame.people
    ]


def _image(value: Any, where: str) -> int | str:
    if isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable():
        return value
    whole = None if isinstance(value, str) else identity(value, "image_id", where)
    if whole is None:
        raise InputError(f"image_id is {shown(value)}, not a number or a name", where=where)
    return whole


def _person(fields: dict[str, Any], box_name: str, track_name: str, where: str) -> Person:
    keypoints_px, keypoint_score = triplets(fields.get("keypoints"), "keypoints", where)
    given = fields.get("score")
    return Person(
        keypoints_px,
        keypoint_score,
        None if given is None else number(given, "score", where),
        identity(fields.get(track_name), track_name, where),
        box(fields[box_name], box_name, where) if fields.get(box_name) else None,
    )


def _record(image: int | str, person: Person, box_name: str, track_name: str) -> dict[str, Any]:
    record: dict[str, Any] = {
        "image_id": image,
        "category_id": _PERSON,
        "keypoints": flattened(person),
        "score": 1.0 if person.score is None else person.score,
    }
    if person.box_px is not None:
        record[box_name] = list(person.box_px)
    if person.track_id is not None:
        record[track_name] = person.track_id
    return record
