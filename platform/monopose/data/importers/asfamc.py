"""Acclaim skeletons and motions (.asf, .amc), as the CMU motion capture database publishes them.

Source: mocap.cs.cmu.edu, which asks users of its data to say: "The data used in this project was
obtained from mocap.cs.cmu.edu. The database was created with funding from NSF EIA-0196217."
The 17 joints are ends of the skeleton's bones, see `_JOINTS`.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from monopose.data.clip import Clip
from monopose.data.importers.mocap.clips import (
    NOTES,
    Wanted,
    action_names,
    joints_of,
    mocap_clip,
    z_up,
)
from monopose.data.importers.source import Importer, ImportOptions, ImportPlan, files_below
from monopose.errors import InputError
from monopose.formats.asfamc import joint_positions_m, read_amc, read_asf

FPS = 120.0

# h36m17 joint -> bones whose ends it is the mean of.
_JOINTS = {
    "pelvis": ("lhipjoint", "rhipjoint"),
    "right_hip": ("rhipjoint",),
    "right_knee": ("rfemur",),
    "right_ankle": ("rtibia",),
    "left_hip": ("lhipjoint",),
    "left_knee": ("lfemur",),
    "left_ankle": ("ltibia",),
    "spine": ("lowerback",),
    "thorax": ("thorax",),
    "neck_nose": ("upperneck",),
    "head_top": ("head",),
    "left_shoulder": ("lclavicle",),
    "left_elbow": ("lhumerus",),
    "left_wrist": ("lradius",),
    "right_shoulder": ("rclavicle",),
    "right_elbow": ("rhumerus",),
    "right_wrist": ("rradius",),
}


def take(skeleton_path: Path, motion_path: Path, action: str, wanted: Wanted) -> Iterator[Clip]:
    """The one clip of a motion; raises InputError naming the file that is damaged."""
    skeleton = read_asf(skeleton_path)
    points_m = joint_positions_m(skeleton, read_amc(motion_path, skeleton))
    pose_m = joints_of(points_m, _JOINTS, "h36m17", str(skeleton_path))
    yield mocap_clip(
        z_up(pose_m, "y"),
        mapped_to="h36m17",
        clip_id=("asfamc", skeleton_path.stem, action),
        fps=FPS,
        wanted=wanted,
        where=str(motion_path),
    )


def plan(paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """One part per .amc; the subject is its skeleton's name (02_01.amc moves 02.asf).

    Raises InputError for a motion without a skeleton.
    """
    wanted = Wanted.of(options)
    motions = files_below(paths, "*.amc", "*.AMC")
    given = [path for path in paths if path.is_file() and path.suffix.lower() == ".asf"]
    skeletons = [_skeleton_of(motion, given) for motion in motions]
    parts = [
        partial(take, skeleton, motion, action, wanted)
        for skeleton, motion, action in zip(skeletons, motions, action_names(motions), strict=True)
    ]
    rate = () if options.fps else (f"{FPS:g} frames/s assumed, as at CMU (else give --fps)",)
    others = _misnamed(skeletons, motions)
    return ImportPlan("asfamc", parts, wanted.detections, (*NOTES, *rate, *others))


def _is_of(motion: Path, skeleton: Path) -> bool:
    return motion.stem == skeleton.stem or motion.stem.startswith(f"{skeleton.stem}_")


def _misnamed(skeletons: Sequence[Path], motions: Sequence[Path]) -> tuple[str, ...]:
    """A clause for each skeleton that moves by files of other names, as the only one there is."""
    moved: dict[Path, list[str]] = {}
    for skeleton, motion in zip(skeletons, motions, strict=True):
        if not _is_of(motion, skeleton):
            moved.setdefault(skeleton, []).append(motion.name)
    return tuple(
        f"{skeleton.name} is taken for the skeleton, and subject {skeleton.stem}, of {names[0]}"
        + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        + ", whose name says another: there is no other skeleton"
        for skeleton, names in moved.items()
    )


def _skeleton_of(motion: Path, given: Sequence[Path]) -> Path:
    """The skeleton whose name the motion's begins with, or the only one there is."""
    beside = [file for file in sorted(motion.parent.iterdir()) if file.suffix.lower() == ".asf"]
    skeletons = list(given) or beside
    named = [skeleton for skeleton in skeletons if _is_of(motion, skeleton)]
    if not named and len(skeletons) == 1:
        named = skeletons
    if not named:
        fix = f"put {motion.stem.rsplit('_', 1)[0]}.asf beside it"
        raise InputError("has no skeleton", where=str(motion), fix=fix)
    return max(named, key=lambda skeleton: len(skeleton.stem))


IMPORTER = Importer(
    plan,
    frozenset({"detections", "joint_set", "fps", "stride", "seed"}),
    "CMU motion capture: *.asf skeletons with *.amc motions",
)
