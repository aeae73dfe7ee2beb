"""Human3.6M as VideoPose3D prepares it: data_3d_h36m.npz and one of its files of 2D.

Source: VideoPose3D's published preparation of Human3.6M (Ionescu et al., PAMI 2014). 2D: gt,
cpn_ft_h36m_dbb, detectron_ft_h36m, detectron_pt_coco (COCO's joints), sh_pt_mpii and sh_ft_h36m
(MPII's joints). The calibration is a JSON file that the user brings (formats/videopose3d_cameras).
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from monopose.data.importers.reading.videopose3d_takes import read_takes
from monopose.data.importers.source import Importer, ImportOptions, ImportPlan
from monopose.data.importers.videopose3d import Publisher, human36m_split, plan_takes
from monopose.formats.videopose3d_cameras import CameraRules

# (width, height) in pixels, in the order of the views in the files of 2D.
_SIZES_PX = {
    "54138969": (1000, 1002),
    "55011271": (1000, 1000),
    "58860488": (1000, 1000),
    "60457274": (1000, 1002),
}
# VideoPose3D leaves this take out, as one of its videos is corrupt.
_CORRUPT = ("S11", "Directions")


def canonical_action(action: str) -> str:
    """VideoPose3D's name of an action in the data set's own spelling."""
    spaced = action.replace("_", " ")
    return spaced.replace("TakingPhoto", "Photo").replace("WalkingDog", "WalkDog")


_HUMAN36M = Publisher(
    dataset="h36m",
    fps=50.0,
    cameras=CameraRules(tuple(_SIZES_PX), _SIZES_PX),
    spelling=canonical_action,
    split=human36m_split,
    dropped=frozenset({_CORRUPT}),
)


def plan(paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """A part for each subject; S9 and S11 are `test`, the others `train`.

    2D that is longer than the motion capture is truncated. Raises InputError naming the file.
    """
    files, found = plan_takes(paths, options, _HUMAN36M)
    actions = read_takes(files.poses, "positions_3d").get(_CORRUPT[0], {})
    if _CORRUPT[1] not in map(canonical_action, actions):
        return found
    return replace(found, notes=(*found.notes, "S11/Directions left out: its video is corrupt"))


IMPORTER = Importer(
    plan,
    frozenset({"cameras", "detections", "joint_set"}),
    "Human3.6M as VideoPose3D prepares it, and a file of its four cameras",
)
