"""Leeds Sports Pose and its extended training set, `joints.mat` and `images/`, as clips.

Sources: Johnson and Everingham, "Clustered Pose and Nonlinear Appearance Models for Human Pose
Estimation", BMVC 2010, and "Learning Effective Human Pose Estimation from Inaccurate Annotation",
CVPR 2011, with their README files. The third row means the opposite in the two: 1 is an occluded
joint in LSP, a visible one in LSP-extended, where an invisible joint has no valid coordinates.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from monopose.data.importers.reading.photos import (
    LabelledPerson,
    Photo,
    PhotoSet,
    image_folder,
    plan_photos,
)
from monopose.data.importers.source import Importer, ImportOptions, ImportPlan, files_below
from monopose.errors import InputError
from monopose.formats.matlab import load_mat
from monopose.skeleton import joint_set

_JOINTS = len(joint_set("lsp14"))
_LSP, _EXTENDED = "lsp", "lsp-extended"
_TAKES = frozenset({"media", "image_size", "images", "crop_px"})
_LIMIT_PX = 1e6


def plan(dataset: str, paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """Reads joints.mat and hands each part its own photos' labels.

    The first half of LSP is train, the second test; LSP-extended is all train. Raises InputError
    naming the file when it is not of the set that was asked for.
    """
    found = files_below(paths, "joints.mat")
    if len(found) > 1:
        fix = "import one data set at a time"
        raise InputError("there are several joints.mat", where=str(found[1]), fix=fix)
    folder = image_folder(options.media, found[0], ("images",))
    source = PhotoSet.of(dataset, "lsp14", folder, options)
    joints = _joints(load_mat(found[0], ["joints"])["joints"], dataset, str(found[0]))
    photos = [_photo(labels, number, len(joints), dataset) for number, labels in enumerate(joints)]
    empty = sum(not photo.people for photo in photos)
    notes = ["coordinates are as published"]
    notes += [f"{empty} photos without a visible joint are left out"] if empty else []
    return plan_photos(source, photos, notes, str(found[0]))


def _joints(values: np.ndarray, dataset: str, where: str) -> Float[np.ndarray, "N J 3"]:
    """All labels as (x, y, third row), whichever way round the file keeps them."""
    layout = "3 x 14 x N" if dataset == _LSP else "14 x 3 x N"
    shape = (3, _JOINTS) if dataset == _LSP else (_JOINTS, 3)
    if values.dtype.kind not in "biuf" or values.ndim != 3 or values.shape[:2] != shape:
        what = f"joints is {values.dtype} of shape {values.shape}, {dataset} has {layout}"
        other = _EXTENDED if dataset == _LSP else _LSP
        raise InputError(what, where=where, fix=f"if this is {other}, import it under that name")
    rows = values.transpose(2, 1, 0) if dataset == _LSP else values.transpose(2, 0, 1)
    flags = rows[..., 2]
    if not np.isin(flags, (0, 1)).all():
        odd = flags[~np.isin(flags, (0, 1))][0]
        raise InputError(f"joints has {odd} in the third row, not 0 or 1", where=where)
    return np.asarray(rows, np.float64)


def _photo(labels: Float[np.ndarray, "J 3"], index: int, count: int, dataset: str) -> Photo:
    """Images are numbered from 1, with four digits in LSP and five in LSP-extended."""
    stem = f"im{index + 1:0{4 if dataset == _LSP else 5}d}"
    keypoints_px, score = _keypoints(labels, dataset)
    people = (LabelledPerson(stem, keypoints_px, score),) if score.any() else ()
    split = "test" if dataset == _LSP and index >= count / 2 else "train"
    return Photo(f"{stem}.jpg", split, people)


def _keypoints(
    labels: Float[np.ndarray, "J 3"], dataset: str
) -> tuple[Float32[np.ndarray, "J 2"], Float32[np.ndarray, " J"]]:
    flag = labels[:, 2] == 1
    score = np.where(flag, 0.5, 1.0) if dataset == _LSP else flag.astype(np.float64)
    placed = (np.abs(labels[:, :2]) < _LIMIT_PX).all(axis=1)  # false for NaN too
    score = np.where(placed, score, 0)
    pixels = np.where(score[:, None] > 0, labels[:, :2], 0)
    return pixels.astype(np.float32), score.astype(np.float32)


IMPORTER = Importer(
    partial(plan, _LSP), _TAKES, "Leeds Sports Pose: joints.mat (3 x 14 x 2000), images/"
)
EXTENDED = Importer(
    partial(plan, _EXTENDED), _TAKES, "LSP-extended: joints.mat (14 x 3 x 10000), images/"
)
