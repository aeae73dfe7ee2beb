"""VideoPose3D's files (Human3.6M, HumanEva and whoever uses the same layout) as clips.

Source: Pavllo et al., "3D human pose estimation in video with temporal convolutions and
semi-supervised training", CVPR 2019, and its published data preparation. The layout keeps cameras
in code; here they are a JSON file of the same fields, as their numbers are data.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from monopose.data.clip import Clip
from monopose.data.importers.reading.videopose3d_takes import (
    KeypointFile,
    keypoints,
    lacking,
    pose,
    read_takes,
)
from monopose.data.importers.source import Importer, ImportOptions, ImportPlan
from monopose.errors import InputError
from monopose.formats.videopose3d_cameras import CameraRules, read_camera_file, subject_cameras
from monopose.formats.videopose3d_joints import POSE_SETS
from monopose.geometry.camera import Camera

_HUMAN36M = {"S1", "S5", "S6", "S7", "S8", "S9", "S11"}


def as_written(subject: str, action: str) -> tuple[str, str]:
    """A take's subject and action as the files spell them."""
    return subject, action


def all_train(_subject: str) -> str:
    """Every subject is there to train on."""
    return "train"


def human36m_split(subject: str) -> str:
    """Human3.6M tests on S9 and S11."""
    return "test" if subject in ("S9", "S11") else "train"


@dataclass(frozen=True)
class Publisher:
    """What one data set in this layout fixes.

    dataset: its name in the files' names; None takes any. fps: where the metadata does not tell.
    spelling: of an action, mapped before 3D and 2D are matched. name: (subject, action) of the
    clip. split: by the file's subject, unless `clips.csv` is read (`listed`). dropped: takes left
    out. alone: joint set of clips made of 2D without 3D; None leaves such takes out.
    """

    dataset: str | None = None
    fps: float = 50.0
    cameras: CameraRules = CameraRules()
    spelling: Callable[[str], str] = str
    name: Callable[[str, str], tuple[str, str]] = as_written
    split: Callable[[str], str] = all_train
    dropped: frozenset[tuple[str, str]] = frozenset()
    alone: str | None = None
    listed: bool = False


@dataclass(frozen=True)
class Files:
    """The files of one data set; `detections` is the last part of the name of `keypoints`."""

    dataset: str
    poses: Path
    detections: str
    keypoints: Path
    cameras: Path
    table: Path | None

    def keypoint_file(self) -> KeypointFile:
        """What the metadata of the 2D says."""
        return KeypointFile.read(self.keypoints, dataset=self.dataset, detections=self.detections)


def plan_takes(
    paths: Sequence[Path], options: ImportOptions, publisher: Publisher
) -> tuple[Files, ImportPlan]:
    """The files found, and a plan with a part for each subject.

    Raises InputError when files are missing, unclear or hold no takes.
    """
    files = _find(paths, options, publisher)
    subjects = dict.fromkeys(read_takes(files.poses, "positions_3d"))
    if publisher.alone:
        subjects |= dict.fromkeys(read_takes(files.keypoints, "positions_2d"))
    parts = [
        partial(subject_clips, files, subject, publisher, options.joint_set) for subject in subjects
    ]
    notes = _notes(files, publisher, options.joint_set)
    return files, ImportPlan(files.dataset, parts, files.detections, notes)


def _notes(files: Files, publisher: Publisher, wanted: str | None) -> tuple[str, ...]:
    file = files.keypoint_file()
    notes = []
    if not file.fps and not publisher.dataset:
        notes.append(f"{publisher.fps:g} Hz assumed: {files.keypoints.name} does not tell")
    takes = next(iter(read_takes(files.poses, "positions_3d").values()), {})
    joints = np.shape(next(iter(takes.values()), ()))[1:2]
    source = POSE_SETS.get(joints[0]) if joints else None
    target = wanted or ("h36m17" if source == "h36m32" else source)
    lost = lacking(file.joint_set, target) if target else []
    if lost:
        notes.append(f"2D of {file.joint_set} has no {', '.join(lost)}: score 0 there")
    return tuple(notes)


def subject_clips(
    files: Files, subject: str, publisher: Publisher, joint_set: str | None
) -> Iterator[Clip]:
    """The clips of one subject; raises InputError naming the file and the take."""
    file = files.keypoint_file()
    poses = _spelled(files.poses, "positions_3d", subject, publisher)
    seen = _spelled(files.keypoints, "positions_2d", subject, publisher)
    content = read_camera_file(files.cameras)
    cameras = subject_cameras(content, subject, files.cameras, publisher.cameras)
    rows = _read_table(files.table)
    for action in poses:
        if (subject, action) in publisher.dropped:
            continue
        where = f"{files.poses} {subject}/{action}"
        _need_places(cameras, f"{files.cameras} {subject}")
        pose_world_m, target = pose(poses[action], joint_set, where)
        take = f"{subject}/{action}"
        views = file.views(seen.get(action), take, len(cameras), len(pose_world_m))
        clip = _clip(files, publisher, (subject, action), file, views, cameras, target)
        yield _listed(replace(clip, pose_world_m=pose_world_m), rows, files.table)
    for action in [action for action in seen if publisher.alone and action not in poses]:
        found = file.views_alone(seen[action], f"{subject}/{action}", len(cameras))
        there = tuple(cameras[view] for view in found)
        target = joint_set or str(publisher.alone)
        if found:
            views = list(found.values())
            yield _clip(files, publisher, (subject, action), file, views, there, target)


def _spelled(path: Path, member: str, subject: str, publisher: Publisher) -> dict[str, Any]:
    takes = read_takes(path, member).get(subject, {})
    spelled = {publisher.spelling(action): values for action, values in takes.items()}
    if len(spelled) < len(takes):
        what = f"two takes of {subject} have the same name in another spelling"
        raise InputError(what, where=str(path), fix="keep one of them")
    return spelled


def _need_places(cameras: Sequence[Camera], where: str) -> None:
    for camera in cameras:
        if not camera.has_extrinsics:
            what = f"camera {camera.camera_id} has no place in the world, but there is 3D"
            raise InputError(what, where=where, fix="add orientation and translation")


def _clip(
    files: Files,
    publisher: Publisher,
    take: tuple[str, str],
    file: KeypointFile,
    views: Sequence[np.ndarray],
    cameras: tuple[Camera, ...],
    target: str,
) -> Clip:
    subject, action = publisher.name(*take)
    pairs = [keypoints(view, file.joint_set, target) for view in views]
    return Clip(
        clip_id=f"{files.dataset}/{subject}/{action}",
        dataset=files.dataset,
        subject=subject,
        action=action,
        split=publisher.split(take[0]),
        fps=file.fps or publisher.fps,
        joint_set=target,
        cameras=cameras,
        keypoints_px=np.stack([px for px, _ in pairs]),
        keypoint_score=np.stack([score for _, score in pairs]),
    )


def _listed(
    clip: Clip, rows: dict[tuple[str, str], tuple[str, int]] | None, path: Path | None
) -> Clip:
    """The clip with the split and the start frame that the table gives it."""
    if rows is None:
        return clip
    if (clip.subject, clip.action) not in rows:
        what = f"has no row for {clip.subject}/{clip.action}"
        raise InputError(what, where=str(path), fix="add it")
    split, start_frame = rows[clip.subject, clip.action]
    return replace(clip, split=split, start_frame=start_frame)


def _read_table(path: Path | None) -> dict[tuple[str, str], tuple[str, int]] | None:
    if path is None:
        return None
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        return {(row["subject"], row["action"]): _row(row, path) for row in rows}
    except KeyError as error:
        what = f"has no column {error.args[0]!r}"
        raise InputError(what, where=str(path), fix="needs subject, action, split") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"is not readable CSV ({error})", where=str(path)) from error


def _row(row: dict[str, Any], path: Path) -> tuple[str, int]:
    """(split, start frame) of a row; a split that is not there is refused with its take."""
    start = row.get("start_frame") or "0"
    if not row["split"]:
        what = f"has no split for {row['subject']!r:.40}/{row['action']!r:.40}"
        raise InputError(what, where=str(path))
    if not start.isascii() or not start.isdigit() or len(start) > 12:
        raise InputError(f"start_frame is {start[:20]!r}, not a count", where=str(path))
    return row["split"], int(start)


def _find(paths: Sequence[Path], options: ImportOptions, publisher: Publisher) -> Files:
    files = [
        file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])
    ]
    where = ", ".join(map(str, paths)) or "(no path)"
    for file in files:
        if not file.exists():
            raise InputError("there is no such file or folder", where=str(file))
    poses = _one(files, f"data_3d_{publisher.dataset or '*'}.npz", where)
    dataset = poses.stem.removeprefix("data_3d_")
    detections, keypoints = _keypoints(files, dataset, options.detections, where)
    tables = (file for file in files if publisher.listed and file.name == "clips.csv")
    cameras = options.cameras or _one(files, "cameras_*.json", where)
    return Files(dataset, poses, detections, keypoints, cameras, next(tables, None))


def _keypoints(
    files: Sequence[Path], dataset: str, asked: str | None, where: str
) -> tuple[str, Path]:
    """The 2D to read, by the last part of its file's name, and that file; the only one unasked."""
    start = f"data_2d_{dataset}_"
    found = [file for file in files if file.name.startswith(start) and file.suffix == ".npz"]
    choices = {file.stem.removeprefix(start): file for file in found}
    if not choices:
        raise InputError(f"there is no {start}<detections>.npz", where=where, fix="add that file")
    if asked is None and len(choices) == 1:
        return next(iter(choices.items()))
    if asked is None or asked not in choices:
        what = f"no detections {asked!r}" if asked else "several files of detections"
        known = ", ".join(sorted(choices))
        raise InputError(what, where=where, fix=f"choose with --detections one of {known}")
    return asked, choices[asked]


def _one(files: Sequence[Path], pattern: str, where: str) -> Path:
    found = [file for file in files if file.match(pattern)]
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        what = f"needs exactly one {pattern}, found {names}"
        fix = "name the files one by one, one of that kind" if found else "add that file"
        if pattern.startswith("cameras"):
            fix = "add one, or name it by --cameras"
        raise InputError(what, where=where, fix=fix)
    return found[0]


def videopose3d_clips(
    paths: Sequence[Path], *, detections: str | None = None, joint_set: str | None = None
) -> Iterator[Clip]:
    """The clips of `plan` in order, for callers in Python."""
    return plan(paths, ImportOptions(detections=detections, joint_set=joint_set)).clips()


def plan(paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """Clips of `data_3d_<name>.npz`, `data_2d_<name>_<detections>.npz` and `cameras_*.json`.

    paths: a folder, or the files. Splits come from `clips.csv` (subject, action, split, and
    start_frame if it is there); without it Human3.6M's S9 and S11 are `test` and all else is
    `train`. options.joint_set: what the clips come out in; by default that of the 3D file,
    Human3.6M's 32 joints reduced to its 17. 2D of another set is converted by joint name; a joint
    without counterpart has score 0. 2D without confidences has score 1; 2D longer than the 3D is
    truncated, as VideoPose3D does; 2D takes without 3D are left out.
    Raises InputError naming the file and the take when the files disagree or are damaged.
    """
    publisher = Publisher(listed=True)
    files = _find(paths, options, publisher)
    if set(read_takes(files.poses, "positions_3d")) <= _HUMAN36M:
        publisher = replace(publisher, split=human36m_split)
    return plan_takes(paths, options, publisher)[1]


IMPORTER = Importer(
    plan,
    frozenset({"cameras", "detections", "joint_set"}),
    "VideoPose3D's npz files and a camera file",
)
