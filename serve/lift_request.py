"""From the bytes of a request to checked keypoints; every fault names its field.

Nothing here opens a file or a connection: a request cannot name a path or a URL.
"""

import math
from dataclasses import dataclass
from itertools import chain
from typing import Any, NoReturn

import numpy as np
import orjson
from jaxtyping import Float

from monopose.errors import InputError
from monopose.geometry.camera import Camera
from monopose.inference.predictor import Keypoints2d
from monopose.inference.resampling import LOWEST_FPS
from monopose.skeleton import JOINT_SETS, JointSet, identify, joint_set
from serve.schemas import CameraBody, LiftBody, Limits, RequestError

# Far beyond any detector's output, far below where float32 loses the pixel.
_LARGEST_PX = 1e6
_FIELDS = frozenset(LiftBody.model_fields)
_CAMERA_FIELDS = frozenset(CameraBody.model_fields)
_NUMBERS = {int, float}
_SHAPE = "T x J x 2, or T x J x 3 with the score"


@dataclass(frozen=True)
class LiftRequest:
    """A checked request: safe to put into a batch with others."""

    keypoints: Keypoints2d
    model: str | None

    @property
    def frames(self) -> int:
        """Frames to lift."""
        return len(self.keypoints.score)


def parse(payload: bytes, limits: Limits) -> LiftRequest:
    """The request in a JSON body; raises RequestError (413 or 422) naming the field."""
    body = _object(payload)
    joints = _joint_set(body)
    keypoints_px, score = _keypoints(body, joints, limits)
    camera = _camera(body, *_image_size(body))
    fps = _fps(body)
    model = body.get("model")
    if model is not None and not isinstance(model, str):
        _wrong("model", "is not a string", "give an alias or an id of GET /v1/models")
    return LiftRequest(Keypoints2d(keypoints_px, score, joints.name, camera, fps), model)


def _wrong(field: str, message: str, fix: str) -> NoReturn:
    raise RequestError(422, field, f"{field} {message}", fix)


def _object(payload: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        what = f"is not valid JSON ({error}); NaN and Infinity are not JSON"
        _wrong("body", what, "send a JSON object; write null for a missing joint")
    if not isinstance(body, dict):
        _wrong(
            "body",
            "is not a JSON object",
            f"send an object with {', '.join(LiftBody.model_fields)}",
        )
    for name in body.keys() - _FIELDS:
        _wrong(
            name[:80], "is no field of this request", f"fields: {', '.join(LiftBody.model_fields)}"
        )
    return body


def _joint_set(body: dict[str, Any]) -> JointSet:
    name, joints = body.get("joint_set"), body.get("joints")
    known = f"known sets: {', '.join(sorted(JOINT_SETS))}"
    if (name is None) == (joints is None):
        _wrong("joint_set", "or joints must be given, and not both", known)
    field = "joints" if name is None else "joint_set"
    try:
        if isinstance(name, str):
            return joint_set(name)
        if isinstance(joints, list) and all(isinstance(joint, str) for joint in joints):
            return identify(joints)
    except InputError as error:
        raise RequestError(422, field, error.what[:500], error.fix) from error
    _wrong(field, "is not a name" if name is not None else "is not a list of names", known)


def _keypoints(
    body: dict[str, Any], joints: JointSet, limits: Limits
) -> tuple[Float[np.ndarray, "T J 2"], Float[np.ndarray, "T J"]]:
    frames = _frames(body.get("keypoints"), "keypoints", joints, limits)
    rows = _joint_rows([joint for frame in frames for joint in frame])
    flat = _numbers(list(chain.from_iterable(rows)), "keypoints")
    values = flat.reshape(len(frames), len(joints), len(rows[0]))
    keypoints_px = values[..., :2]
    score = _score(body, values, joints, limits)
    seen = ~np.isnan(keypoints_px).any(axis=2)
    score = np.where(seen, score, 0.0)
    visible = score > 0
    if not visible.any():
        _wrong("keypoints", "has no visible joint in any frame", "give a person that was detected")
    keypoints_px = np.where(visible[..., None], keypoints_px, 0.0)
    if np.abs(keypoints_px).max() > _LARGEST_PX:
        _wrong("keypoints", f"has coordinates beyond {_LARGEST_PX:.0f}", "give pixels")
    return keypoints_px.astype(np.float32), score.astype(np.float32)


def _score(
    body: dict[str, Any], values: Float[np.ndarray, "T J C"], joints: JointSet, limits: Limits
) -> Float[np.ndarray, "T J"]:
    given = body.get("score")
    if given is None:
        column = values[..., 2] if values.shape[2] == 3 else np.ones(values.shape[:2])
        return _checked_score(column, "keypoints")
    if values.shape[2] == 3:
        _wrong("score", "is given twice: keypoints has a third column", "give it once")
    frames = _frames(given, "score", joints, limits)
    if len(frames) != len(values):
        _wrong("score", f"has {len(frames)} frames, keypoints {len(values)}", "give T x J")
    score = _numbers(list(chain.from_iterable(frames)), "score").reshape(values.shape[:2])
    return _checked_score(score, "score")


def _checked_score(score: Float[np.ndarray, "T J"], field: str) -> Float[np.ndarray, "T J"]:
    score = np.nan_to_num(score, nan=0.0)
    if score.min() < 0 or score.max() > 1:
        _wrong(field, "has scores outside 0..1", "scale the detector's confidences to 0..1")
    return score


def _frames(frames: Any, field: str, joints: JointSet, limits: Limits) -> list[list[Any]]:
    """The frames, checked to be lists of J joints before anything is turned into numbers."""
    if not isinstance(frames, list) or not frames:
        _wrong(field, "is not a list of at least one frame", f"give {_SHAPE}")
    if len(frames) > limits.max_frames:
        what = f"{field} has {len(frames)} frames, the limit is {limits.max_frames}"
        raise RequestError(413, field, what, "send the sequence in overlapping parts")
    for index, frame in enumerate(frames):
        if not isinstance(frame, list) or len(frame) != len(joints):
            found = len(frame) if isinstance(frame, list) else "no list"
            what = f"frame {index} has {found} where {len(joints)} joints of {joints.name} belong"
            _wrong(field, f"is ragged or of another joint set: {what}", "give every joint, or null")
    return frames


def _joint_rows(joints: list[Any]) -> list[list[Any]]:
    """Every joint of every frame as a list of equal length, a null joint as a row of nulls."""
    if None in joints:
        given = next((joint for joint in joints if isinstance(joint, list)), [None, None])
        joints = [[None] * len(given) if joint is None else joint for joint in joints]
    if set(map(type, joints)) != {list}:
        _wrong("keypoints", "has joints that are no lists of coordinates", f"give {_SHAPE}")
    lengths = set(map(len, joints))
    if len(lengths) > 1:
        _wrong("keypoints", f"is ragged: joints of {sorted(lengths)[:5]} numbers", f"give {_SHAPE}")
    if not lengths <= {2, 3}:
        _wrong("keypoints", f"has {lengths.pop()} numbers for a joint", f"give {_SHAPE}")
    return joints


def _numbers(values: list[Any], field: str) -> Float[np.ndarray, " n"]:
    """Values as float64, null as NaN; the types are looked at first, so strings stay wrong."""
    kinds = set(map(type, values)) - _NUMBERS - {type(None)}
    if kinds:
        names = {str: "strings", bool: "booleans", dict: "objects", list: "lists"}
        found = ", ".join(sorted(names[kind] for kind in kinds))
        _wrong(field, f"holds {found} where numbers belong", "give numbers, or null where missing")
    numbers = np.array(values, dtype=np.float64)
    if np.isinf(numbers).any():
        _wrong(field, "holds an infinite number", "give finite numbers, or null where missing")
    return numbers


def _image_size(body: dict[str, Any]) -> tuple[int, int]:
    size = body.get("image_size")
    fix = "give [width, height] of the full image in pixels"
    if not isinstance(size, list) or len(size) != 2:
        _wrong("image_size", "is not [width, height]", fix)
    if not all(type(v) in _NUMBERS and 1 <= v <= _LARGEST_PX and v == int(v) for v in size):
        _wrong("image_size", f"{size!r:.80} is not two whole numbers above 0", fix)
    return int(size[0]), int(size[1])


def _camera(body: dict[str, Any], width: int, height: int) -> Camera:
    given = body.get("camera")
    if given is None:
        return Camera("request", width=width, height=height)
    if not isinstance(given, dict) or given.keys() - _CAMERA_FIELDS:
        _wrong(
            "camera", "is not an object of fx, fy, cx, cy, distortion", "give these five, or none"
        )
    for name in ("fx", "fy"):
        _positive(given.get(name), f"camera.{name}")
    for name in ("cx", "cy"):
        _finite(given.get(name), f"camera.{name}")
    distortion = given.get("distortion")
    if distortion is not None:
        distortion = _distortion(distortion)
    fx, fy, cx, cy = (float(given[name]) for name in ("fx", "fy", "cx", "cy"))
    return Camera(
        "request",
        fx=fx,
        fy=fy,
        cx=cx,
        cy=cy,
        distortion=distortion,
        width=width,
        height=height,
    )


def _distortion(given: Any) -> tuple[float, float, float, float, float]:
    if not isinstance(given, list) or len(given) != 5:
        _wrong("camera.distortion", "is not five numbers", "give [k1, k2, p1, p2, k3]")
    for value in given:
        _finite(value, "camera.distortion")
    k1, k2, p1, p2, k3 = (float(value) for value in given)
    return k1, k2, p1, p2, k3


def _finite(value: Any, field: str) -> None:
    if type(value) not in _NUMBERS or not math.isfinite(value):
        _wrong(field, "is not a finite number", "give pixels")


def _fps(body: dict[str, Any]) -> float | None:
    fps = body.get("fps")
    if fps is None:
        return None
    if type(fps) not in _NUMBERS or not LOWEST_FPS <= fps < math.inf:
        what = f"is not a number of at least {LOWEST_FPS:g}"
        _wrong("fps", what, "give frames per second, or leave it out")
    return float(fps)


def _positive(value: Any, field: str) -> None:
    if type(value) not in _NUMBERS or not math.isfinite(value) or value <= 0:
        _wrong(field, "is not a number above 0", "give it as a finite number, or leave it out")
