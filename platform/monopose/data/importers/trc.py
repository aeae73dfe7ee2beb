"""TRC marker files: our own and Pose2Sim's by the markers' names, others with a joint map."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from monopose.data.clip import Clip
from monopose.data.importers.mocap.clips import (
    NOTES,
    Axis,
    JointMap,
    Wanted,
    action_names,
    joints_of,
    mocap_clip,
    own_joint_set,
    read_joint_map,
    z_up,
)
from monopose.data.importers.reading.runs import runs
from monopose.data.importers.source import Importer, ImportOptions, ImportPlan, files_below
from monopose.errors import InputError
from monopose.formats.trc import read_markers, read_trc
from monopose.skeleton import joint_set


def _pose2sim() -> JointMap:
    """Pose2Sim's names for the joints that OpenPose's models find; its Neck is the upper one."""
    limbs = ("Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle")
    sided = {
        f"{side}_{limb.lower()}": (f"{side[0].upper()}{limb}",)
        for side in ("left", "right")
        for limb in limbs
    }
    return {"head_top": ("Head",), "neck": ("Neck",), **sided}


POSE2SIM = _pose2sim()
POSE2SIM_SET = "mpi_inf_3dhp_14"


def take(
    path: Path, action: str, mapped: tuple[JointMap, str] | None, up: Axis, wanted: Wanted
) -> Iterator[Clip]:
    """A clip per run of frames that have every joint; raises InputError when there is none."""
    trc, where = read_trc(path), str(path)
    joint_map, target = mapped or _known_map(trc.markers, where)
    points_m = {name: trc.positions_m[:, i] for i, name in enumerate(trc.markers)}
    pose_m = joints_of(points_m, joint_map, target, where)
    whole = list(runs(np.isfinite(pose_m).all(axis=(1, 2))))
    if not whole:
        raise InputError("no frame has all the joints that are mapped", where=where)
    for start, end in whole:
        name = action if (start, end) == (0, len(pose_m)) else f"{action}_{start}"
        yield mocap_clip(
            z_up(pose_m[start:end], up),
            mapped_to=target,
            clip_id=("trc", "unknown", name),
            fps=trc.fps,
            wanted=wanted,
            start_frame=start,
            where=where,
        )


def _known_map(markers: Sequence[str], where: str) -> tuple[JointMap, str]:
    own = own_joint_set(markers)
    if own is None and {name for names in POSE2SIM.values() for name in names} <= set(markers):
        return POSE2SIM, POSE2SIM_SET
    if own is None:
        what = f"cannot tell the body's joints from {', '.join(markers)}"[:2000]
        raise InputError(what, where=where, fix="give --joint-map")
    return {joint: (joint,) for joint in joint_set(own).joints}, own


def plan(paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """One part per file; if not said, Y is up and the 2D are exact: few markers are h36m17."""
    wanted = Wanted.of(replace(options, detections=options.detections or "gt"))
    mapped = read_joint_map(options.joint_map, options.joint_set) if options.joint_map else None
    files = files_below(paths, "*.trc", "*.TRC")
    parts = [
        partial(take, file, action, mapped, options.up or "y", wanted)
        for file, action in zip(files, action_names(files), strict=True)
    ]
    notes = (
        *NOTES,
        f"{(options.up or 'y').upper()} is up",
        f"the 2D are {wanted.detections}",
        *_pose2sim_note(files if mapped is None else ()),
        "frames in which a mapped marker is missing are left out and cut the take",
    )
    return ImportPlan("trc", parts, wanted.detections, notes)


def _pose2sim_note(files: Sequence[Path]) -> tuple[str, ...]:
    """What Pose2Sim's markers are taken for, when a file's header names them."""
    for file in files:
        # A file that cannot be read is refused with all its reasons by its part.
        with suppress(InputError):
            if _known_map(read_markers(file), str(file))[0] is POSE2SIM:
                taken = f"come out as {POSE2SIM_SET}, its Neck standing for the neck"
                return (f"Pose2Sim's markers {taken}",)
    return ()


IMPORTER = Importer(
    plan,
    frozenset({"detections", "joint_set", "joint_map", "up", "fps", "stride", "seed"}),
    "TRC marker trajectories: our own, Pose2Sim's, any other with --joint-map",
)
