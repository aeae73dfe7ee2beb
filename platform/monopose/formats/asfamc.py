"""Acclaim skeletons (.asf) and motions (.amc), and the joint positions that follow from them.

Source: the files of the CMU motion capture database. Positions are those of bone ends, in the
file's own axes (Y up at CMU) and metres: a length of 1 is 1 / `length` inches (`:units`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from monopose.errors import InputError
from monopose.formats.text import count, numbers, read_text

ROOT = "root"
_INCH_M = 0.0254
_DOF = ("tx", "ty", "tz", "rx", "ry", "rz")


@dataclass(frozen=True)
class Bone:
    """A bone from its parent's end: rest vector, frame of its joint and free rotations.

    vector: direction times length at rest, in the skeleton's axes, file units.
    frame: C of the local rotation C M C^-1. dof: rx | ry | rz, in the order of the motion's values.
    """

    name: str
    parent: str
    vector: Float64[np.ndarray, "3"]
    frame: Rotation
    dof: tuple[str, ...]


@dataclass(frozen=True)
class Skeleton:
    """Bones, parents before children, and what the root's values mean.

    unit_m: metres per file unit. root_dof: tx..rz in the order of the motion's values.
    root_offset: the root's position at rest, file units. root_frame: C of its rotation.
    """

    bones: tuple[Bone, ...]
    unit_m: float
    degrees: bool
    root_dof: tuple[str, ...]
    root_offset: Float64[np.ndarray, "3"]
    root_frame: Rotation


Motion = dict[str, Float64[np.ndarray, "T dof"]]


def read_asf(path: Path) -> Skeleton:
    """The skeleton of an .asf file; raises InputError naming the file and what it lacks."""
    sections = _sections(read_text(path), path)
    units = {row[0]: row[1] for row in sections["units"] if len(row) == 2}
    root = {row[0]: row[1:] for row in sections["root"]}
    where = str(path)
    length = float(numbers([units.get("length", "1")], where)[0])
    if not 1e-6 < length < 1e6:
        raise InputError(f"length unit is {length:g}", where=where)
    degrees = units.get("angle", "deg").startswith("deg")
    order = tuple(word.lower() for word in root.get("order", []))
    _check_dof(order, where)
    axis = [*_triple(root, "orientation", where), *root.get("axis", ["XYZ"])]
    return Skeleton(
        bones=_bones(sections["bonedata"], _parents(sections["hierarchy"], where), degrees, where),
        unit_m=_INCH_M / length,
        degrees=degrees,
        root_dof=order,
        root_offset=numbers(_triple(root, "position", where), where),
        root_frame=_frame(axis, degrees, where),
    )


def _sections(text: str, path: Path) -> dict[str, list[list[str]]]:
    """The rows of words below each `:keyword`; the keyword's own row is left out."""
    sections: dict[str, list[list[str]]] = {}
    rows: list[list[str]] = []
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if words and words[0].startswith(":"):
            rows = sections.setdefault(words[0][1:].lower(), [])
        elif words:
            rows.append(words)
    missing = [name for name in ("units", "root", "bonedata", "hierarchy") if name not in sections]
    if missing:
        what = f"has no section :{missing[0]}"
        raise InputError(what, where=str(path), fix="give a whole .asf skeleton")
    return sections


def _triple(fields: Mapping[str, list[str]], name: str, where: str) -> list[str]:
    words = fields.get(name, ["0", "0", "0"])
    if len(words) != 3:
        raise InputError(f"{name} is {' '.join(words)[:40]!r}, not three numbers", where=where)
    return words


def _check_dof(dof: tuple[str, ...], where: str) -> None:
    if len(set(dof)) != len(dof) or not set(dof) <= set(_DOF):
        what = f"has degrees of freedom {' '.join(dof)[:40]!r}"
        raise InputError(what, where=where, fix=f"known: {' '.join(_DOF)}, each once")


def _frame(words: list[str], degrees: bool, where: str) -> Rotation:
    """The rotation of `x y z ORDER`: about fixed axes, the first of the order first."""
    order = words[3].lower() if len(words) == 4 else ""
    if sorted(order) != ["x", "y", "z"]:
        raise InputError(f"has an axis {' '.join(words)[:40]!r}, not x y z ORDER", where=where)
    angles = dict(zip("xyz", numbers(words[:3], where), strict=True))
    return Rotation.from_euler(order, [angles[axis] for axis in order], degrees=degrees)


def _parents(rows: list[list[str]], where: str) -> dict[str, str]:
    """The parent of each bone, parents first; raises InputError for a tree that is none."""
    parents: dict[str, str] = {}
    if not rows or rows[-1] != ["end"]:
        raise InputError("hierarchy has no end", where=where, fix="the file is cut short")
    for parent, *children in rows:
        if parent in ("begin", "end"):
            continue
        for child in children:
            if child in parents or child == ROOT or (parent != ROOT and parent not in parents):
                what = f"hierarchy puts {child[:30]!r} below {parent[:30]!r} out of order"
                raise InputError(what, where=where, fix="list each bone once, parents first")
            parents[child] = parent
    return parents


def _bones(
    rows: list[list[str]], parents: dict[str, str], degrees: bool, where: str
) -> tuple[Bone, ...]:
    described = {name[0]: fields for name, fields in _blocks(rows) if name}
    missing = [name for name in parents if name not in described]
    if missing or not parents:
        named = f" of {missing[0][:30]!r}" if missing else ""
        raise InputError(f"has no bonedata{named}", where=where)
    return tuple(_bone(name, parents[name], described[name], degrees, where) for name in parents)


def _blocks(rows: list[list[str]]) -> Iterator[tuple[list[str], dict[str, list[str]]]]:
    """The fields between each `begin` and `end`, with the words after `name`."""
    fields: dict[str, list[str]] = {}
    for keyword, *words in rows:
        if keyword == "end":
            yield fields.get("name", []), fields
        fields = {} if keyword in ("begin", "end") else {**fields, keyword: words}


def _bone(name: str, parent: str, fields: dict[str, list[str]], degrees: bool, where: str) -> Bone:
    place = f"{where} bone {name[:30]!r}"
    if "direction" not in fields or len(fields.get("length", [])) != 1:
        raise InputError("has no direction or length", where=place)
    dof = tuple(word.lower() for word in fields.get("dof", []))
    _check_dof(dof, place)
    if any(word.startswith("t") for word in dof):
        raise InputError("a bone moves along an axis, which is not read", where=place)
    length = numbers(fields["length"], place)[0]
    vector = length * numbers(_triple(fields, "direction", place), place)
    return Bone(name, parent, vector, _frame(fields.get("axis", []), degrees, place), dof)


def read_amc(path: Path, skeleton: Skeleton) -> Motion:
    """The values of each moving bone over all frames, in the skeleton's order of freedoms.

    Raises InputError naming the file and the frame whose bones or values do not fit the skeleton.
    """
    wanted = {ROOT: len(skeleton.root_dof)}
    wanted |= {bone.name: len(bone.dof) for bone in skeleton.bones if bone.dof}
    words: dict[str, list[str]] = {name: [] for name in wanted}
    for frame, (number, rows) in enumerate(_frames(read_text(path), path), start=1):
        where = f"{path} frame {number}"
        if number != frame:
            raise InputError(f"stands where frame {frame} belongs", where=where)
        sizes = {row[0]: len(row) - 1 for row in rows}
        if sizes != wanted or len(rows) != len(sizes):
            raise InputError(_misfit(sizes, wanted), where=where, fix="give the skeleton it is of")
        for name, *values in rows:
            words[name] += values
    if not words[ROOT]:
        raise InputError("has no frames", where=str(path))
    return {n: numbers(words[n], str(path)).reshape(-1, size) for n, size in wanted.items()}


def _frames(text: str, path: Path) -> Iterator[tuple[int, list[list[str]]]]:
    number, rows = 0, list[list[str]]()
    for line in text.splitlines():
        row = line.split()
        if not row or row[0][0] in "#:":
            continue
        if len(row) == 1 and row[0][0].isdigit():
            if number:
                yield number, rows
            number, rows = count(row[0], "frame number", str(path)), []
        else:
            rows.append(row)
    if number:
        yield number, rows


def _misfit(sizes: dict[str, int], wanted: dict[str, int]) -> str:
    for name, size in wanted.items():
        if sizes.get(name) != size:
            return f"has {sizes.get(name, 'no')} values of {name!r}, the skeleton has {size}"
    return f"has a bone that the skeleton does not move, or one twice, among {len(sizes)}"


def joint_positions_m(skeleton: Skeleton, motion: Motion) -> dict[str, Float64[np.ndarray, "T 3"]]:
    """Where the root and the end of each bone are, metres in the file's axes, by bone name.

    A bone turns by C M C^-1 in its parent's frame, with M = Rz Ry Rx of its free angles (the
    first of its `dof` acts first).
    """
    values = dict(zip(skeleton.root_dof, motion[ROOT].T, strict=True))
    zero = np.zeros(len(motion[ROOT]))
    moved = np.stack([values.get(axis, zero) for axis in ("tx", "ty", "tz")], axis=-1)
    turns = {ROOT: _turn(skeleton.root_frame, skeleton.root_dof, motion[ROOT], skeleton.degrees)}
    ends = {ROOT: skeleton.root_offset + moved}
    for bone in skeleton.bones:
        turn = turns[bone.parent]
        if bone.dof:
            turn = turn * _turn(bone.frame, bone.dof, motion[bone.name], skeleton.degrees)
        turns[bone.name] = turn
        ends[bone.name] = ends[bone.parent] + turn.apply(bone.vector)
    return {name: skeleton.unit_m * end for name, end in ends.items()}


def _turn(
    frame: Rotation, dof: tuple[str, ...], values: Float64[np.ndarray, "T dof"], degrees: bool
) -> Rotation:
    columns = [i for i, axis in enumerate(dof) if axis.startswith("r")]
    if not columns:
        return Rotation.identity(len(values))
    order = "".join(dof[i][1] for i in columns)
    free = Rotation.from_euler(order, values[:, columns], degrees=degrees)
    return frame * free * frame.inv()
