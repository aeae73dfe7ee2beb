"""Calibrations as Pose2Sim and Anipose write them: TOML, one section for each camera.

Source: Pose2Sim's documentation. size (width, height), matrix 3 x 3, distortions k1 k2 p1 p2 [k3]
(OpenCV's order), rotation as a Rodrigues vector and translation, so that
X_camera = R X_world + t, metres. The world is Z up; Pose2Sim's own TRC files are Y up.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from monopose.errors import InputError
from monopose.formats.people import mapped, numbers, shown
from monopose.geometry.camera import Camera
from monopose.geometry.rotation import axis_angle_to_matrix

_NOT_A_CAMERA = "metadata"
_LARGEST_SIDE_PX = 100_000


def read_calibration(path: Path) -> tuple[Camera, ...]:
    """The cameras in the order of the file, each by its name (or its section's).

    Raises InputError naming the file and the section when a part is missing or wrong, and for
    fisheye lenses, whose distortion is another model.
    """
    try:
        sections = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        told = str(error).splitlines()[0][:80] if str(error) else type(error).__name__
        raise InputError(f"is not readable TOML ({told})", where=str(path)) from error
    cameras = tuple(
        _camera(name, mapped(section, shown(name), str(path)), f"{path} [{shown(name)[1:-1]}]")
        for name, section in sections.items()
        if name != _NOT_A_CAMERA
    )
    names = [camera.camera_id for camera in cameras]
    if not cameras or len(set(names)) < len(names):
        raise InputError(f"has the cameras {names}", where=str(path), fix="name each once")
    return cameras


def _camera(section: str, fields: dict[str, Any], where: str) -> Camera:
    if fields.get("fisheye"):
        raise InputError("is a fisheye lens, which is not supported", where=where)
    rows = fields.get("matrix")
    matrix = numbers([v for row in _rows(rows, where) for v in row], "matrix", where).reshape(3, 3)
    width, height = (_side_px(side, where) for side in _vector(fields, "size", (2,), where))
    if min(matrix[0, 0], matrix[1, 1]) <= 0:
        raise InputError("has a focal length that is not positive", where=where)
    return Camera(
        camera_id=_name(fields.get("name", section), where),
        rotation=axis_angle_to_matrix(_vector(fields, "rotation", (3,), where)),
        translation_m=_vector(fields, "translation", (3,), where),
        fx=float(matrix[0, 0]),
        fy=float(matrix[1, 1]),
        cx=float(matrix[0, 2]),
        cy=float(matrix[1, 2]),
        distortion=_distortion(fields, where),
        width=width,
        height=height,
    )


def _name(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.isprintable() or not value.strip():
        raise InputError(f"name is {shown(value)}, not a name on one line", where=where)
    return value


def _rows(rows: Any, where: str) -> Sequence[Sequence[Any]]:
    listed = rows if isinstance(rows, list) else []
    shape = [len(row) if isinstance(row, list) else -1 for row in listed]
    if shape != [3, 3, 3]:
        raise InputError(f"matrix is {shown(rows)}, not 3 x 3", where=where)
    return listed


def _vector(
    fields: dict[str, Any], name: str, sizes: tuple[int, ...], where: str
) -> Float64[np.ndarray, " n"]:
    values = numbers(fields.get(name), name, where)
    if len(values) not in sizes:
        wanted = " or ".join(map(str, sizes))
        raise InputError(f"{name} has {len(values)} numbers, not {wanted}", where=where)
    return values


def _side_px(side: float, where: str) -> int:
    if not 1 <= side <= _LARGEST_SIDE_PX or side != int(side):
        raise InputError(f"size {side:g} is no number of pixels", where=where)
    return int(side)


def _distortion(
    fields: dict[str, Any], where: str
) -> tuple[float, float, float, float, float] | None:
    if "distortions" not in fields:
        return None
    k1, k2, p1, p2, k3 = (*_vector(fields, "distortions", (4, 5), where).tolist(), 0.0)[:5]
    return k1, k2, p1, p2, k3
