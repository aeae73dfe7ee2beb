"""Clips written as VideoPose3D's files, which its own loaders and our importer read.

`data_3d_<dataset>.npz` holds positions_3d, `data_2d_<dataset>_<detections>.npz` holds positions_2d
and metadata, all as pickled dictionaries in 0-d arrays; `cameras_<dataset>.json` and `clips.csv`
(subject, action, split, start_frame) hold what VideoPose3D keeps in code.
"""

import csv
import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from jaxtyping import Float32

from monopose.data.clip import Clip, validate
from monopose.errors import InputError
from monopose.formats.videopose3d_cameras import camera_record
from monopose.formats.videopose3d_joints import POSE_SETS, metadata_of

_IN_A_FILE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_COLUMNS = ("subject", "action", "split", "start_frame")


@dataclass
class _Contents:
    """What the files will hold; the first clip fixes the data set's name, rate and joints."""

    first: Clip
    poses: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    seen: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]] = field(default_factory=dict)
    cameras: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    rows: list[tuple[str, str, str, int]] = field(default_factory=list)

    def add(self, clip: Clip) -> None:
        """Takes a clip in; raises InputError naming it when it does not go with the others."""
        for name in ("dataset", "fps", "joint_set"):
            value, others = getattr(clip, name), getattr(self.first, name)
            if value != others:
                _refuse(clip, f"{name} is {value}, others have {others}; one data set has one")
        records = _camera_records(clip)
        known = self.cameras.setdefault(clip.subject, records)
        if len(known) != len(records):
            _refuse(clip, f"has {len(records)} views, others of {clip.subject} have {len(known)}")
        if known != records:
            _refuse(clip, f"has other cameras than other clips of {clip.subject}")
        if clip.action in self.poses.setdefault(clip.subject, {}):
            _refuse(clip, "is there twice")
        pose, pixels, score = _needed(clip)
        self.poses[clip.subject][clip.action] = pose
        self.seen.setdefault(clip.subject, {})[clip.action] = (pixels, score)
        self.rows.append((clip.subject, clip.action, clip.split, clip.start_frame))

    def views(self) -> dict[str, dict[str, list[np.ndarray]]]:
        """2D by view: x and y, and the confidences as a third column unless they are all 1."""
        takes = [take for actions in self.seen.values() for take in actions.values()]
        plain = all((score == 1).all() for _, score in takes)
        return {
            subject: {
                action: list(px if plain else np.concatenate([px, score[..., None]], axis=-1))
                for action, (px, score) in actions.items()
            }
            for subject, actions in self.seen.items()
        }


def write_videopose3d(clips: Iterable[Clip], folder: Path, *, detections: str) -> None:
    """Writes clips into a new folder, whole or not at all; all of them are held in memory.

    detections: names the 2D, as in `gt`. Importing the folder as `videopose3d` gives the same
    clips, every number as it was; of h36m32, when asked for that joint set.
    Raises InputError for a folder that holds something, no clips, and clips that the layout cannot
    express: without pose_world_m, keypoints, scores or full calibration; with images or their own
    pose_camera_m; of joints other than 15 (HumanEva), 17 or 32 (Human3.6M); or that disagree.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError("is there already", where=str(folder), fix="name a new folder")
    contents = None
    for clip in clips:
        contents = contents or _Contents(clip)
        contents.add(validate(clip))
    if contents is None:
        raise InputError("no clips to write", where=str(folder))
    for name in (contents.first.dataset, detections):
        if not _IN_A_FILE_NAME.fullmatch(name):
            what = f"{name!r:.60} cannot be part of a file's name"
            raise InputError(what, where=str(folder), fix="use letters, digits, - and _")
    folder.parent.mkdir(parents=True, exist_ok=True)
    started = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write(contents, started, detections)
        started.chmod(0o755)  # a temporary folder is its owner's alone
        started.replace(folder)
    except BaseException:
        shutil.rmtree(started, ignore_errors=True)
        raise


def _write(contents: _Contents, folder: Path, detections: str) -> None:
    first = contents.first
    _save(folder / f"data_3d_{first.dataset}.npz", positions_3d=contents.poses)
    _save(
        folder / f"data_2d_{first.dataset}_{detections}.npz",
        positions_2d=contents.views(),
        metadata=metadata_of(first.joint_set, first.fps),
    )
    cameras = orjson.dumps(contents.cameras, option=orjson.OPT_INDENT_2)
    (folder / f"cameras_{first.dataset}.json").write_bytes(cameras)
    with (folder / "clips.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([_COLUMNS, *contents.rows])


def _save(path: Path, **members: dict[str, Any]) -> None:
    arrays = {name: np.array(value, dtype=object) for name, value in members.items()}
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # its own flags are keywords too


def _needed(
    clip: Clip,
) -> tuple[
    Float32[np.ndarray, "T J 3"], Float32[np.ndarray, "V T J 2"], Float32[np.ndarray, "V T J"]
]:
    """The parts that every take of the layout has; raises InputError for more or less."""
    if clip.joint_set not in POSE_SETS.values():
        known = ", ".join(POSE_SETS.values())
        _refuse(clip, f"joints are {clip.joint_set}; VideoPose3D's files hold {known}")
    for name in ("pose_camera_m", "image", "crop_box_px", "heatmaps"):
        if getattr(clip, name) is not None:
            _refuse(clip, f"holds {name}, which VideoPose3D's files cannot")
    pose, pixels, score = clip.pose_world_m, clip.keypoints_px, clip.keypoint_score
    if pose is None or pixels is None or score is None:
        missing = "pose_world_m" if pose is None else "keypoints_px or keypoint_score"
        raise InputError(f"has no {missing}", where=f"clip {clip.clip_id!r}")
    if pixels[score == 0].any():
        _refuse(clip, "has pixels where the score is 0; a missing keypoint is 0 throughout")
    if clip.clip_id != f"{clip.dataset}/{clip.subject}/{clip.action}":
        _refuse(clip, "clip_id is not dataset/subject/action")
    return pose, pixels, score


def _camera_records(clip: Clip) -> list[dict[str, Any]]:
    try:
        return [camera_record(camera) for camera in clip.cameras]
    except InputError as error:
        where = f"clip {clip.clip_id!r} {error.where}"
        raise InputError(error.what, where=where, fix=error.fix) from error


def _refuse(clip: Clip, what: str) -> None:
    raise InputError(what, where=f"clip {clip.clip_id!r}")
