"""TRC marker trajectories: tab-separated text of named points, in metres or millimetres.

Source: files of motion analysis systems, OpenSim and Pose2Sim. Five header lines: file type, names
of the settings, their values, marker names (every third column from the third), X1 Y1 Z1 ...; then
per frame its number, its time and three values per marker, empty where it was not seen.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float64

from monopose.data.clip import Clip
from monopose.errors import InputError
from monopose.formats.text import count, numbers, read_text
from monopose.skeleton import joint_set

_UNITS_M = {"m": 1.0, "cm": 0.01, "mm": 0.001}
_DECIMALS = 6
# Characters of a header's line, when only the header is read.
_LONGEST_ROW = 1 << 20


@dataclass(frozen=True)
class Trc:
    """Markers over time.

    positions_m: metres in the file's axes, NaN where a marker was not seen. first_frame: number of
    the first row.
    """

    markers: tuple[str, ...]
    positions_m: Float64[np.ndarray, "T markers 3"]
    fps: float
    first_frame: int = 1


def read_trc(path: Path) -> Trc:
    """The file; raises InputError naming it, the line and what is wrong."""
    lines, where = read_text(path).splitlines(), str(path)
    if len(lines) < 6 or not lines[0].startswith("PathFileType"):
        raise InputError("has not the five header lines of TRC", where=where)
    settings = dict(zip(lines[1].split(), lines[2].split(), strict=False))
    markers = _markers(lines[3], where)
    unit_m = _UNITS_M.get(settings.get("Units", "").lower())
    if unit_m is None:
        known = ", ".join(_UNITS_M)
        raise InputError(f"Units is {settings.get('Units')!r}", where=where, fix=f"known: {known}")
    fps = float(numbers([settings.get("DataRate", "")], where)[0])
    if not 0.1 <= fps <= 10_000:
        raise InputError(f"DataRate is {fps:g}", where=where)
    announced = {"NumMarkers": len(markers), "NumFrames": 0}
    rows = [line for line in lines[5:] if line.strip()]
    announced["NumFrames"] = len(rows)
    for name, found in announced.items():
        if count(settings.get(name, ""), name, where) != found:
            raise InputError(f"{name} is {settings[name]}, the file holds {found}", where=where)
    cells = [_cells(row, 2 + 3 * len(markers), f"{where} row {i}") for i, row in enumerate(rows)]
    first = count(cells[0][0], "frame number", where) if cells else 1
    words = [cell if cell else "0" for row in cells for cell in row[2:]]
    seen = np.array([bool(cell) for row in cells for cell in row[2:]])
    values = np.where(seen, numbers(words, where), np.nan).reshape(len(rows), len(markers), 3)
    values[np.isnan(values).any(axis=-1)] = np.nan
    return Trc(markers, values * unit_m, fps, first)


def read_markers(path: Path) -> tuple[str, ...]:
    """The markers' names alone, without reading the rows; raises InputError naming the file."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as lines:
            head = [lines.readline(_LONGEST_ROW) for _ in range(4)]
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from error
    return _markers(head[3], str(path))


def _markers(line: str, where: str) -> tuple[str, ...]:
    cells = [cell.strip() for cell in line.split("\t")]
    names = [name for name in cells[2:] if name]
    if not names or cells[2::3][: len(names)] != names:
        what = "the fourth line does not name a marker in every third column"
        raise InputError(what, where=where)
    if len(set(names)) != len(names):
        raise InputError("two markers have the same name", where=where)
    return tuple(names)


def _cells(row: str, columns: int, where: str) -> list[str]:
    """A row's cells; NaN counts as empty, and so do cells that a program cut off at the end."""
    cells = [cell.strip() for cell in row.split("\t")]
    while len(cells) > columns and not cells[-1]:
        cells.pop()
    if len(cells) != columns:
        raise InputError(f"has {len(cells)} cells, not {columns}", where=where)
    return ["" if cell.lower() == "nan" else cell for cell in cells]


def write_trc(path: Path, trc: Trc, unit: str = "m") -> None:
    """Writes the markers with six decimals of the unit (m, cm or mm)."""
    if unit not in _UNITS_M:
        raise InputError(f"unit is {unit!r}", where=str(path), fix="choose m, cm or mm")
    frames, markers = trc.positions_m.shape[:2]
    rate = f"{trc.fps:g}"
    settings = {
        "DataRate": rate, "CameraRate": rate, "NumFrames": frames, "NumMarkers": markers,
        "Units": unit, "OrigDataRate": rate, "OrigDataStartFrame": trc.first_frame,
        "OrigNumFrames": frames,
    }  # fmt: skip
    lines = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "\t".join(settings),
        "\t".join(map(str, settings.values())),
        "Frame#\tTime\t" + "\t\t\t".join(trc.markers) + "\t\t",
        "\t\t" + "\t".join(f"{axis}{i}" for i in range(1, markers + 1) for axis in "XYZ"),
    ]
    for index, row in enumerate(trc.positions_m.reshape(frames, -1) / _UNITS_M[unit]):
        cells = ["" if np.isnan(value) else f"{value:.{_DECIMALS}f}" for value in row]
        lines.append("\t".join([str(trc.first_frame + index), f"{index / trc.fps:.6f}", *cells]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def trc_of_pose(
    pose_world_m: Float[np.ndarray, "T J 3"], joints: str, fps: float, first_frame: int = 1
) -> Trc:
    """A pose's joints as markers of their names; metres, Z up in, Y up out."""
    x, y, z = np.moveaxis(pose_world_m.astype(np.float64), -1, 0)
    return Trc(joint_set(joints).joints, np.stack([x, z, -y], axis=-1), fps, first_frame)


def write_clip_trc(path: Path, clip: Clip, unit: str = "m") -> None:
    """Writes the clip's joints in the world; raises InputError for a clip without them."""
    if clip.pose_world_m is None:
        raise InputError("has no 3D in the world to write", where=f"clip {clip.clip_id!r}")
    write_trc(path, trc_of_pose(clip.pose_world_m, clip.joint_set, clip.fps), unit)
