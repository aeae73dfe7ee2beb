"""MPI-INF-3DHP as lifting work passes it on: `data_train_3dhp.npz`, `data_test_3dhp.npz`.

Layout (P-STMO's preparation, Shan et al., ECCV 2022): `data` is a pickled dictionary.
Train: {"S1 Seq1": [{"0": {data_2d, data_3d}, ...}, fps]}, a camera a key; test: {"TS1": {data_2d,
data_3d, valid}}. data_2d [N, 17, 2] pixels, data_3d [N, 17, 3] mm in the camera's frame. Nothing in
the files says which order the joints are in, and copies differ: it is told from the bodies.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from monopose.data.clip import Clip
from monopose.data.importers.reading.joint_order import order_of, sidedness
from monopose.data.importers.reading.runs import runs
from monopose.data.importers.source import (
    Importer,
    ImportOptions,
    ImportPlan,
    files_below,
    known_layout,
)
from monopose.data.joint_sets import in_joint_set
from monopose.errors import InputError
from monopose.formats.mpi_inf_3dhp import TRAIN_SEQUENCES, plausible
from monopose.formats.unpickle import load_npz
from monopose.geometry.camera import Camera
from monopose.geometry.fit_intrinsics import fit_intrinsics
from monopose.skeleton import joint_set

DATASET = "mpi_inf_3dhp_npz"
ASSUMED_FPS = 25.0
_ORDERS = ("mpi_inf_3dhp_17", "h36m17")
_SWAPPED = "_sides_swapped"
_LAYOUTS = (*_ORDERS, *(order + _SWAPPED for order in _ORDERS))
_TRAIN_SIZE, _OUTDOOR_SIZE = (2048, 2048), (1920, 1080)
_OUTDOORS = ("TS5", "TS6")
_RESIDUAL_PX = 2.0
# Below this, bodies show left and right swapped; half of the frames that show it would do.
_SIDES_WRONG = -0.5
# Bodies of this many frames, spread over a file, tell its order.
_FRAMES_TO_TELL = 2000
_FPS_BELOW = 10_000.0


@dataclass(frozen=True)
class _View:
    """One camera's arrays of one sequence, checked; joints in the file's order."""

    camera: str
    keypoints_px: Float32[np.ndarray, "T 17 2"]
    pose_mm: Float32[np.ndarray, "T 17 3"]
    size_px: tuple[int, int]


@dataclass(frozen=True)
class _Take:
    """One sequence: its views, frame rate, and the stretches of it that are labelled."""

    subject: str
    action: str
    split: str
    fps: float
    views: tuple[_View, ...]
    stretches: tuple[tuple[int, int], ...]


def npz_clips(path: Path, options: ImportOptions) -> Iterator[Clip]:
    """The sequences of one file; raises InputError naming the file and the sequence."""
    data = load_npz(path).get("data")
    if not isinstance(data, dict) or not data or not all(isinstance(key, str) for key in data):
        raise InputError("has no 'data' of the form {sequence: ...}", where=str(path))
    takes = [_take(name, entry, f"{path} {name}") for name, entry in data.items()]
    order, swapped = _order(takes, options.layout, path)
    for take in takes:
        yield from (
            in_joint_set(clip, options.joint_set)
            for clip in _clips(take, order, swapped, options.fps)
        )


def _take(name: str, entry: Any, where: str) -> _Take:
    if isinstance(entry, dict):
        return _test_take(name, entry, where)
    listed = list(entry) if isinstance(entry, (list, tuple, np.ndarray)) else []
    cameras = listed[0] if listed else None
    if not isinstance(cameras, dict) or not cameras:
        raise InputError("is neither a test sequence nor [cameras, fps]", where=where)
    views = tuple(
        _view(str(camera), arrays, _TRAIN_SIZE, f"{where} camera {str(camera)[:20]}")
        for camera, arrays in cameras.items()
    )
    frames = {len(view.pose_mm) for view in views}
    if len(frames) > 1:
        raise InputError(f"its cameras have {sorted(frames)} frames", where=where)
    subject, _, action = name.partition(" ")
    published = TRAIN_SEQUENCES.get((subject, action), (0, ASSUMED_FPS))[1]
    fps = listed[1] if len(listed) > 1 else published
    if not isinstance(fps, (int, float, np.number)) or not 0 < fps < _FPS_BELOW:
        raise InputError(f"fps is {str(fps)[:20]!r}, not a positive number", where=where)
    return _Take(
        subject or "unknown", action or name, "train", float(fps), views, ((0, frames.pop()),)
    )


def _test_take(name: str, entry: Mapping[str, Any], where: str) -> _Take:
    flags = entry.get("valid")
    if not isinstance(flags, np.ndarray) or flags.dtype.kind not in "biuf":
        raise InputError("has no array 'valid'", where=where)
    valid = flags.reshape(-1)
    if not np.isin(valid, (0, 1)).all() or not valid.any():
        raise InputError("'valid' holds more than 0 and 1, or no 1", where=where)
    size = _OUTDOOR_SIZE if name in _OUTDOORS else _TRAIN_SIZE
    view = _view(name, entry, size, where, valid == 1)
    stretches = tuple(runs(valid == 1))
    return _Take(name, "", "test", ASSUMED_FPS, (view,), stretches)


def _view(
    camera: str,
    arrays: Any,
    size_px: tuple[int, int],
    where: str,
    labelled: np.ndarray | None = None,
) -> _View:
    """Raises InputError unless the arrays fit each other and the labelled frames hold numbers."""
    if not isinstance(arrays, Mapping):
        raise InputError(f"is {type(arrays).__name__}, not data_2d and data_3d", where=where)
    keypoints_px = _array(arrays.get("data_2d"), "data_2d", 2, where)
    pose_mm = _array(arrays.get("data_3d"), "data_3d", 3, where)
    kept = np.ones(len(pose_mm), bool) if labelled is None else labelled
    if not len(keypoints_px) == len(pose_mm) == len(kept):
        raise InputError("data_2d, data_3d and valid differ in frames", where=where)
    if not (plausible(keypoints_px[kept]).all() and plausible(pose_mm[kept]).all()):
        raise InputError("holds numbers that are no pixels or mm", where=where)
    if not (pose_mm[kept, :, 2] > 0).all():
        what = "has bodies at or behind the camera: the poses are relative to a root, or mirrored"
        raise InputError(what, where=where, fix="give the file with poses in the camera's frame")
    return _View(camera, keypoints_px, pose_mm, size_px)


def _array(values: Any, name: str, channels: int, where: str) -> Float32[np.ndarray, "T 17 c"]:
    array: np.ndarray = values if isinstance(values, np.ndarray) else np.zeros(0)
    # The test file's own axis of persons, of length 1, is there in some copies.
    array = array[:, 0] if array.ndim == 4 and array.shape[1] == 1 else array
    if array.dtype.kind not in "fiu" or array.shape[1:] != (17, channels) or not len(array):
        what = f"{name} is {type(values).__name__} of {array.shape}, not frames x 17 x {channels}"
        raise InputError(what, where=where)
    with np.errstate(over="ignore", invalid="ignore"):  # infinite then, and refused
        return array.astype(np.float32)


def _order(takes: Sequence[_Take], layout: str | None, path: Path) -> tuple[str, bool]:
    """(joint set, whether sides are swapped in it), as given or as the bodies tell."""
    if layout is not None:
        return layout.removesuffix(_SWAPPED), layout.endswith(_SWAPPED)
    poses = [take.views[0].pose_mm[first:end] for take in takes for first, end in take.stretches]
    every = max(1, sum(map(len, poses)) // _FRAMES_TO_TELL)
    # Bodies of one sequence each, as limbs differ between people.
    sample = max(poses, key=len)[::every]
    try:
        order = order_of(sample, _ORDERS)
    except InputError as error:
        fix = f"name it by --layout: {', '.join(_LAYOUTS)}"
        raise InputError(error.what, where=str(path), fix=fix) from error
    if sidedness(np.concatenate(poses)[::every], joint_set(order)) < _SIDES_WRONG:
        what = f"the joints are in the order of {order} with left and right swapped"
        fix = f"give --layout {order}{_SWAPPED} to swap them back"
        raise InputError(what, where=str(path), fix=fix)
    return order, False


def _clips(take: _Take, order: str, swapped: bool, fps: float | None) -> Iterator[Clip]:
    joints = list(joint_set(order).mirror) if swapped else slice(None)
    cameras = tuple(_camera(view, take.stretches) for view in take.views)
    poses_m = np.stack([view.pose_mm[:, joints] for view in take.views]) / np.float32(1000)
    keypoints_px = np.stack([view.keypoints_px[:, joints] for view in take.views])
    for first, end in take.stretches:
        action = take.action or f"frames from {first}"
        yield Clip(
            clip_id=f"{DATASET}/{take.subject}/{action}",
            dataset=DATASET,
            subject=take.subject,
            action=action,
            split=take.split,
            fps=fps or take.fps,
            joint_set=order,
            cameras=cameras,
            start_frame=first,
            pose_camera_m=poses_m[:, first:end],
            keypoints_px=keypoints_px[:, first:end],
            keypoint_score=np.ones(keypoints_px[:, first:end].shape[:-1], np.float32),
        )


def _camera(view: _View, stretches: Sequence[tuple[int, int]]) -> Camera:
    """The view's camera, with intrinsics where a pinhole camera explains its 2D."""
    width, height = view.size_px
    camera = Camera(view.camera, width=width, height=height)
    shown = np.concatenate([np.arange(first, end) for first, end in stretches])
    fit = fit_intrinsics(view.pose_mm[shown], view.keypoints_px[shown])
    if fit is None or fit.residual_px > _RESIDUAL_PX:
        return camera
    return Camera(
        view.camera, fx=fit.fx, fy=fit.fy, cx=fit.cx, cy=fit.cy, width=width, height=height
    )


def plan(paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """A part per file. Raises InputError for an unknown layout and when there is no such file."""
    if options.layout is not None:
        known_layout(options.layout, _LAYOUTS)
    files = files_below(paths, "data_train_3dhp*.npz", "data_test_3dhp*.npz")
    order = "the order of the joints is told from the bodies"
    rate = f"the file's or the published one, {ASSUMED_FPS:g} assumed for test sequences"
    if options.layout:
        order = f"joints are taken as {options.layout}"
    if options.fps:
        rate = f"{options.fps:g} as given"
    notes = (
        "the files do not say whether their 3D is annot3 or univ_annot3 (P-STMO's own are "
        "univ_annot3): numbers on the two cannot be compared",
        order,
        f"frame rate: {rate}",
        "intrinsics are fitted to the file's 2D and 3D where a pinhole camera explains them, and "
        "unknown elsewhere; there are no extrinsics",
    )
    return ImportPlan(DATASET, [partial(npz_clips, file, options) for file in files], "gt", notes)


IMPORTER = Importer(
    plan,
    frozenset({"layout", "joint_set", "fps"}),
    "MPI-INF-3DHP as P-STMO prepares it: data_train_3dhp.npz, data_test_3dhp.npz",
)
