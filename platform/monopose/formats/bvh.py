"""BVH motion files: the tree of joints, one row of channel values per frame, joint positions.

Source: protocols of the format as its users write it: `HIERARCHY` with OFFSET, CHANNELS of any
count and order and `End Site`, then `MOTION`. Lengths are in the file's own unit, angles degrees.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from monopose.errors import InputError
from monopose.formats.text import count, numbers, read_text

END = ".end"
# Characters of a line and lines of a tree, when only the tree is read.
_LONGEST_ROW, _MOST_ROWS = 1 << 16, 1 << 16
_POSITIONS = ("Xposition", "Yposition", "Zposition")
_ROTATIONS = ("Xrotation", "Yrotation", "Zrotation")
_CHANNELS = {name.lower(): name for name in (*_POSITIONS, *_ROTATIONS)}


@dataclass(frozen=True)
class Joint:
    """A joint of the tree; an End Site is one without channels, named after its parent + ".end".

    parent: its index among the joints, -1 for a root. offset: from the parent, file units.
    channels: Xposition .. Zrotation in the order of the file.
    """

    name: str
    parent: int
    offset: tuple[float, float, float]
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bvh:
    """A whole file: joints in the order of the file, parents first; values by frame and channel."""

    joints: tuple[Joint, ...]
    values: Float64[np.ndarray, "T channels"]
    frame_time_s: float

    @property
    def fps(self) -> float:
        """Frames per second; a whole number where the printed time is one, rounded."""
        exact = 1 / self.frame_time_s
        whole = round(exact)
        return float(whole) if abs(exact - whole) < 2e-4 * exact else round(exact, 3)

    @property
    def names(self) -> tuple[str, ...]:
        """All joints' names, End Sites included."""
        return tuple(joint.name for joint in self.joints)


def read_bvh(path: Path) -> Bvh:
    """The file; raises InputError naming it and what is wrong."""
    text, where = read_text(path), str(path)
    parts = re.split(r"^\s*MOTION\s*$", text, maxsplit=1, flags=re.MULTILINE | re.IGNORECASE)
    if len(parts) != 2:
        raise InputError("has no MOTION", where=where, fix="give a whole BVH file")
    joints = _joints(parts[0], where)
    head = re.match(
        r"\s*Frames:\s*(\S+)\s+Frame\s+Time:\s*(\S+)[^\S\n]*(?:\n|$)", parts[1], re.IGNORECASE
    )
    if head is None:
        raise InputError("MOTION has no Frames: and Frame Time:", where=where)
    frames, frame_time_s = count(head[1], "Frames", where), float(numbers([head[2]], where)[0])
    if not 1e-4 < frame_time_s < 100:
        raise InputError(f"Frame Time is {head[2][:20]}, not a time in seconds", where=where)
    columns = sum(len(joint.channels) for joint in joints)
    words = parts[1][head.end() :].split()
    if len(words) != frames * columns or not words:
        what = f"holds {len(words)} values, {frames} frames of {columns} channels were announced"
        raise InputError(what, where=where, fix="the file is cut short or altered")
    return Bvh(joints, numbers(words, where).reshape(frames, columns), frame_time_s)


def read_joints(path: Path) -> tuple[Joint, ...]:
    """The joints alone, without reading the motion; raises InputError naming the file."""
    rows: list[str] = []
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as lines:
            while (row := lines.readline(_LONGEST_ROW)) and len(rows) < _MOST_ROWS:
                if row.strip().upper() == "MOTION":
                    return _joints("".join(rows), str(path))
                rows.append(row)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from error
    raise InputError("has no MOTION", where=str(path), fix="give a whole BVH file")


def _joints(text: str, where: str) -> tuple[Joint, ...]:
    """The tree, by one pass over the lines of HIERARCHY."""
    joints: list[Joint] = []
    above: list[int] = []  # the open braces' joints
    started = False
    for words in _rows(text):
        keyword = words[0].upper()
        if keyword == "HIERARCHY" and not started:
            started = True
        elif keyword in ("ROOT", "JOINT", "END"):
            joints.append(_opened(keyword, words, joints, above, where))
        elif keyword == "{" and joints:
            above.append(len(joints) - 1)
        elif keyword == "}" and above:
            above.pop()
        elif keyword in ("OFFSET", "CHANNELS") and above:
            joints[above[-1]] = _described(joints[above[-1]], keyword, words[1:], where)
        else:
            raise InputError(f"HIERARCHY has {' '.join(words)[:30]!r} out of place", where=where)
    if above or not any(joint.channels for joint in joints):
        raise InputError("HIERARCHY is not complete", where=where)
    return tuple(joints)


def _rows(text: str) -> Iterator[list[str]]:
    """The words of each line, braces on lines of their own."""
    for line in re.sub(r"([{}])", r"\n\1\n", text).splitlines():
        words = line.split()
        if words:
            yield words


def _opened(
    keyword: str, words: list[str], joints: list[Joint], above: list[int], where: str
) -> Joint:
    parent = above[-1] if above else -1
    if (keyword == "ROOT") != (parent < 0):
        raise InputError(f"HIERARCHY has {keyword} out of place", where=where)
    if keyword == "END":
        return Joint(joints[parent].name + END, parent, (0.0, 0.0, 0.0))
    if len(words) < 2:
        raise InputError(f"HIERARCHY has a {keyword} without a name", where=where)
    return Joint(" ".join(words[1:]), parent, (0.0, 0.0, 0.0))


def _described(joint: Joint, keyword: str, words: list[str], where: str) -> Joint:
    place = f"{where} joint {joint.name[:30]!r}"
    if keyword == "OFFSET":
        if len(words) != 3:
            raise InputError(f"OFFSET is {' '.join(words)[:30]!r}, not three numbers", where=place)
        x, y, z = map(float, numbers(words, place))
        return Joint(joint.name, joint.parent, (x, y, z), joint.channels)
    channels = tuple(_CHANNELS.get(word.lower(), "") for word in words[1:])
    if not words or words[0] != str(len(channels)) or "" in channels:
        known = ", ".join(_CHANNELS.values())
        what = f"CHANNELS is {' '.join(words)[:60]!r}"
        raise InputError(what, where=place, fix=f"a count and that many of {known}")
    if len(set(channels)) != len(channels):
        raise InputError("CHANNELS names one twice", where=place)
    return Joint(joint.name, joint.parent, joint.offset, channels)


def joint_positions(bvh: Bvh) -> Float64[np.ndarray, "T joints 3"]:
    """Where every joint and End Site is, in the file's axes and unit.

    A joint turns by the product of its rotation channels as listed, in its parent's frame.
    Position channels stand in the place of the OFFSET's components, as programs that move a root
    with an OFFSET write them.
    """
    frames, column = len(bvh.values), 0
    positions = np.zeros((frames, len(bvh.joints), 3))
    turns: list[Rotation] = []
    for index, joint in enumerate(bvh.joints):
        values = bvh.values[:, column : column + len(joint.channels)]
        column += len(joint.channels)
        local = np.broadcast_to(joint.offset, (frames, 3)).copy()
        for channel, moved in zip(joint.channels, values.T, strict=True):
            if channel in _POSITIONS:
                local[:, _POSITIONS.index(channel)] = moved
        turn = _turn(joint.channels, values)
        if joint.parent < 0:
            positions[:, index] = local
            turns.append(turn)
        else:
            above = turns[joint.parent]
            positions[:, index] = positions[:, joint.parent] + above.apply(local)
            turns.append(above * turn if joint.channels else above)
    return positions


def _turn(channels: tuple[str, ...], values: Float64[np.ndarray, "T channels"]) -> Rotation:
    columns = [i for i, channel in enumerate(channels) if channel in _ROTATIONS]
    if not columns:
        return Rotation.identity(len(values))
    # Capital letters: each turn is about the axes that the ones before have moved.
    order = "".join(channels[i][0] for i in columns)
    return Rotation.from_euler(order, values[:, columns], degrees=True)


def write_bvh(path: Path, bvh: Bvh) -> None:
    """Writes the file, numbers with six decimals.

    Raises InputError when a joint with channels has no child, which programs do not read.
    """
    children: list[list[int]] = [[] for _ in bvh.joints]
    for index, joint in enumerate(bvh.joints):
        if joint.parent >= 0:
            children[joint.parent].append(index)
    for joint, below in zip(bvh.joints, children, strict=True):
        if joint.channels and not below:
            raise InputError(f"joint {joint.name!r} needs a child or an End Site", where=str(path))
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write("HIERARCHY\n")
        for index, joint in enumerate(bvh.joints):
            if joint.parent < 0:
                stream.writelines(_described_lines(bvh.joints, children, index, 0))
        stream.write(f"MOTION\nFrames: {len(bvh.values)}\nFrame Time: {bvh.frame_time_s:.8f}\n")
        np.savetxt(stream, bvh.values, fmt="%.6f")


def _described_lines(
    joints: tuple[Joint, ...], children: list[list[int]], index: int, depth: int
) -> Iterator[str]:
    joint, tab = joints[index], "\t" * depth
    kind = "ROOT" if joint.parent < 0 else "JOINT"
    yield f"{tab}{kind} {joint.name}\n" if joint.channels else f"{tab}End Site\n"
    yield f"{tab}{{\n"
    yield tab + "\tOFFSET " + " ".join(f"{value:.6f}" for value in joint.offset) + "\n"
    if joint.channels:
        yield f"{tab}\tCHANNELS {len(joint.channels)} {' '.join(joint.channels)}\n"
    for child in children[index]:
        yield from _described_lines(joints, children, child, depth + 1)
    yield f"{tab}}}\n"
