"""Camera calibrations in the text form of MPI-INF-3DHP's `camera.calibration`.

A title line ("Skeletool Camera Calibration File V1.0"), which copies may lack, then seven lines a
camera: name, sensor (mm), size (px), animated, intrinsic and extrinsic (4x4, row by row), radial.
The extrinsic brings world points in mm into the camera's frame (x right, y down, z forward).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from monopose.errors import InputError

_LENGTHS = {"size": 2, "intrinsic": 16, "extrinsic": 16}
_LARGEST_PX = 100_000


@dataclass(frozen=True)
class CalibratedCamera:
    """One camera as the file has it.

    size_px: (width, height). intrinsic: pixels. extrinsic: world to camera, translation in mm.
    """

    name: str
    size_px: tuple[int, int]
    intrinsic: Float64[np.ndarray, "4 4"]
    extrinsic_mm: Float64[np.ndarray, "4 4"]


def read_calibration(path: Path) -> dict[str, CalibratedCamera]:
    """The cameras of a file by name, in its order.

    Raises InputError naming the file and the line for a file that cannot be read, a part that is
    missing or has the wrong count of numbers, lens distortion (the file says one number of it and
    not what it means) and a name that comes twice.
    """
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        what = f"is not a readable text ({type(error).__name__})"
        raise InputError(what, where=str(path)) from error
    cameras: dict[str, CalibratedCamera] = {}
    for number, block in _blocks(lines):
        where = f"{path} line {number}"
        name = block["name"].strip()
        if not name or name in cameras:
            raise InputError(f"camera name {name[:20]!r} is empty or taken", where=where)
        cameras[name] = _camera(name, block, where)
    if not cameras:
        raise InputError("holds no camera", where=str(path), fix="it needs lines 'name', 'size', …")
    return cameras


def _blocks(lines: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, {keyword: rest of its line}) of each camera; what comes before is title."""
    start, block = 0, dict[str, str]()
    for number, line in enumerate(lines, 1):
        keyword, _, rest = line.strip().partition(" ")
        if keyword == "name":
            if block:
                yield start, block
            start, block = number, {"name": rest}
        elif block and keyword:
            block[keyword] = rest
    if block:
        yield start, block


def _camera(name: str, block: dict[str, str], where: str) -> CalibratedCamera:
    numbers = {part: _numbers(block, part, count, where) for part, count in _LENGTHS.items()}
    width, height = numbers["size"]
    if not (0 < width <= _LARGEST_PX and 0 < height <= _LARGEST_PX):
        raise InputError(f"camera {name} is of {width:g} x {height:g} pixels", where=where)
    if np.any(_numbers(block, "radial", 1, where)):
        raise InputError(f"camera {name} has lens distortion of an unknown kind", where=where)
    intrinsic, extrinsic = (numbers[part].reshape(4, 4) for part in ("intrinsic", "extrinsic"))
    if intrinsic[0, 0] <= 0 or intrinsic[1, 1] <= 0:
        raise InputError(f"camera {name} has no positive focal length", where=where)
    rotation = extrinsic[:3, :3]
    with np.errstate(over="ignore", invalid="ignore"):
        turns = np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3)
    if not turns or np.linalg.det(rotation) < 0:
        raise InputError(f"the extrinsic of camera {name} is not a rotation", where=where)
    return CalibratedCamera(name, (int(width), int(height)), intrinsic, extrinsic)


def _numbers(block: dict[str, str], part: str, count: int, where: str) -> Float64[np.ndarray, " n"]:
    words = block.get(part, "0" if part == "radial" else "").split()
    try:
        values = np.array([float(word) for word in words])
    except ValueError:
        values = np.zeros(0)
    if len(values) != count or not np.isfinite(values).all() or np.abs(values).max() > 1e9:
        raise InputError(f"{part!r} needs {count} numbers", where=where)
    return values
