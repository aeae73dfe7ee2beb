"""MMPose's predictions as JSON, in the layouts that its inferencer and its demos write.

Source: MMPose 1.x. An instance holds keypoints [[x, y], ...], keypoint_scores, bbox as a corner
pair (x1, y1, x2, y2) inside one more list, bbox_score and, with tracking, track_id.
- `video`: the inferencer's [{frame_id, instances}, ...], counted from 0.
- `image`: the inferencer's list of instances, one file for each image.
- `demo`: the demos' {meta_info, instance_info}, whose instance_info is either of the above;
  frames are counted from 1, and meta_info names the joints.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson

from monopose.errors import InputError
from monopose.formats.people import (
    Frame,
    Person,
    box,
    identity,
    listed,
    mapped,
    number,
    numbers,
    read_json,
    shown,
)

Flavour = Literal["video", "image", "demo"]

# MMPose's names of the joints that it calls otherwise than our sets do: {ours: MMPose's}.
JOINT_NAMES: dict[str, dict[str, str]] = {
    "coco17": {},
    "halpe26": {"head_top": "head", "pelvis": "hip"},
    "h36m17": {
        "pelvis": "root",
        "right_ankle": "right_foot",
        "left_ankle": "left_foot",
        "neck_nose": "neck_base",
        "head_top": "head",
    },
}


@dataclass(frozen=True)
class Predictions:
    """One file. joints: their names as MMPose spells them, None where the file has none."""

    flavour: Flavour
    frames: tuple[Frame, ...]
    joints: tuple[str, ...] | None = None


def read_mmpose(path: Path) -> Predictions:
    """Any of the layouts; the one frame of an `image` file is numbered 0.

    Raises InputError naming the file when it is none of them.
    """
    values, where = read_json(path), str(path)
    if not isinstance(values, dict):
        records = listed(values, "the file", where)
        video = bool(records) and isinstance(records[0], dict) and "instances" in records[0]
        return Predictions("video" if video else "image", _frames(records, video, where))
    records = listed(values.get("instance_info"), "instance_info", where)
    video = bool(records) and isinstance(records[0], dict) and "instances" in records[0]
    return Predictions("demo", _frames(records, video, where), _joints(values, where))


def _frames(records: list[Any], video: bool, where: str) -> tuple[Frame, ...]:
    if not video:
        return (Frame(0, _people(records, where)),)
    frames = []
    for index, record in enumerate(records):
        place = f"{where} [{index}]"
        fields = mapped(record, "a frame", place)
        image = identity(fields.get("frame_id"), "frame_id", place)
        if image is None:
            raise InputError(f"frame_id is {shown(fields.get('frame_id'))}", where=place)
        people = listed(fields.get("instances"), "instances", place)
        frames.append(Frame(image, _people(people, place)))
    return tuple(frames)


def _people(instances: list[Any], where: str) -> tuple[Person, ...]:
    return tuple(_person(each, f"{where} instance {i}") for i, each in enumerate(instances))


def _person(values: Any, where: str) -> Person:
    fields = mapped(values, "an instance", where)
    rows = listed(fields.get("keypoints"), "keypoints", where)
    points = [numbers(row, "keypoints", where) for row in rows]
    if not points or any(len(point) != 2 for point in points):
        raise InputError("keypoints are not a list of x, y pairs", where=where)
    score = numbers(fields.get("keypoint_scores"), "keypoint_scores", where)
    if len(score) != len(points):
        what = f"has {len(points)} keypoints and {len(score)} keypoint_scores"
        raise InputError(what, where=where)
    given = fields.get("bbox_score")
    return Person(
        np.stack(points),
        score,
        None if given is None else number(given, "bbox_score", where),
        identity(fields.get("track_id"), "track_id", where),
        _box(fields.get("bbox"), where),
    )


def _box(values: Any, where: str) -> tuple[float, float, float, float] | None:
    nested = isinstance(values, list) and len(values) == 1
    corners = values[0] if nested else values
    if not corners:
        return None
    x1, y1, x2, y2 = box(corners, "bbox", where)
    return x1, y1, x2 - x1, y2 - y1


def _joints(values: dict[str, Any], where: str) -> tuple[str, ...] | None:
    meta = mapped(values.get("meta_info") or {}, "meta_info", where)
    names = meta.get("keypoint_id2name")
    if not isinstance(names, dict):
        return None
    ordered = [names.get(str(index)) for index in range(len(names))]
    if not all(isinstance(name, str) for name in ordered):
        raise InputError("keypoint_id2name does not number its joints from 0", where=where)
    return tuple(str(name) for name in ordered)


def write_mmpose(path: Path, predictions: Predictions) -> None:
    """Writes the file as MMPose does; raises InputError for an image file of several frames."""
    frames: list[Any] = [
        {"frame_id": frame.image, "instances": _instances(frame.people)}
        for frame in predictions.frames
    ]
    if predictions.flavour == "image":
        if len(frames) != 1:
            raise InputError(f"an image file holds one frame, not {len(frames)}", where=str(path))
        frames = frames[0]["instances"]
    written: Any = frames
    if predictions.flavour == "demo":
        named = {str(i): name for i, name in enumerate(predictions.joints or ())}
        meta = {"num_keypoints": len(named), "keypoint_id2name": named} if named else {}
        written = {"meta_info": meta, "instance_info": frames}
    path.write_bytes(orjson.dumps(written, option=orjson.OPT_INDENT_2))


def _instances(people: Sequence[Person]) -> list[dict[str, Any]]:
    return [_instance(person) for person in people]


def _instance(person: Person) -> dict[str, Any]:
    record: dict[str, Any] = {
        "keypoints": person.keypoints_px.tolist(),
        "keypoint_scores": person.keypoint_score.tolist(),
    }
    if person.box_px is not None:
        x, y, width, height = person.box_px
        record["bbox"] = [[x, y, x + width, y + height]]
    if person.score is not None:
        record["bbox_score"] = person.score
    if person.track_id is not None:
        record["track_id"] = person.track_id
    return record
