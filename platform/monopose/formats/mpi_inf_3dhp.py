"""MPI-INF-3DHP's annotation files as arrays.

Source: Mehta et al., "Monocular 3D human pose estimation in the wild using improved CNN
supervision", 3DV 2017, and the layouts of its release. Poses are in each camera's own frame, mm:
`annot3` as captured, whose projection `annot2` is; `univ_annot3` with the body scaled to one
height for all people.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from jaxtyping import Bool, Float32, Int64

from monopose.errors import InputError, MonoposeError
from monopose.formats.matlab import load_mat

Annotation = Literal["annot3", "univ_annot3"]

TRAIN_JOINTS, TEST_JOINTS = 28, 17
# Frames and Hz of each sequence, as the release's own table has them; files may hold a few more.
TRAIN_SEQUENCES: dict[tuple[str, str], tuple[int, float]] = {
    ("S1", "Seq1"): (6416, 25.0), ("S1", "Seq2"): (12430, 50.0),
    ("S2", "Seq1"): (6502, 25.0), ("S2", "Seq2"): (6081, 25.0),
    ("S3", "Seq1"): (12488, 50.0), ("S3", "Seq2"): (12283, 50.0),
    ("S4", "Seq1"): (6171, 25.0), ("S4", "Seq2"): (6675, 25.0),
    ("S5", "Seq1"): (12820, 50.0), ("S5", "Seq2"): (12312, 50.0),
    ("S6", "Seq1"): (6188, 25.0), ("S6", "Seq2"): (6145, 25.0),
    ("S7", "Seq1"): (6239, 25.0), ("S7", "Seq2"): (6320, 25.0),
    ("S8", "Seq1"): (6468, 25.0), ("S8", "Seq2"): (6054, 25.0),
}  # fmt: skip
TEST_VALID_FRAMES = {"TS1": 603, "TS2": 540, "TS3": 505, "TS4": 553, "TS5": 276, "TS6": 452}
# More frames than any honest file has; a damaged one is refused before memory is asked for.
_MOST_FRAMES = 1_000_000
# A kilometre, and more pixels than any image is wide.
_LARGEST = 1e6


@dataclass(frozen=True)
class TrainAnnotations:
    """All frames of one training sequence in the chosen cameras; V views, 28 joints."""

    keypoints_px: Float32[np.ndarray, "V T 28 2"]
    pose_camera_mm: Float32[np.ndarray, "V T 28 3"]


@dataclass(frozen=True)
class HeldOutAnnotations:
    """All frames of one test sequence, those that are not valid included; 17 joints.

    annot3_mm is the pose as captured, pose_camera_mm the one that was asked for.
    """

    valid: Bool[np.ndarray, " T"]
    activity: Int64[np.ndarray, " T"]
    keypoints_px: Float32[np.ndarray, "T 17 2"]
    annot3_mm: Float32[np.ndarray, "T 17 3"]
    pose_camera_mm: Float32[np.ndarray, "T 17 3"]


def read_train_annotations(
    path: Path, annotation: Annotation, cameras: tuple[int, ...]
) -> TrainAnnotations:
    """`annot.mat` (MATLAB 5): cells of 14 cameras, each N x 28 joints x (2 | 3) in one row.

    Frames that some camera lacks at the end, and trailing frames that are not finite, are left
    out. Raises InputError naming the file for anything else that is not so.
    """
    cells = load_mat(path, ["annot2", annotation])
    keypoints = [_cell(cells, "annot2", camera, 2, path) for camera in cameras]
    poses = [_cell(cells, annotation, camera, 3, path) for camera in cameras]
    frames = min(map(len, keypoints + poses))
    keypoints_px = np.stack([view[:frames] for view in keypoints])
    pose_camera_mm = np.stack([view[:frames] for view in poses])
    known = np.all(plausible(keypoints_px), axis=(0, 2, 3))
    known &= np.all(plausible(pose_camera_mm), axis=(0, 2, 3))
    kept = int(np.flatnonzero(known)[-1]) + 1 if known.any() else 0
    if not known[:kept].all() or not kept:
        what = f"frame {int(np.argmin(known))} holds numbers that are no pixels or mm"
        raise InputError(what, where=str(path))
    return TrainAnnotations(keypoints_px[:, :kept], pose_camera_mm[:, :kept])


def _cell(
    cells: dict[str, Any], name: str, camera: int, channels: int, path: Path
) -> Float32[np.ndarray, "T 28 channels"]:
    cell = cells[name]
    if not isinstance(cell, np.ndarray) or cell.dtype != object or cell.size <= camera:
        raise InputError(f"{name} is not a cell of 14 cameras", where=str(path))
    rows = cell.ravel()[camera]
    width = TRAIN_JOINTS * channels
    known = isinstance(rows, np.ndarray) and rows.dtype.kind in "fiu" and rows.ndim == 2
    if not known or rows.shape[1] != width or not len(rows):
        shape = getattr(rows, "shape", type(rows).__name__)
        what = f"{name} of camera {camera} is {shape}, not frames x {width}"
        raise InputError(what, where=str(path))
    return _float32(rows).reshape(-1, TRAIN_JOINTS, channels)


def read_test_annotations(path: Path, annotation: Annotation) -> HeldOutAnnotations:
    """`annot_data.mat` (MATLAB 7.3, which is HDF5; h5py reverses the axes: N x 1 x 17 x c).

    Raises InputError naming the file when it is not so, or a valid frame's numbers are none.
    """
    with _Hdf5(path) as file:
        valid = _flags(file.numbers("valid_frame", None), path)
        frames = len(valid)
        activity = _whole(file.numbers("activity_annotation", (frames,)))
        keypoints_px = file.numbers("annot2", (frames, TEST_JOINTS, 2))
        annot3_mm = file.numbers("annot3", (frames, TEST_JOINTS, 3))
        chosen_mm = file.numbers(annotation, (frames, TEST_JOINTS, 3))
    for name, values in (("annot2", keypoints_px), ("annot3", annot3_mm), (annotation, chosen_mm)):
        if not plausible(values[valid]).all():
            what = f"{name} holds numbers that are no pixels or mm in a valid frame"
            raise InputError(what, where=str(path))
    return HeldOutAnnotations(valid, activity, keypoints_px, annot3_mm, chosen_mm)


def count_valid_frames(path: Path) -> int:
    """How many frames a test sequence marks as valid; raises InputError naming the file."""
    with _Hdf5(path) as file:
        return int(_flags(file.numbers("valid_frame", None), path).sum())


class _Hdf5:
    """A MATLAB 7.3 file open for reading; whatever it or h5py complains of is an InputError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> "_Hdf5":
        if not self.path.is_file():
            raise InputError("there is no such file", where=str(self.path))
        try:
            self.file = h5py.File(self.path, "r")
        except Exception as error:  # a damaged file can raise nearly anything in h5py
            raise self._unreadable(error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def numbers(self, name: str, shape: tuple[int, ...] | None) -> Float32[np.ndarray, "..."]:
        """The data set of that name without its axes of length 1, checked before it is read.

        shape: what must come out; None is a row or column of any length.
        """
        try:
            # Asked before it is followed: other links, and data kept elsewhere, name other files.
            links, key = self.file.id.links, name.encode()
            if links.exists(key) and links.get_info(key).type != h5py.h5l.TYPE_HARD:
                raise self._elsewhere(name)
            found = self.file.get(name)
            if not isinstance(found, h5py.Dataset):
                raise InputError(f"has no variable {name!r}", where=str(self.path))
            if found.is_virtual or found.external:
                raise self._elsewhere(name)
            self._check(name, found, shape)
            values = _float32(found[()])
        except MonoposeError:
            raise
        except Exception as error:
            raise self._unreadable(error) from error
        return values.reshape(-1 if shape is None else shape)

    def _check(self, name: str, found: h5py.Dataset, shape: tuple[int, ...] | None) -> None:
        sizes = tuple(size for size in found.shape or () if size != 1)
        wanted = shape and tuple(size for size in shape if size != 1)
        fits = len(sizes) <= 1 if wanted is None else sizes == wanted
        if found.dtype.kind not in "biuf" or not fits or found.size == 0:
            expected = "one row" if shape is None else " x ".join(map(str, shape))
            what = f"{name} is {found.dtype} of shape {found.shape}, not {expected}"
            raise InputError(what, where=str(self.path))
        if found.size > _MOST_FRAMES * TEST_JOINTS * 3 or max(found.shape) > _MOST_FRAMES:
            raise InputError(f"{name} claims shape {found.shape}", where=str(self.path))

    def _elsewhere(self, name: str) -> InputError:
        what = f"{name} is not in the file but a link to somewhere else"
        return InputError(what, where=str(self.path), fix="do not trust this file")

    def _unreadable(self, error: Exception) -> InputError:
        text = " ".join(str(error).split())[:120]
        what = f"not a readable MATLAB 7.3 file ({type(error).__name__}: {text})"
        return InputError(what, where=str(self.path), fix="fetch or copy the file again")


def _flags(values: Float32[np.ndarray, " T"], path: Path) -> Bool[np.ndarray, " T"]:
    if not np.isin(values, (0, 1)).all():
        raise InputError("valid_frame holds more than 0 and 1", where=str(path))
    return values == 1


def _whole(values: Float32[np.ndarray, " T"]) -> Int64[np.ndarray, " T"]:
    """Labels as integers; what is no label is 0."""
    known = np.isfinite(values) & (values >= 0) & (values < 100)
    return np.where(known, values, 0).astype(np.int64)


def plausible(values: Float32[np.ndarray, "..."]) -> Bool[np.ndarray, "..."]:
    """True where a number can be a coordinate in pixels or mm; not where it is NaN or infinite."""
    return np.abs(values) <= _LARGEST


def _float32(values: np.ndarray) -> Float32[np.ndarray, "..."]:
    with np.errstate(over="ignore", invalid="ignore"):  # infinite then, and refused
        return values.astype(np.float32)
