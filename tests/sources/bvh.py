"""BVH files as their publishers lay them out: the flavours of CMU's conversions, and any other.

Quirks kept: trailing blanks, tabs, OFFSET lines out of their column, line ends of two kinds in one
file, an added rest pose, a frame time of six digits, zero OFFSETs for the lost thorax bone.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests.sources.case import Case

from monopose.data.importers.source import ImportOptions

FRAMES = 8
Tree = list[tuple[int, str, str]]
"""(depth, name, OFFSET) of each joint in the order of the file; name "" is an End Site."""


def _arm(depth: int, side: str, names: str, sign: int) -> Tree:
    collar, shoulder, elbow, wrist = names.split()
    return [
        (depth, collar, "0 0 0"),
        (depth + 1, shoulder, f"{3.5 * sign} 1 0"),
        (depth + 2, elbow, f"{5 * sign} 0 0"),
        (depth + 3, wrist, f"{3.5 * sign} 0 0"),
        (depth + 4, f"{side}Thumb", "0 0 0"),
        (depth + 5, "", f"{0.5 * sign} -0.00000 0.5"),
    ]


def _leg(side: str, names: str, sign: int) -> Tree:
    hip, knee, ankle, toe = names.split()
    return [
        (1, f"{side}HipJoint", "0 0 0"),
        (2, hip, f"{1.5 * sign} -1.75 0.75"),
        (3, knee, f"{2.5 * sign} -7 0.00000"),
        (4, ankle, f"{2.5 * sign} -6.75 0.00000"),
        (5, toe, f"{0.25 * sign} -0.5 2"),
        (6, "", "0.00000 -0.00000 1"),
    ]


CGSPEED: Tree = [
    (0, "Hips", "0.00000 0.00000 0.00000"),
    *_leg("L", "LeftUpLeg LeftLeg LeftFoot LeftToeBase", 1),
    *_leg("R", "RightUpLeg RightLeg RightFoot RightToeBase", -1),
    (1, "LowerBack", "0 0 0"),
    (2, "Spine", "0 2 -0.125"),
    (3, "Spine1", "0 2 0"),
    (4, "Neck", "0 0 0"),
    (5, "Neck1", "0 1.5 0.125"),
    (6, "Head", "0 1.5 0"),
    (7, "", "0 1.75 0"),
    *_arm(4, "L", "LeftShoulder LeftArm LeftForeArm LeftHand", 1),
    *_arm(4, "R", "RightShoulder RightArm RightForeArm RightHand", -1),
]

MAX: Tree = [
    (0, "Hips", "0.00000 0.00000 0.00000"),
    *_leg("L", "LeftHip LeftKnee LeftAnkle LeftToe", 1),
    *_leg("R", "RightHip RightKnee RightAnkle RightToe", -1),
    (1, "lowerback", "0 0 0"),
    (2, "Chest", "0 2 -0.125"),
    (3, "Chest2", "0 2 0"),
    (4, "lowerneck", "0 0 0"),
    (5, "Neck", "0 1.5 0.125"),
    (6, "Head", "0 1.5 0"),
    (7, "", "0 1.75 0"),
    *_arm(4, "L", "LeftCollar LeftShoulder LeftElbow LeftWrist", 1),
    *_arm(4, "R", "RightCollar RightShoulder RightElbow RightWrist", -1),
]


def _daz_side(side: str, sign: int) -> Tree:
    return [
        (1, f"{side}Buttock", f"{8.75 * sign} 4 1.25"),
        (2, f"{side}Thigh", "0 -1.5 -2.25"),
        (3, f"{side}Shin", "0 -37 0.75"),
        (4, f"{side}Foot", f"{-0.75 * sign} -45 -5"),
        (5, "", f"{sign} -3.5 12"),
    ]


def _daz_arm(side: str, sign: int) -> Tree:
    return [
        (3, f"{side}Collar", f"{2.75 * sign} 19.25 -5"),
        (4, f"{side}Shldr", f"{8.75 * sign} -2 1.5"),
        (5, f"{side}ForeArm", f"{28 * sign} -1.75 0.5"),
        (6, f"{side}Hand", f"{22.5 * sign} 0.75 7"),
        (7, "", f"{5 * sign} 0 0"),
    ]


DAZ: Tree = [
    (0, "hip", "0 0 0"),
    (1, "abdomen", "0 20.75 -0.75"),
    (2, "chest", "0 11.75 -0.5"),
    (3, "neck", "0 22.25 -2.25"),
    (4, "head", "-0.25 7 1.25"),
    (5, "leftEye", "4 8 8"),
    (6, "", "1 0 0"),
    (5, "rightEye", "-3.75 8 8"),
    (6, "", "1 0 0"),
    *_daz_arm("r", -1),
    *_daz_arm("l", 1),
    *_daz_side("r", -1),
    *_daz_side("l", 1),
]


def hierarchy(tree: Tree, rotations: str, new_line: str = "\n") -> str:
    """The first part of the file; only its root has positions. rotations: "ZYX", "ZXY", ..."""
    turns = " ".join(f"{axis}rotation" for axis in rotations)
    lines = ["HIERARCHY"]
    for place, (depth, name, offset) in enumerate(tree):
        indent, kind = "\t" * depth, "JOINT" if depth else "ROOT"
        lines += [f"{indent}{kind} {name}" if name else f"{indent}End Site", indent + "{"]
        # Some files lose the indentation below the shoulders.
        lines.append(("" if "Elbow" in name else indent + "\t") + f"OFFSET {offset}")
        moves = f"6 Xposition Yposition Zposition {turns} " if not depth else f"3 {turns}"
        lines += [f"{indent}\tCHANNELS {moves}"] if name else []
        after = tree[place + 1][0] if place + 1 < len(tree) else 0
        closed = range(depth, after - 1, -1)
        lines += ["\t" * level + "}" for level in closed]
    return "HIERARCHY\n" + new_line.join(lines[1:]) + "\n"


def motion(tree: Tree, height: float, step: float, *, rest_row: bool, frames: int = FRAMES) -> str:
    """The root walks along Z; every joint sways by a few degrees."""
    joints = sum(bool(name) for _, name, _ in tree)
    rows = [[0.0, height, 0.0] + [0.0] * (3 * joints)] if rest_row else []
    for frame in range(frames):
        sway = 8 * np.sin(0.4 * frame + 0.7 * np.arange(3 * joints) + 0.2)
        rows.append([0.1 * frame, height, step * frame, *sway])
    text = "\n".join(" ".join(f"{value:.4f}" for value in row) + " " for row in rows)
    return f"MOTION\nFrames: {len(rows)}\nFrame Time: .0083333\n{text}\n"


def _writer(
    tree: Tree, name: str, rotations: str, size: float, **quirks: str
) -> Callable[[Path], object]:
    def write(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        rest_row = quirks.get("rest_row") != "no"
        text = hierarchy(tree, rotations, quirks.get("new_line", "\n"))
        text += motion(tree, 17 * size, 0.5 * size, rest_row=rest_row)
        (folder / f"{name}.bvh").write_bytes(text.encode())

    return write


def _changed(old: str, new: str) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        for file in folder.glob("*.bvh"):
            text = file.read_bytes().decode()
            assert old in text
            file.write_bytes(text.replace(old, new, 1).encode())

    return damage


_WRONG = {
    "huge count of frames": _changed(f"Frames: {FRAMES + 1}", "Frames: 999999999"),
    "endless count of frames": _changed(f"Frames: {FRAMES + 1}", "Frames: " + "9" * 40),
    "no frames": _changed(f"Frames: {FRAMES + 1}", "Frames: 0"),
    "huge frame time": _changed(".0083333", "1e300"),
    "no frame time": _changed(".0083333", "0"),
    "channels left out": _changed("CHANNELS 3 ", "CHANNELS 2 "),
    "huge count of channels": _changed("CHANNELS 3 ", "CHANNELS 2147483647 "),
    "channel unknown": _changed("CHANNELS 3 Zrotation", "CHANNELS 3 Wrotation"),
    "channel twice": _changed("CHANNELS 3 Zrotation", "CHANNELS 3 Xrotation"),
    "word for an offset": _changed("OFFSET 0 2 0", "OFFSET 0 two 0"),
    "huge offset": _changed("OFFSET 0 2 0", "OFFSET 0 1e200 0"),
    "brace too many": _changed("MOTION", "}\nMOTION"),
    "brace left out": _changed("}\nMOTION", "\nMOTION"),
    "second root": _changed("JOINT Spine\n", "ROOT Spine\n"),
    "joint of another name": _changed("JOINT LeftLeg", "JOINT Shank"),
    "joint without a name": _changed("JOINT LeftLeg", "JOINT"),
    "text for motion": _changed("Frame Time", "Frame Rate"),
}

CASES = {
    "bvh-cgspeed": Case(source="bvh", write=_writer(CGSPEED, "02_01", "ZYX", 1.0), wrong=_WRONG),
    "bvh-max": Case(
        source="bvh",
        write=_writer(MAX, "131_01", "ZYX", 1.0, rest_row="no"),
        options=ImportOptions(layout="cmu-max", stride=2),
    ),
    "bvh-daz": Case(
        source="bvh",
        write=_writer(DAZ, "indian_13", "ZXY", 5.0, new_line="\r\n"),
        options=ImportOptions(detections="gt"),
        exact_2d=True,
    ),
    "bvh-joint-map": Case(
        source="bvh",
        write=_writer(CGSPEED, "any name", "XYZ", 1.0, rest_row="no"),
        options=ImportOptions(
            joint_map=Path(__file__).with_name("bvh_joint_map.json"),
            unit_m=0.056,
            detections="gt",
        ),
        exact_2d=True,
    ),
}
