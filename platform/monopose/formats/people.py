"""People found in images: what the JSON files of 2D detectors hold, whatever their layout."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from jaxtyping import Float64

from monopose.errors import InputError

# No image has a pixel further out than this, nor a detector a score beyond it.
_LARGEST = 1e6
# An id of a person or of an image above this is damage.
_LARGEST_ID = 1e12


@dataclass(frozen=True, eq=False)
class Person:
    """One person in one image.

    keypoints_px: J x 2. keypoint_score: J, as the detector gives it, 0 for a keypoint that it
    did not find. score: of the whole person, on the detector's own scale. track_id: the person's
    identity over time, None where the file gives none. box_px: (x, y, width, height).
    """

    keypoints_px: Float64[np.ndarray, "J 2"]
    keypoint_score: Float64[np.ndarray, " J"]
    score: float | None = None
    track_id: int | None = None
    box_px: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Frame:
    """One image by its number or name, and the people in it."""

    image: int | str
    people: tuple[Person, ...]


def read_json(path: Path) -> Any:
    """The values in a JSON file; raises InputError naming it when it is not readable JSON."""
    try:
        return orjson.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from error
    except orjson.JSONDecodeError as error:
        raise InputError(f"is not readable JSON ({error})", where=str(path)) from error


def listed(values: Any, what: str, where: str) -> list[Any]:
    """The value as the list that belongs there; raises InputError otherwise."""
    if not isinstance(values, list):
        raise InputError(f"{what} is {shown(values)}, not a list", where=where)
    return values


def mapped(values: Any, what: str, where: str) -> dict[str, Any]:
    """The value as the object that belongs there; raises InputError otherwise."""
    if not isinstance(values, dict):
        raise InputError(f"{what} is {shown(values)}, not an object", where=where)
    return values


def numbers(values: Any, what: str, where: str) -> Float64[np.ndarray, " values"]:
    """A flat list of usual numbers; raises InputError for anything else in it."""
    plain = listed(values, what, where)
    bad = next((v for v in plain if not _usual(v)), None)
    if bad is not None or None in plain:
        raise InputError(f"{what} holds {shown(bad)}, not a usual number", where=where)
    return np.array(plain, np.float64)


def number(value: Any, what: str, where: str) -> float:
    """One usual number; raises InputError otherwise."""
    return float(numbers([value], what, where)[0])


def identity(value: Any, what: str, where: str) -> int | None:
    """An id of a person: a whole number, None for none; raises InputError for anything else.

    A list counts by its first number (OpenPose, AlphaPose); a negative number is no identity.
    """
    while isinstance(value, list) and value:
        value = value[0]
    if value is None or value == []:
        return None
    if not _usual(value, _LARGEST_ID) or value != int(value):
        raise InputError(f"{what} is {shown(value)}, not a whole number", where=where)
    return int(value) if value >= 0 else None


def triplets(
    values: Any, what: str, where: str
) -> tuple[Float64[np.ndarray, "J 2"], Float64[np.ndarray, " J"]]:
    """x, y, score, x, y, score, ... as coordinates and scores; raises InputError otherwise."""
    flat = numbers(values, what, where)
    if len(flat) == 0 or len(flat) % 3:
        raise InputError(f"{what} has {len(flat)} numbers, not three a joint", where=where)
    table = flat.reshape(-1, 3)
    return table[:, :2], table[:, 2]


def flattened(person: Person) -> list[float]:
    """The inverse of `triplets`."""
    return np.column_stack([person.keypoints_px, person.keypoint_score]).ravel().tolist()


def box(values: Any, what: str, where: str) -> tuple[float, float, float, float]:
    """Four usual numbers; raises InputError otherwise."""
    flat = numbers(values, what, where)
    if len(flat) != 4:
        raise InputError(f"{what} has {len(flat)} numbers, not 4", where=where)
    x, y, third, fourth = flat.tolist()
    return x, y, third, fourth


def same_joints(frames: Sequence[Frame], where: str) -> int:
    """How many joints all the people have; raises InputError when they differ or none is there."""
    counts = {len(person.keypoint_score) for frame in frames for person in frame.people}
    if len(counts) != 1:
        told = f"has people of {sorted(counts)} joints" if counts else "has no people in it"
        raise InputError(told, where=where)
    return counts.pop()


def shown(value: Any) -> str:
    """The start of a value, on one line, for a message."""
    return repr(value)[:40]


def _usual(value: Any, largest: float = _LARGEST) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and -largest <= value <= largest
