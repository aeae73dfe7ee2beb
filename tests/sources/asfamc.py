"""Acclaim skeleton and motions as CMU publishes them: 30 bones, values of the size of a body.

Quirks kept: a header naming a Windows path, bones of the motion in another order than those of the
skeleton, `dof` and `limits` indented as they come, trailing blanks, 1e-15 for zero, no blank
between a bone and its first frame.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests.sources.case import Case

from monopose.data.importers.source import ImportOptions

FRAMES = 9

# name: (parent, direction, length, axis, dof). Lengths in units of 1 / 0.45 inch.
BONES: dict[str, tuple[str, str, str, str, str]] = {
    "lhipjoint": ("root", "0.6 -0.8 0", "2.5", "0 0 0", ""),
    "lfemur": ("lhipjoint", "0.34202 -0.939693 0", "7.5", "0 0 20", "rx ry rz"),
    "ltibia": ("lfemur", "0.34202 -0.939693 0", "7.25", "0 0 20", "rx"),
    "lfoot": ("ltibia", "0 -0.28 0.96", "2.25", "-90 7.62852e-016 20", "rx rz"),
    "ltoes": ("lfoot", "1.5e-011 -4.2e-011 1", "1.125", "-90 7.62852e-016 20", "rx"),
    "rhipjoint": ("root", "-0.6 -0.8 0", "2.5", "0 0 0", ""),
    "rfemur": ("rhipjoint", "-0.34202 -0.939693 0", "7.5", "0 0 -20", "rx ry rz"),
    "rtibia": ("rfemur", "-0.34202 -0.939693 0", "7.25", "0 0 -20", "rx"),
    "rfoot": ("rtibia", "0 -0.28 0.96", "2.25", "-90 -7.62852e-016 -20", "rx rz"),
    "rtoes": ("rfoot", "-1.5e-011 -4.2e-011 1", "1.125", "-90 -7.62852e-016 -20", "rx"),
    "lowerback": ("root", "0 1 0", "2", "0 0 0", "rx ry rz"),
    "upperback": ("lowerback", "0 1 0", "2.125", "0 0 0", "rx ry rz"),
    "thorax": ("upperback", "0 1 0", "2.25", "0 0 0", "rx ry rz"),
    "lowerneck": ("thorax", "0 0.96 0.28", "1.5", "0 0 0", "rx ry rz"),
    "upperneck": ("lowerneck", "0 1 0", "1.625", "0 0 0", "rx ry rz"),
    "head": ("upperneck", "0 1 0", "1.75", "0 0 0", "rx ry rz"),
    "lclavicle": ("thorax", "0.96 0.28 0", "3.5", "0 0 0", "ry rz"),
    "lhumerus": ("lclavicle", "1 -4.5e-011 -2.9e-027", "5", "180 -30 -90", "rx ry rz"),
    "lradius": ("lhumerus", "1 -4.5e-011 1.8e-026", "3.5", "180 -30 -90", "rx"),
    "lwrist": ("lradius", "1 -4.5e-011 3.3e-026", "1.75", "-2.22354e-014 90 90", "ry"),
    "lhand": ("lwrist", "1 -4.5e-011 6.7e-026", "0.75", "-4.26681e-014 90 90", "rx rz"),
    "lfingers": ("lhand", "1 -4.5e-011 1.3e-025", "0.5", "-8.53362e-014 90 90", "rx"),
    "lthumb": ("lwrist", "0.707107 -6.4e-011 0.707107", "0.75", "-90 45 2.9e-015", "rx rz"),
    "rclavicle": ("thorax", "-0.96 0.28 0", "3.5", "0 0 0", "ry rz"),
    "rhumerus": ("rclavicle", "-1 -4.5e-011 1.6e-027", "5", "180 30 90", "rx ry rz"),
    "rradius": ("rhumerus", "-1 -4.5e-011 2e-026", "3.5", "180 30 90", "rx"),
    "rwrist": ("rradius", "-1 -4.5e-011 3.3e-026", "1.75", "-2.22354e-014 -90 -90", "ry"),
    "rhand": ("rwrist", "-1 -4.5e-011 6.7e-026", "0.75", "-4.26681e-014 -90 -90", "rx rz"),
    "rfingers": ("rhand", "-1 -4.5e-011 1.3e-025", "0.5", "-8.53362e-014 -90 -90", "rx"),
    "rthumb": ("rwrist", "-0.707107 -6.4e-011 0.707107", "0.75", "-90 -45 -2.9e-015", "rx rz"),
}


def skeleton() -> str:
    lines = [
        "# AST/ASF file generated using VICON BodyLanguage",
        "# -----------------------------------------------",
        ":version 1.10", ":name VICON", ":units", "  mass 1.0", "  length 0.45", "  angle deg",
        ":documentation", "   .ast/.asf automatically generated from VICON data using", ":root",
        "   order TX TY TZ RX RY RZ", "   axis XYZ", "   position 0 0 0  ",
        "   orientation 0 0 0 ", ":bonedata",
    ]  # fmt: skip
    for number, (name, (_, direction, length, axis, dof)) in enumerate(BONES.items(), start=1):
        lines += ["  begin", f"     id {number} ", f"     name {name}"]
        lines += [f"     direction {direction} ", f"     length {length}  "]
        lines += [f"     axis {axis}  XYZ "]
        if dof:
            rest = "           (-70.0 70.0)"
            lines += [f"    dof {dof}", "    limits (-160.0 20.0)"] + [rest] * dof.count(" ")
        lines.append(" end" if number % 2 else "  end")
    lines += [":hierarchy", "  begin"]
    for parent in ("root", *BONES):
        children = [name for name, bone in BONES.items() if bone[0] == parent]
        if children:
            lines.append(f"    {parent} {' '.join(children)}")
    return "\n".join([*lines, "  end"]) + "\n"


def motion(frames: int = FRAMES) -> str:
    """Everybody sways by a few degrees; the root walks 0.5 units a frame along Z."""
    moving = [name for name, bone in BONES.items() if bone[4]]
    lines = [r"#!OML:ASF F:\VICON\USERDATA\Monday\Monday.ASF", ":FULLY-SPECIFIED", ":DEGREES"]
    for frame in range(frames):
        sway = np.sin(0.5 * frame + np.arange(6))
        root = [0.1 * sway[0], 17.0, -2 + 0.5 * frame, *(3 * sway[3:])]
        lines += [str(frame + 1), "root " + " ".join(f"{value:.6g}" for value in root)]
        for name in reversed(moving):
            values = 10 * np.sin(0.3 * frame + np.arange(BONES[name][4].count(" ") + 1))
            lines.append(f"{name} " + " ".join(f"{value:.6g}" for value in values))
    return "\n".join(lines) + "\n"


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "02.asf").write_text(skeleton())
    (folder / "02_01.amc").write_text(motion())
    (folder / "02_02.amc").write_text(motion(6))


def _changed(name: str, old: str, new: str) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))

    return damage


_WRONG = {
    "bone that is not in the skeleton": _changed("02_01.amc", "lfemur ", "lthigh "),
    "value too many": _changed("02_01.amc", "ltibia ", "ltibia 1 "),
    "word for a value": _changed("02_01.amc", "ltibia ", "ltibia x"),
    "frame left out": _changed("02_01.amc", "\n3\n", "\n4\n"),
    "huge frame number": _changed("02_01.amc", "\n3\n", "\n" + "9" * 30 + "\n"),
    "huge angle": _changed("02_01.amc", "ltibia ", "ltibia 1e300"),
    "length in words": _changed("02.asf", "length 7.5", "length long"),
    "huge length": _changed("02.asf", "length 7.5", "length 1e8"),
    "no unit": _changed("02.asf", "  length 0.45", "  length 0"),
    "bone below itself": _changed("02.asf", "lfemur ltibia", "lfemur lfemur"),
    "bone missing": _changed("02.asf", "name upperneck", "name neck"),
    "no motion axis": _changed("02.asf", "dof rx ry rz", "dof rx rx rz"),
    "two axes": _changed("02.asf", "axis 0 0 20  XYZ", "axis 0 20  XYZ"),
    "unknown order": _changed("02.asf", "axis 0 0 20  XYZ", "axis 0 0 20 XYX"),
}

CASES = {
    "asfamc": Case(source="asfamc", write=write, wrong=_WRONG),
    "asfamc-gt": Case(
        source="asfamc",
        write=write,
        options=ImportOptions(detections="gt", stride=2, seed=3),
        exact_2d=True,
    ),
}
