"""OpenPose's JSON: one file per frame, `people[].pose_keypoints_2d` as x, y, confidence triplets.

Source: OpenPose's documentation of its output (version 1.3). A keypoint that was not found is
0, 0, 0. person_id is [-1] unless tracking was on. Numbers carry six significant digits.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson

from monopose.formats.people import (
    Person,
    flattened,
    identity,
    listed,
    mapped,
    read_json,
    triplets,
)

LAYOUTS = ("body25", "body25b", "openpose18", "coco17")
_SIGNIFICANT_DIGITS = 6
_OTHER_LISTS = (
    "face_keypoints_2d",
    "hand_left_keypoints_2d",
    "hand_right_keypoints_2d",
    "pose_keypoints_3d",
    "face_keypoints_3d",
    "hand_left_keypoints_3d",
    "hand_right_keypoints_3d",
)
# Parts 15 and 16 are BODY_25's eyes and BODY_25B's ankles; 0, 17 and 18 are on the head in both.
_EYES_OR_ANKLES, _HEAD = (15, 16), (0, 17, 18)
_EYES_WITHIN = 0.3


def read_openpose(path: Path) -> tuple[Person, ...]:
    """The people of one frame; those of whom no body part is listed are left out.

    Pose2Sim, which sorts such files by person, writes an empty object for an absent one.
    Raises InputError naming the file when it is not such a file.
    """
    where = str(path)
    people = listed(mapped(read_json(path), "the file", where).get("people"), "people", where)
    return tuple(
        person
        for index, found in enumerate(people)
        if (person := _person(found, f"{where} people[{index}]")) is not None
    )


def _person(values: object, where: str) -> Person | None:
    fields = mapped(values, "a person", where)
    flat = fields.get("pose_keypoints_2d")
    if not fields or flat == []:
        return None
    keypoints_px, score = triplets(flat, "pose_keypoints_2d", where)
    track_id = identity(fields.get("person_id"), "person_id", where)
    return Person(keypoints_px, score, track_id=track_id)


def write_openpose(path: Path, people: Sequence[Person]) -> None:
    """Writes one frame as OpenPose 1.3 does; an empty list of people is a frame without any."""
    records = [
        {
            "person_id": [-1 if person.track_id is None else person.track_id],
            "pose_keypoints_2d": [_rounded(value) for value in flattened(person)],
            **{name: list[float]() for name in _OTHER_LISTS},
        }
        for person in people
    ]
    path.write_bytes(orjson.dumps({"version": 1.3, "people": records}))


def _rounded(value: float) -> float | int:
    short = float(f"{value:.{_SIGNIFICANT_DIGITS}g}")
    return int(short) if short.is_integer() else short


def recognise_25(people: Sequence[Person]) -> str | None:
    """`body25` or `body25b`: both have 25 parts, in different orders, and no file says which.

    The two parts that are eyes in one and ankles in the other are near the head or far from it,
    by the median over the people of their distance as a share of the body's extent. None when no
    person shows enough to tell.
    """
    shares = [share for person in people if (share := _share_from_head(person)) is not None]
    if not shares:
        return None
    return "body25" if np.median(shares) < _EYES_WITHIN else "body25b"


def _share_from_head(person: Person) -> float | None:
    seen = person.keypoint_score > 0
    parts = [part for part in _EYES_OR_ANKLES if seen[part]]
    head = [part for part in _HEAD if seen[part]]
    extent_px = np.ptp(person.keypoints_px[seen], axis=0).max() if seen.any() else 0.0
    if not parts or not head or extent_px <= 0:
        return None
    between = person.keypoints_px[parts, None] - person.keypoints_px[head]
    return float(np.linalg.norm(between, axis=-1).min(axis=1).mean() / extent_px)
