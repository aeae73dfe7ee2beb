"""HumanEva-I as VideoPose3D prepares it: data_3d_humaneva15.npz and one of its files of 2D.

Source: VideoPose3D's published preparation of HumanEva (Sigal et al., IJCV 2010). Motion capture
that drops out cuts a take into chunks: "Walking 1 chunk0". Subjects carry their part of the data:
"Train/S1", "Validate/S1"; 2D of what has no 3D is under "Unlabeled/Train/S1" (the chunks between)
and "Unlabeled/S4" (whole videos). VideoPose3D has no focal lengths, so records may lack them.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from monopose.data.importers.reading.videopose3d_takes import read_takes
from monopose.data.importers.source import Importer, ImportOptions, ImportPlan
from monopose.data.importers.videopose3d import Publisher, plan_takes
from monopose.errors import InputError
from monopose.formats.videopose3d_cameras import CameraRules, read_camera_file, subject_cameras

# Validation is what papers test on; the data set's own test part has no public 3D.
_SPLITS = {"Train": "train", "Validate": "test", "Unlabeled": "unlabeled"}
_SIZES_PX = {"C1": (640, 480), "C2": (640, 480), "C3": (640, 480)}
_CAMERAS = CameraRules(tuple(_SIZES_PX), _SIZES_PX, partial=True)


def subject_and_action(subject: str, action: str) -> tuple[str, str]:
    """("Train/S1", "Jog 1 chunk0") is S1's "Jog 1 chunk0 train": parts count chunks apart."""
    *part, person = subject.split("/")
    return person, " ".join([action, *(name.lower() for name in part)])


def split(subject: str) -> str:
    """Train is `train`, Validate is `test`, Unlabeled is `unlabeled`."""
    return _SPLITS[subject.split("/")[0]]


_HUMANEVA = Publisher(
    dataset="humaneva15",
    fps=60.0,
    cameras=_CAMERAS,
    name=subject_and_action,
    split=split,
    alone="humaneva15",
)


def plan(paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """A part for each subject of the files; a clip's action ends in the part it is of.

    Takes of the 2D file that have no 3D become clips of 2D, with the views that are there, cut to
    the shortest. Raises InputError naming the file.
    """
    files, found = plan_takes(paths, options, _HUMANEVA)
    notes = found.notes
    alone = _takes(files.keypoints, "positions_2d") - _takes(files.poses, "positions_3d")
    if alone:
        notes += (f"{len(alone)} takes have no 3D: they become clips of 2D alone",)
    first = subject_cameras(read_camera_file(files.cameras), "S1", files.cameras, _CAMERAS)
    if not all(camera.has_intrinsics for camera in first):
        notes += ("the cameras have no focal lengths",)
    return replace(found, notes=notes)


def _takes(path: Path, member: str) -> set[tuple[str, str]]:
    """(subject, action) of all takes; raises InputError for a subject of no known part."""
    subjects = read_takes(path, member)
    for subject in subjects:
        if subject.split("/")[0] not in _SPLITS:
            what = f"subject {subject!r:.40} is not of {', '.join(_SPLITS)}"
            raise InputError(what, where=str(path), fix="name it like Train/S1")
    return {(subject, action) for subject, takes in subjects.items() for action in takes}


IMPORTER = Importer(
    plan,
    frozenset({"cameras", "detections", "joint_set"}),
    "HumanEva-I as VideoPose3D prepares it, and a file of its three cameras",
)
