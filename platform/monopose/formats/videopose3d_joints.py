"""Which joints VideoPose3D's files hold: by count in 3D, by metadata or the file's name in 2D."""

from pathlib import Path
from typing import Any

import numpy as np

from monopose.errors import InputError
from monopose.skeleton import joint_set

POSE_SETS = {15: "humaneva15", 17: "h36m17", 32: "h36m32"}
_KEYPOINT_SETS = ("h36m17", "coco17", "h36m16", "mpii16", "humaneva15", "h36m32")
_LAYOUTS = {
    ("h36m", 17): "h36m17",
    ("h36m", 16): "h36m16",
    ("h36m", 32): "h36m32",
    ("coco", 17): "coco17",
    ("mpii", 16): "mpii16",
    ("humaneva15", 15): "humaneva15",
}
# For files whose metadata is lost. The hourglass is fine-tuned on Human3.6M, and yet gives the
# joints and the order of MPII.
_PUBLISHED = {
    "cpn_ft_h36m_dbb": "h36m17",
    "detectron_ft_h36m": "h36m17",
    "detectron_pt_coco": "coco17",
    "sh_pt_mpii": "mpii16",
    "sh_ft_h36m": "mpii16",
}
_OWN = {"h36m": "h36m17", "humaneva15": "humaneva15"}


def metadata_of(name: str, fps: float) -> dict[str, Any]:
    """The metadata that says that 2D of this joint set, one of POSE_SETS, is in a file."""
    layout, joints = next(key for key, known in _LAYOUTS.items() if known == name)
    sides = _symmetry(name)
    return {"layout_name": layout, "num_joints": joints, "keypoints_symmetry": sides, "fps": fps}


def joint_set_of(metadata: Any, path: Path, *, dataset: str, detections: str) -> str:
    """The joint set of a 2D file: from its left and right joints, its layout, or its name.

    metadata: as read, None when the file has none. Published files have layout_name or not.
    Raises InputError naming the file when none of them tells, or two of them disagree.
    """
    given = metadata if isinstance(metadata, dict) else {}
    layout, count = given.get("layout_name"), given.get("num_joints")
    count = int(count) if isinstance(count, (int, np.integer)) else None
    symmetry = _plain_lists(given.get("keypoints_symmetry"))
    by_layout = {name for (known, _), name in _LAYOUTS.items() if known == str(layout)}
    if symmetry is None and (str(layout), count or 0) in _LAYOUTS:
        return _LAYOUTS[str(layout), count or 0]
    for name in _KEYPOINT_SETS:
        if symmetry == _symmetry(name) and count in (None, len(joint_set(name))):
            if by_layout and name not in by_layout:
                what = f"layout_name is {layout!r}, but left and right joints are of {name}"
                raise InputError(what, where=str(path))
            return name
    published = _OWN.get(dataset) if detections == "gt" else _PUBLISHED.get(detections)
    if symmetry is None and layout is None and published:
        return published
    sides = str(symmetry)[:80]
    what = f"cannot tell the joints from layout {layout!r:.40}, {count} joints, symmetry {sides}"
    raise InputError(what, where=str(path), fix=f"known layouts: {', '.join(_KEYPOINT_SETS)}")


def _plain_lists(symmetry: Any) -> list[list[int]] | None:
    try:
        return None if symmetry is None else [sorted(map(int, side)) for side in symmetry]
    except (TypeError, ValueError, OverflowError):
        return []


def _symmetry(name: str) -> list[list[int]]:
    joints = joint_set(name).joints
    return [
        [index for index, joint in enumerate(joints) if joint.startswith(side)]
        for side in ("left_", "right_")
    ]
