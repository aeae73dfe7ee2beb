"""VideoPose3D's camera records as a JSON file, read and written.

Layout, one of: {subject: [record, ...]}; one list that serves every subject; or {"intrinsics":
[...], "extrinsics": {subject: [...]}}, whose records of equal place make one camera each. A record
holds id, orientation (quaternion w x y z), translation (m, or mm), focal_length and center (px),
radial_distortion, tangential_distortion, res_w and res_h: the fields of VideoPose3D, which keeps
them in code. `world_to_camera` is ours: the same place as a matrix, so that no digit is lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from jaxtyping import Float, Float64

from monopose.errors import InputError
from monopose.geometry.camera import Camera
from monopose.geometry.rotation import matrix_to_quaternion, quaternion_to_matrix

_METRES_AT_MOST = 100.0
_MILLIMETRES_AT_MOST = 1e6
_PIXELS_AT_LEAST, _PIXELS_AT_MOST = 10.0, 1e6
_COEFFICIENT_AT_MOST = 1e3
_FILE_BYTES_AT_MOST = 64 << 20
_UNIT_WITHIN = 0.01
_NEEDS = "needs id, orientation, translation, focal_length, center, res_w, res_h"


@dataclass(frozen=True)
class CameraRules:
    """What a data set fixes about its cameras.

    order: their ids in the order of the 2D views; empty where it fixes none. sizes_px: (width,
    height) by id, for records that do not tell. partial: a record may lack its place or its lens,
    and a subject its cameras.
    """

    order: tuple[str, ...] = ()
    sizes_px: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    partial: bool = False


def read_camera_file(path: Path) -> Any:
    """The content of a camera file; raises InputError naming it when it is no JSON."""
    try:
        if path.stat().st_size > _FILE_BYTES_AT_MOST:
            raise InputError("is too big for a file of cameras", where=str(path))
        return orjson.loads(path.read_bytes())
    except (orjson.JSONDecodeError, OSError) as error:
        raise InputError(f"is not readable JSON ({error})", where=str(path)) from error


def subject_cameras(
    content: Any, subject: str, path: Path, rules: CameraRules = CameraRules()
) -> tuple[Camera, ...]:
    """The cameras of a subject in the order of the 2D views; HumanEva's Train/S1 finds S1.

    Raises InputError naming the file, the subject and the camera.
    """
    where = f"{path} {subject}"
    records = _records(content, subject, where)
    if records is None and rules.partial and rules.order:
        records = [{"id": name} for name in rules.order]
    if not records:
        raise InputError("has no cameras for this subject", where=where, fix="add them by subject")
    cameras = [_camera(rec, f"{where} camera {i}", rules) for i, rec in enumerate(records)]
    if not rules.order:
        return tuple(cameras)
    by_id = {camera.camera_id: camera for camera in cameras}
    ids = [camera.camera_id for camera in cameras]
    if sorted(ids) != sorted(rules.order):
        what = f"has cameras {', '.join(ids)[:80]!r}, not {', '.join(rules.order)}"
        raise InputError(what, where=where)
    return tuple(by_id[name] for name in rules.order)


def camera_record(camera: Camera) -> dict[str, Any]:
    """A calibrated camera as a record that reads back exactly; raises InputError if it cannot."""
    name = f"camera {camera.camera_id!r}"
    numbers = (camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height)
    if camera.rotation is None or camera.translation_m is None or None in numbers:
        what = "is not calibrated in full, which VideoPose3D's layout needs"
        raise InputError(what, where=name)
    fx, fy, cx, cy, width, height = (float(number) for number in numbers if number is not None)
    rotation = np.asarray(camera.rotation, np.float64)
    translation_m = np.asarray(camera.translation_m, np.float64)
    record: dict[str, Any] = {
        "id": camera.camera_id,
        "orientation": matrix_to_quaternion(rotation.T).tolist(),
        "translation": (-rotation.T @ translation_m).tolist(),
        "focal_length": [fx, fy],
        "center": [cx, cy],
        "res_w": int(width),
        "res_h": int(height),
        "world_to_camera": {
            "rotation": rotation.tolist(),
            "translation_m": translation_m.tolist(),
        },
    }
    if camera.distortion is not None:
        k1, k2, p1, p2, k3 = map(float, camera.distortion)
        record |= {"radial_distortion": [k1, k2, k3], "tangential_distortion": [p2, p1]}
    _camera(orjson.loads(orjson.dumps(record)), name, CameraRules())
    return record


def _records(content: Any, subject: str, where: str) -> list[dict[str, Any]] | None:
    intrinsics: Any = None
    if isinstance(content, dict) and "extrinsics" in content:
        intrinsics, content = content.get("intrinsics"), content["extrinsics"]
    found = content
    if isinstance(content, dict):
        found = content.get(subject, content.get(subject.rsplit("/", 1)[-1]))
    if found is None:
        return None
    lists = [found] if intrinsics is None else [intrinsics, found]
    if not all(isinstance(part, list) and all(map(_is_record, part)) for part in lists):
        raise InputError("cameras are not a list of JSON objects", where=where, fix=_NEEDS)
    if len({len(part) for part in lists}) > 1:
        what = f"has {len(lists[0])} intrinsics for {len(found)} extrinsics"
        raise InputError(what, where=where)
    return [
        {key: value for part in parts for key, value in part.items()}
        for parts in zip(*lists, strict=True)
    ]


def _is_record(value: Any) -> bool:
    return isinstance(value, dict)


def _camera(record: Mapping[str, Any], where: str, rules: CameraRules) -> Camera:
    name = record.get("id")
    if not isinstance(name, (str, int)) or isinstance(name, bool):
        raise InputError(f"has no id ({name!r:.40})", where=where, fix=_NEEDS)
    rotation, translation_m = _place(record, where, rules)
    lens = None
    if not (rules.partial and "focal_length" not in record):
        lens = _lens(record, where)
    width, height = _size(record, where, rules.sizes_px.get(str(name)))
    return Camera(
        camera_id=str(name),
        rotation=rotation,
        translation_m=translation_m,
        fx=lens[0] if lens else None,
        fy=lens[1] if lens else None,
        cx=lens[2] if lens else None,
        cy=lens[3] if lens else None,
        distortion=_distortion(record, where) if lens else None,
        width=width,
        height=height,
    )


def _place(
    record: Mapping[str, Any], where: str, rules: CameraRules
) -> tuple[Float64[np.ndarray, "3 3"] | None, Float64[np.ndarray, "3"] | None]:
    """VideoPose3D: X_camera = R(orientation)^-1 (X_world - translation); mm when beyond 100."""
    if rules.partial and "orientation" not in record and "translation" not in record:
        return None, None
    quaternion = _numbers(record, "orientation", (4,), where, at_most=2.0)
    if abs(np.linalg.norm(quaternion) - 1) > _UNIT_WITHIN:
        raise InputError(f"orientation {quaternion.tolist()} is not of unit length", where=where)
    position = _numbers(record, "translation", (3,), where, at_most=_MILLIMETRES_AT_MOST)
    if np.abs(position).max() > _METRES_AT_MOST:
        position = position / 1000
    rotation = quaternion_to_matrix(quaternion).T
    exact = record.get("world_to_camera")
    if exact is None:
        return rotation, -rotation @ position
    return _exact_place(exact, rotation, where)


def _exact_place(
    exact: Any, near: Float[np.ndarray, "3 3"], where: str
) -> tuple[Float64[np.ndarray, "3 3"], Float64[np.ndarray, "3"]]:
    rows = exact.get("rotation") if isinstance(exact, dict) else None
    if not isinstance(rows, list) or len(rows) != 3:
        raise InputError("world_to_camera has no rotation of 3 x 3 numbers", where=where)
    rotation = np.stack([_numbers({"row": row}, "row", (3,), where, at_most=2.0) for row in rows])
    if np.abs(rotation - near).max() > _UNIT_WITHIN:
        what = "world_to_camera and orientation are different rotations"
        raise InputError(what, where=where, fix="drop world_to_camera if orientation was edited")
    at_most = _MILLIMETRES_AT_MOST
    return rotation, _numbers(exact, "translation_m", (3,), where, at_most=at_most)


def _lens(record: Mapping[str, Any], where: str) -> tuple[float, float, float, float]:
    focal = _numbers(record, "focal_length", (2,), where, at_most=_PIXELS_AT_MOST)
    if focal.min() < _PIXELS_AT_LEAST:
        raise InputError(f"focal length {focal.tolist()} is not in pixels", where=where)
    centre = _numbers(record, "center", (2,), where, at_most=_PIXELS_AT_MOST)
    return float(focal[0]), float(focal[1]), float(centre[0]), float(centre[1])


def _distortion(
    record: Mapping[str, Any], where: str
) -> tuple[float, float, float, float, float] | None:
    """Radial and tangential terms in the order of our cameras, None when the record has neither.

    VideoPose3D adds x (t.x) + t r^2 for its tangential pair t, Brown-Conrady (OpenCV) adds
    2 x (p.x) + p r^2 with p = (p2, p1). So p1 = t[1] and p2 = t[0], which is also the order of
    Human3.6M's own pair; the remaining x (t.x) is below 0.3 px on Human3.6M's cameras.
    """
    if "radial_distortion" not in record and "tangential_distortion" not in record:
        return None
    given: dict[str, Any] = {"radial_distortion": [0.0], "tangential_distortion": [0.0, 0.0]}
    given |= record
    radial = _numbers(given, "radial_distortion", (1, 2, 3), where, at_most=_COEFFICIENT_AT_MOST)
    pair = _numbers(given, "tangential_distortion", (2,), where, at_most=_COEFFICIENT_AT_MOST)
    k1, k2, k3 = (*radial.tolist(), 0.0, 0.0)[:3]
    return k1, k2, float(pair[1]), float(pair[0]), k3


def _size(record: Mapping[str, Any], where: str, known: tuple[int, int] | None) -> tuple[int, int]:
    if known is not None and "res_w" not in record and "res_h" not in record:
        return known
    sides = [record.get("res_w"), record.get("res_h")]
    width, height = _numbers({"res_w, res_h": sides}, "res_w, res_h", (2,), where, at_most=1e5)
    if width < 1 or height < 1 or width % 1 or height % 1:
        raise InputError(f"image size {sides!r:.60} is not in whole pixels", where=where)
    return int(width), int(height)


def _numbers(
    record: Mapping[str, Any], key: str, counts: Sequence[int], where: str, *, at_most: float
) -> Float64[np.ndarray, " n"]:
    values = record.get(key)
    if key not in record:
        raise InputError(f"has no {key}", where=where, fix=_NEEDS)
    listed = values if isinstance(values, list) else []
    plain = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in listed)
    if len(listed) not in counts or not plain or not all(abs(v) <= at_most for v in listed):
        wanted = " or ".join(map(str, counts))
        what = f"{key} is {values!r:.60}, not {wanted} numbers of at most {at_most:g}"
        raise InputError(what, where=where)
    return np.array(listed, np.float64)
