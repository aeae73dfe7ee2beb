"""What the sources of motion capture share: named points to joints, axes, and clips of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import orjson
from jaxtyping import Float, Float64

from monopose.data.clip import Clip
from monopose.data.importers.mocap.virtual_views import (
    DetectionsName,
    detections_named,
    seen_by_virtual_cameras,
)
from monopose.data.importers.source import ImportOptions
from monopose.errors import InputError
from monopose.skeleton import JOINT_SETS, conversion, joint_set

Axis = Literal["x", "y", "z"]
JointMap = dict[str, tuple[str, ...]]

# Turns of the file's axes (right handed) that bring the one pointing up to Z.
_TO_Z_UP = {
    "x": np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]]),
    "y": np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "z": np.eye(3),
}
# A body's largest extent in the middle of a take, from a crouching child to a jump.
_BODY_M = (0.4, 3.5)

NOTES = (
    "cameras are virtual, four around each take",
    "the source has no splits: all clips are train",
)


@dataclass(frozen=True)
class Wanted:
    """What a user asked of every take of a source.

    joint_set: of the clips; by default the one that the takes are mapped to.
    """

    detections: DetectionsName
    seed: int
    stride: int
    joint_set: str | None = None
    fps: float | None = None

    @classmethod
    def of(cls, options: ImportOptions) -> "Wanted":
        """Checked options; raises InputError for one that cannot be."""
        if options.stride < 1:
            raise InputError(f"is {options.stride}", where="--stride", fix="give 1 or more")
        if options.seed < 0:
            raise InputError(f"is {options.seed}", where="--seed", fix="give 0 or more")
        if options.unit_m is not None and not 1e-6 < options.unit_m < 1e3:
            raise InputError(f"is {options.unit_m}", where="--unit-m", fix="give metres per unit")
        if options.joint_set is not None:
            joint_set(options.joint_set)
        detections = detections_named(options.detections)
        return cls(detections, options.seed, options.stride, options.joint_set, options.fps)

    def joints(
        self, pose_m: Float64[np.ndarray, "all_frames source 3"], mapped_to: str
    ) -> tuple[Float64[np.ndarray, "T J 3"], str]:
        """Every n-th frame in the joint set asked for, and that set's name.

        Raises InputError when joints of it have no counterpart.
        """
        target = self.joint_set or mapped_to
        change = conversion(mapped_to, target)
        missing = np.flatnonzero(~change.mask)
        if len(missing):
            lost = ", ".join(joint_set(target).joints[joint] for joint in missing)
            raise InputError(f"{mapped_to} has no {lost} for {target}", where="--joint-set")
        return change.apply(pose_m[:: self.stride]), target


def z_up(points: Float[np.ndarray, "*batch 3"], up: Axis) -> Float64[np.ndarray, "*batch 3"]:
    """Points with the given axis turned to Z: (x, y, z) becomes (x, -z, y) when Y is up."""
    return points.astype(np.float64) @ _TO_Z_UP[up].T


def joints_of(
    points: Mapping[str, Float[np.ndarray, "T 3"]], joint_map: JointMap, target: str, where: str
) -> Float64[np.ndarray, "T J 3"]:
    """The target set's joints, each the mean of the points that the map names.

    Raises InputError listing what the map asks for and the file does not have.
    """
    named = {name for joint in joint_set(target).joints for name in joint_map[joint]}
    missing = sorted(named - set(points))
    if missing:
        what = f"has no {', '.join(missing)}"
        raise InputError(what, where=where, fix=f"it has {', '.join(points)}"[:2000])
    joints = [
        np.mean([points[name] for name in joint_map[joint]], axis=0)
        for joint in joint_set(target).joints
    ]
    return np.stack(joints, axis=1)


def mocap_clip(
    pose_world_m: Float64[np.ndarray, "T J 3"],
    *,
    mapped_to: str,
    clip_id: tuple[str, str, str],
    fps: float,
    wanted: Wanted,
    start_frame: int = 0,
    where: str,
    fix: str = "check the unit of length in the file",
) -> Clip:
    """The motion as a clip with virtual cameras; clip_id: (dataset, subject, action).

    Raises InputError, with that fix, when the body is not of a body's size.
    """
    extent_m = float(np.median(np.ptp(pose_world_m, axis=1).max(axis=-1)))
    if not _BODY_M[0] < extent_m < _BODY_M[1]:
        what = f"the body is {extent_m:.3g} m large"
        raise InputError(what, where=where, fix=fix)
    kept, target = wanted.joints(pose_world_m, mapped_to)
    dataset, subject, action = clip_id
    clip = Clip(
        clip_id="/".join(clip_id),
        dataset=dataset,
        subject=subject,
        action=action,
        split="train",
        fps=(wanted.fps or fps) / wanted.stride,
        joint_set=target,
        cameras=(),
        start_frame=start_frame // wanted.stride,
        pose_world_m=kept.astype(np.float32),
    )
    return seen_by_virtual_cameras(clip, wanted.detections, wanted.seed)


def read_joint_map(path: Path, wanted_set: str | None) -> tuple[JointMap, str]:
    """A file's joint map and the set it fills: {our joint: their joint, or a list of theirs}.

    wanted_set: the set asked for; by default the one with exactly these joints, or h36m17.
    Raises InputError when it is not such a JSON object or leaves a joint out.
    """
    try:
        given = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise InputError(f"is not readable JSON ({error})", where=str(path)) from error
    if not isinstance(given, dict):
        raise InputError("is not a JSON object", where=str(path), fix=_MAP_FIX)
    joint_map = {joint: _names(names, joint, path) for joint, names in given.items()}
    exact = [name for name, known in JOINT_SETS.items() if set(known.joints) == set(joint_map)]
    target = next(iter(exact), "h36m17")
    if wanted_set is not None and set(joint_set(wanted_set).joints) <= set(joint_map):
        target = wanted_set
    missing = [joint for joint in joint_set(target).joints if joint not in joint_map]
    if missing:
        fix = f"{target} needs all of {', '.join(joint_set(target).joints)}"
        raise InputError(f"leaves out {', '.join(missing)}", where=str(path), fix=fix)
    return joint_map, target


_MAP_FIX = 'give {"left_knee": "LeftLeg", "pelvis": ["LeftUpLeg", "RightUpLeg"], ...}'


def _names(names: object, joint: str, path: Path) -> tuple[str, ...]:
    listed = [names] if isinstance(names, str) else names
    if not isinstance(listed, list) or not listed or not all(isinstance(n, str) for n in listed):
        what = f"{joint!r} is neither a name nor a list of names"
        raise InputError(what, where=str(path), fix=_MAP_FIX)
    return tuple(listed)


def own_joint_set(names: Sequence[str]) -> str | None:
    """The largest joint set of ours whose joints are all among these names, None without one."""
    held = [known for known in JOINT_SETS.values() if set(known.joints) <= set(names)]
    return max(held, key=len).name if held else None


def action_names(files: Sequence[Path]) -> list[str]:
    """One name per file: its stem, with the folder's name before it where stems repeat.

    Raises InputError when names repeat nevertheless.
    """
    times = Counter(file.stem for file in files)
    names = [f.stem if times[f.stem] == 1 else f"{f.parent.name}_{f.stem}" for f in files]
    for file, name in zip(files, names, strict=True):
        if names.count(name) > 1:
            what = f"another file is named {name} too"
            raise InputError(what, where=str(file), fix="rename one, or import them apart")
    return names
