"""VideoPose3D's files (Human3.6M, HumanEva and whoever uses the same layout) as clips.

Source: Pavllo et al., "3D human pose estimation in video with temporal convolutions and
semi-supervised training", CVPR 2019, and its published data preparation. The layout keeps cameras
in code; here they are a JSON file of the same fields, as their numbers are data.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import orjson
from jaxtyping import Float32

from monopose.data.clip import Clip
from monopose.data.importers.source import Importer, ImportOptions, ImportPlan
from monopose.data.importers.unpickle import load_npz
from monopose.errors import InputError
from monopose.geometry.camera import Camera
from monopose.geometry.rotation import quaternion_to_matrix
from monopose.skeleton import conversion
from monopose.skeleton import joint_set as known_joint_set

DEFAULT_FPS = 50.0
_HUMAN36M = {"S1", "S5", "S6", "S7", "S8", "S9", "S11"}
_HUMAN36M_TEST = {"S9", "S11"}
_POSE_SETS = {15: "humaneva15", 17: "h36m17", 32: "h36m32"}
_KEYPOINT_SETS = ("h36m17", "coco17", "h36m16", "mpii16", "humaneva15", "h36m32")
_LAYOUTS = {
    ("h36m", 17): "h36m17",
    ("h36m", 16): "h36m16",
    ("h36m", 32): "h36m32",
    ("coco", 17): "coco17",
    ("mpii", 16): "mpii16",
    ("humaneva15", 15): "humaneva15",
}
_METRES_AT_MOST = 100.0
_PIXELS_AT_LEAST = 10.0
_FPS_BELOW = 10_000.0


@dataclass(frozen=True)
class _Source:
    """The files of one data set; `detections` is the last part of the name of `keypoints`."""

    dataset: str
    poses: Path
    detections: str
    keypoints: Path
    cameras: Path
    splits: Path | None


def choose_detections(paths: Sequence[Path], detections: str | None = None) -> str:
    """The 2D source that will be read: `gt`, `cpn_ft_h36m_dbb`, ...

    Raises InputError listing the choices when the name is unknown or several files are there
    and none is named.
    """
    return _find(paths, detections).detections


def videopose3d_clips(
    paths: Sequence[Path], *, detections: str | None = None, joint_set: str | None = None
) -> Iterator[Clip]:
    """Clips of `data_3d_<name>.npz`, `data_2d_<name>_<detections>.npz` and `cameras_*.json`.

    paths: a folder, or the files. Splits come from `clips.csv` (subject, action, split) when it
    is there; otherwise Human3.6M's S9 and S11 are `test` and all else is `train`.
    joint_set: what the clips come out in; by default that of the 3D file, Human3.6M's 32 joints
    reduced to its 17. 2D of another set is converted by joint name; a joint without counterpart
    has score 0. 2D without confidences has score 1; 2D longer than the 3D is truncated, as
    VideoPose3D does; 2D takes without 3D are left out. The clip_id is dataset/subject/action.
    Raises InputError naming the file and the take when the files disagree or are damaged.
    """
    source = _find(paths, detections)
    poses = _takes(load_npz(source.poses), "positions_3d", source.poses)
    keypoints = _Keypoints.read(source.keypoints)
    cameras = _read_cameras(source.cameras)
    splits = _Splits(_read_splits(source.splits), set(poses))
    for subject, actions in poses.items():
        views = _subject_cameras(cameras, subject, source.cameras)
        for action, pose in actions.items():
            where = f"{source.poses} {subject}/{action}"
            pose_world_m, target = _pose(pose, joint_set, where)
            found = keypoints.views(subject, action, len(views), len(pose_world_m))
            pairs = [_keypoints(view, keypoints.joint_set, target) for view in found]
            yield Clip(
                clip_id=f"{source.dataset}/{subject}/{action}",
                dataset=source.dataset,
                subject=subject,
                action=action,
                split=splits.of(subject, action, source.splits),
                fps=keypoints.fps,
                joint_set=target,
                cameras=views,
                pose_world_m=pose_world_m,
                keypoints_px=np.stack([px for px, _ in pairs]),
                keypoint_score=np.stack([score for _, score in pairs]),
            )


def _find(paths: Sequence[Path], detections: str | None) -> _Source:
    files = [
        file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])
    ]
    where = ", ".join(map(str, paths)) or "(no path)"
    for file in files:
        if not file.exists():
            raise InputError("there is no such file or folder", where=str(file))
    poses = _one(files, "data_3d_*.npz", where)
    dataset = poses.stem.removeprefix("data_3d_")
    start = f"data_2d_{dataset}_"
    choices = {f.stem.removeprefix(start): f for f in files if f.match(f"{start}*.npz")}
    if not choices:
        raise InputError(f"there is no {start}<detections>.npz", where=where, fix="add that file")
    if detections is None and len(choices) == 1:
        detections = next(iter(choices))
    if detections not in choices:
        asked = f"no detections {detections!r}" if detections else "several files of detections"
        raise InputError(asked, where=where, fix=f"choose one of {', '.join(sorted(choices))}")
    splits = next((file for file in files if file.name == "clips.csv"), None)
    cameras = _one(files, "cameras_*.json", where)
    return _Source(dataset, poses, detections, choices[detections], cameras, splits)


def _one(files: Sequence[Path], pattern: str, where: str) -> Path:
    found = [file for file in files if file.match(pattern)]
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        what = f"needs exactly one {pattern}, found {names}"
        raise InputError(what, where=where, fix="name the files one by one, one of that kind")
    return found[0]


def _takes(members: dict[str, Any], key: str, path: Path) -> dict[str, dict[str, Any]]:
    subjects = members.get(key)
    if not _is_named(subjects) or not all(_is_named(takes) for takes in subjects.values()):
        what = f"has no {key} of the form {{subject: {{action: array}}}}"
        raise InputError(what, where=str(path), fix="give a file in VideoPose3D's layout")
    return dict(subjects)


def _is_named(values: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(values, dict) and all(isinstance(key, str) for key in values)


def _array(
    values: Any, columns: tuple[int, ...], where: str
) -> Float32[np.ndarray, "T source columns"]:
    array = values if isinstance(values, np.ndarray) else np.zeros(0)
    if array.dtype.kind not in "fiu" or array.ndim != 3 or array.shape[-1] not in columns:
        sizes = " or ".join(map(str, columns))
        what = (
            f"holds {type(values).__name__} of shape {array.shape}, not frames x joints x {sizes}"
        )
        raise InputError(what, where=where)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused
        return array.astype(np.float32)


def _pose(values: Any, wanted: str | None, where: str) -> tuple[Float32[np.ndarray, "T J 3"], str]:
    pose_m = _array(values, (3,), where)
    joints = pose_m.shape[1]
    if joints not in _POSE_SETS:
        known = ", ".join(map(str, _POSE_SETS))
        raise InputError(f"3D of {joints} joints is not known", where=where, fix=f"known: {known}")
    source = _POSE_SETS[joints]
    target = wanted or ("h36m17" if source == "h36m32" else source)
    if target == source:
        return pose_m, target
    change = conversion(source, target)
    if not change.mask.all():
        lost = [
            name for name, known in zip(change.target.joints, change.mask, strict=True) if not known
        ]
        raise InputError(f"3D of {source} has no {', '.join(lost)} for {target}", where=where)
    return change.apply(pose_m), target


@dataclass(frozen=True)
class _Keypoints:
    """A 2D file: its takes, the joint set its metadata tells and the frame rate."""

    path: Path
    takes: dict[str, dict[str, Any]]
    joint_set: str
    fps: float

    @classmethod
    def read(cls, path: Path) -> "_Keypoints":
        members = load_npz(path)
        metadata = members.get("metadata")
        if not isinstance(metadata, dict):
            raise InputError("has no metadata", where=str(path), fix="add keypoints_symmetry to it")
        fps = metadata.get("fps", DEFAULT_FPS)
        if not isinstance(fps, (int, float, np.number)) or not 0 < fps < _FPS_BELOW:
            what = f"fps is {str(fps)[:20]!r}, not a number between 0 and {_FPS_BELOW:g}"
            raise InputError(what, where=str(path))
        takes = _takes(members, "positions_2d", path)
        return cls(path, takes, _joint_set_of(metadata, path), float(fps))

    def views(self, subject: str, action: str, count: int, frames: int) -> list[np.ndarray]:
        """The take's arrays by view, each of exactly that many frames."""
        where = f"{self.path} {subject}/{action}"
        found = self.takes.get(subject, {}).get(action)
        if found is None:
            raise InputError("has no 2D for this take of the 3D file", where=where)
        stacked = isinstance(found, np.ndarray) and found.ndim > 0
        per_view = list(found) if stacked or isinstance(found, (list, tuple)) else []
        if len(per_view) != count:
            what = f"has 2D of {len(per_view)} views, but there are {count} cameras"
            raise InputError(what, where=where)
        arrays = [_array(view, (2, 3), where) for view in per_view]
        joints = len(known_joint_set(self.joint_set))
        for view, array in enumerate(arrays):
            if array.shape[1] != joints:
                what = f"view {view} has {array.shape[1]} joints, {self.joint_set} has {joints}"
                raise InputError(what, where=where)
            if len(array) < frames:
                what = f"view {view} has {len(array)} frames of 2D for {frames} frames of 3D"
                raise InputError(what, where=where)
        return [array[:frames] for array in arrays]


def _joint_set_of(metadata: dict[str, Any], path: Path) -> str:
    layout, count = metadata.get("layout_name"), metadata.get("num_joints")
    count = int(count) if isinstance(count, (int, np.integer)) else None
    symmetry = _plain_lists(metadata.get("keypoints_symmetry"))
    if symmetry is None and (str(layout), count or 0) in _LAYOUTS:
        return _LAYOUTS[str(layout), count or 0]
    for name in _KEYPOINT_SETS:
        if symmetry == _symmetry(name) and count in (None, len(known_joint_set(name))):
            return name
    sides = str(symmetry)[:80]
    what = f"cannot tell the joints from layout {layout!r}, {count} joints, symmetry {sides}"
    raise InputError(what, where=str(path), fix=f"known layouts: {', '.join(_KEYPOINT_SETS)}")


def _plain_lists(symmetry: Any) -> list[list[int]] | None:
    try:
        return None if symmetry is None else [sorted(map(int, side)) for side in symmetry]
    except (TypeError, ValueError, OverflowError):
        return []


def _symmetry(name: str) -> list[list[int]]:
    joints = known_joint_set(name).joints
    return [
        [index for index, joint in enumerate(joints) if joint.startswith(side)]
        for side in ("left_", "right_")
    ]


def _keypoints(
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


def _read_cameras(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except (orjson.JSONDecodeError, OSError) as error:
        raise InputError(f"is not readable JSON ({error})", where=str(path)) from error


def _subject_cameras(cameras: Any, subject: str, path: Path) -> tuple[Camera, ...]:
    """The cameras of a subject; a plain list serves all; HumanEva's Train/S1 finds S1."""
    found = cameras
    if isinstance(cameras, dict):
        found = cameras.get(subject, cameras.get(subject.rsplit("/", 1)[-1]))
    where = f"{path} {subject}"
    if not isinstance(found, list) or not found:
        raise InputError("has no cameras for this subject", where=where, fix="add them by subject")
    try:
        return tuple(_camera(record, f"{where} camera {i}") for i, record in enumerate(found))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        what = f"a camera lacks a part or has a wrong one ({type(error).__name__}: {error})"
        fix = "needs id, orientation, translation, focal_length, center, res_w, res_h"
        raise InputError(what, where=where, fix=fix) from error


def _camera(record: dict[str, Any], where: str) -> Camera:
    """VideoPose3D: X_camera = R(orientation)^-1 (X_world - translation); mm when beyond 100.

    Lens: VideoPose3D adds x (t.x) + t r^2 for its tangential pair t, Brown-Conrady (OpenCV) adds
    2 x (p.x) + p r^2 with p = (p2, p1). So p1 = t[1] and p2 = t[0], which is also the order of
    Human3.6M's own pair; the remaining x (t.x) is below 0.3 px on Human3.6M's cameras.
    """
    rotation = quaternion_to_matrix(np.array(record["orientation"], np.float64)).T
    position = np.array(record["translation"], np.float64)
    if position.shape != (3,) or not np.isfinite(position).all():
        raise InputError(f"translation is {record['translation']}", where=where)
    if np.abs(position).max() > _METRES_AT_MOST:
        position = position / 1000
    focal, centre = record["focal_length"], record["center"]
    if min(focal) < _PIXELS_AT_LEAST:
        raise InputError(f"focal length {focal} is not in pixels", where=where)
    return Camera(
        camera_id=str(record["id"]),
        rotation=rotation,
        translation_m=-rotation @ position,
        fx=float(focal[0]),
        fy=float(focal[1]),
        cx=float(centre[0]),
        cy=float(centre[1]),
        distortion=_distortion(record),
        width=int(record["res_w"]),
        height=int(record["res_h"]),
    )


def _distortion(record: dict[str, Any]) -> tuple[float, float, float, float, float] | None:
    if "radial_distortion" not in record and "tangential_distortion" not in record:
        return None
    k1, k2, k3 = (*map(float, record.get("radial_distortion", ())), 0.0, 0.0, 0.0)[:3]
    p2, p1 = map(float, record.get("tangential_distortion", (0, 0)))
    return k1, k2, p1, p2, k3


@dataclass(frozen=True)
class _Splits:
    """The split of each take: from clips.csv, or by the data sets' own rules."""

    listed: dict[tuple[str, str], str] | None
    subjects: set[str]

    def of(self, subject: str, action: str, path: Path | None) -> str:
        if self.listed is None:
            held_out = self.subjects <= _HUMAN36M and subject in _HUMAN36M_TEST
            return "test" if held_out else "train"
        if (subject, action) not in self.listed:
            raise InputError(f"has no row for {subject}/{action}", where=str(path), fix="add it")
        return self.listed[subject, action]


def _read_splits(path: Path | None) -> dict[tuple[str, str], str] | None:
    if path is None:
        return None
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        return {(row["subject"], row["action"]): row["split"] or "" for row in rows}
    except KeyError as error:
        what = f"has no column {error.args[0]!r}"
        raise InputError(what, where=str(path), fix="needs subject, action, split") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"is not readable CSV ({error})", where=str(path)) from error


def plan(paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """All takes of the files in one part; raises InputError when files are missing or unclear."""
    source = _find(paths, options.detections)
    read = partial(
        videopose3d_clips, paths, detections=source.detections, joint_set=options.joint_set
    )
    return ImportPlan(source.dataset, [read], source.detections)


IMPORTER = Importer(
    plan, frozenset({"detections", "joint_set"}), "VideoPose3D's npz files and a camera file"
)
