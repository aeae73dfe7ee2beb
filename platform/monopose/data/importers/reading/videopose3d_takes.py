"""Takes in VideoPose3D's npz files: {subject: {action: array, or arrays by view}}."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from jaxtyping import Float32

from monopose.errors import InputError
from monopose.formats.unpickle import load_npz
from monopose.formats.videopose3d_joints import POSE_SETS, joint_set_of
from monopose.skeleton import conversion
from monopose.skeleton import joint_set as known_joint_set

Takes = dict[str, dict[str, Any]]
_FPS_BELOW = 10_000.0


def read_takes(path: Path, member: str) -> Takes:
    """The takes of an npz file's member; raises InputError naming the file.

    A pickled dictionary can only be read whole. So the last two files read stay in memory: parts
    that one process reads in turn then open each file once.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise InputError("there is no such file", where=str(path)) from error
    state = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return _takes_in_state(path, member, state)


@lru_cache(maxsize=2)
def _takes_in_state(path: Path, member: str, _state: tuple[int, ...]) -> Takes:
    subjects = load_npz(path, (member,)).get(member)
    if not _is_named(subjects) or not all(_is_named(takes) for takes in subjects.values()):
        what = f"has no {member} of the form {{subject: {{action: array}}}}"
        raise InputError(what, where=str(path), fix="give a file in VideoPose3D's layout")
    for name in (*subjects, *(action for takes in subjects.values() for action in takes)):
        if not name.isprintable():
            raise InputError(f"a subject or take is called {name!r:.60}", where=str(path))
    return dict(subjects)


def _is_named(values: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(values, dict) and all(isinstance(key, str) for key in values)


def _array(
    values: Any, columns: tuple[int, ...], where: str
) -> Float32[np.ndarray, "T source columns"]:
    array = values if isinstance(values, np.ndarray) else np.zeros(0)
    if array.dtype.kind not in "fiu" or array.ndim != 3 or array.shape[-1] not in columns:
        sizes = " or ".join(map(str, columns))
        kind, shape = type(values).__name__, array.shape
        what = f"holds {kind} of shape {shape}, not frames x joints x {sizes}"
        raise InputError(what, where=where)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused
        return array.astype(np.float32)


def pose(values: Any, wanted: str | None, where: str) -> tuple[Float32[np.ndarray, "T J 3"], str]:
    """A take's 3D in the wanted joint set, and that set; 32 joints become 17 by default.

    Raises InputError for joints that are not known, not finite or not in the wanted set's reach.
    """
    pose_m = _array(values, (3,), where)
    joints = pose_m.shape[1]
    if joints not in POSE_SETS:
        known = ", ".join(map(str, POSE_SETS))
        raise InputError(f"3D of {joints} joints is not known", where=where, fix=f"known: {known}")
    source = POSE_SETS[joints]
    target = wanted or ("h36m17" if source == "h36m32" else source)
    if not np.isfinite(pose_m).all():
        raise InputError("3D holds NaN or infinity", where=where)
    if target == source:
        return pose_m, target
    change = conversion(source, target)
    if not change.mask.all():
        lost = ", ".join(lacking(source, target))
        raise InputError(f"3D of {source} has no {lost} for {target}", where=where)
    return change.apply(pose_m), target


def lacking(source: str, target: str) -> list[str]:
    """The joints of the target set that the source set has no counterpart for."""
    change = conversion(source, target)
    known = zip(change.target.joints, change.mask, strict=True)
    return [name for name, there in known if not there]


@dataclass(frozen=True)
class KeypointFile:
    """A 2D file as its metadata tells it: its joint set and, where given, its frame rate."""

    path: Path
    joint_set: str
    fps: float | None

    @classmethod
    def read(cls, path: Path, *, dataset: str, detections: str) -> "KeypointFile":
        """Reads the metadata alone; raises InputError naming the file."""
        metadata = load_npz(path, ("metadata",)).get("metadata")
        name = joint_set_of(metadata, path, dataset=dataset, detections=detections)
        fps = metadata.get("fps") if isinstance(metadata, dict) else None
        if fps is None:
            return cls(path, name, None)
        if not isinstance(fps, (int, float, np.number)) or not 0 < fps < _FPS_BELOW:
            what = f"fps is {str(fps)[:20]!r}, not a number between 0 and {_FPS_BELOW:g}"
            raise InputError(what, where=str(path))
        return cls(path, name, float(fps))

    def views(
        self, found: Any, take: str, count: int, frames: int
    ) -> list[Float32[np.ndarray, "T source columns"]]:
        """A take's arrays by view, each of exactly that many frames."""
        where = f"{self.path} {take}"
        if found is None:
            raise InputError("has no 2D for this take of the 3D file", where=where)
        arrays = [self._view(view, i, where) for i, view in enumerate(_by_view(found))]
        if len(arrays) != count:
            what = f"has 2D of {len(arrays)} views, but there are {count} cameras"
            raise InputError(what, where=where)
        for view, array in enumerate(arrays):
            if len(array) < frames:
                what = f"view {view} has {len(array)} frames of 2D for {frames} frames of 3D"
                raise InputError(what, where=where)
        return [array[:frames] for array in arrays]

    def views_alone(
        self, found: Any, take: str, count: int
    ) -> dict[int, Float32[np.ndarray, "T source columns"]]:
        """A take's arrays by number of view where there is no 3D: those there, equally long."""
        where = f"{self.path} {take}"
        views = _by_view(found)
        if len(views) != count:
            what = f"has 2D of {len(views)} views, but there are {count} cameras"
            raise InputError(what, where=where)
        there = {i: self._view(v, i, where) for i, v in enumerate(views) if v is not None}
        shortest = min(map(len, there.values()), default=0)
        return {i: array[:shortest] for i, array in there.items() if shortest}

    def _view(self, values: Any, view: int, where: str) -> Float32[np.ndarray, "T source columns"]:
        array = _array(values, (2, 3), where)
        joints = len(known_joint_set(self.joint_set))
        if array.shape[1] != joints:
            what = f"view {view} has {array.shape[1]} joints, {self.joint_set} has {joints}"
            raise InputError(what, where=where)
        return array


def _by_view(found: Any) -> Sequence[Any]:
    stacked = isinstance(found, np.ndarray) and found.ndim > 0
    return list(found) if stacked or isinstance(found, (list, tuple)) else []


def keypoints(
    values: Float32[np.ndarray, "T source columns"], source: str, target: str
) -> tuple[Float32[np.ndarray, "T J 2"], Float32[np.ndarray, "T J"]]:
    """Pixels and scores in the target set; a keypoint that is missing is zero throughout."""
    known = np.isfinite(values).all(axis=-1)
    given = values[..., 2] if values.shape[-1] == 3 else np.ones(values.shape[:2])
    score = np.where(known, np.clip(given, 0, 1), 0).astype(np.float32)
    pixels = np.where(known[..., None], values[..., :2], np.float32(0))
    if source != target:
        change = conversion(source, target)
        pixels, score = change.apply(pixels), change.apply_score(score)
    return np.where(score[..., None] > 0, pixels, np.float32(0)), score
