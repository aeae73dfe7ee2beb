"""joints.mat of LSP and LSP-extended, small, with their two layouts and their opposite flags."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from tests.sources.case import Case
from tests.sources.mpii import write_photo

from monopose.data.importers.source import ImportOptions

PHOTOS = 6
HIDDEN = (0, 7)


def place(photo: int, joint: int) -> tuple[float, float]:
    """Where a joint is in a photo (from 0)."""
    return 20.0 + 5 * joint + photo, 90.0 - 4 * joint - photo


def lsp_joints() -> np.ndarray:
    """3 x 14 x N, 1 in the third row for an occluded joint, whose place is labelled."""
    joints = np.zeros((3, 14, PHOTOS))
    for photo, joint in np.ndindex(PHOTOS, 14):
        joints[:, joint, photo] = *place(photo, joint), joint in HIDDEN
    return joints


def extended_joints() -> np.ndarray:
    """14 x 3 x N, 1 for a visible joint; an invisible one has no valid place."""
    joints = np.zeros((14, 3, PHOTOS))
    for photo, joint in np.ndindex(PHOTOS, 14):
        seen = joint not in HIDDEN
        joints[joint, :, photo] = (*place(photo, joint), 1) if seen else (-7.0 * joint, 0, 0)
    joints[:, 2, PHOTOS - 1] = 0  # a photo with nobody visible
    return joints


def save(folder: Path, joints: Any, *, compress: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(folder / "joints.mat", {"joints": joints}, do_compression=compress)


def write_lsp(folder: Path, *, compress: bool = True, images: bool = False) -> None:
    save(folder, lsp_joints(), compress=compress)
    _write_images(folder, 4, images)


def write_extended(folder: Path, *, images: bool = False) -> None:
    save(folder, extended_joints())
    _write_images(folder, 5, images)


def _write_images(folder: Path, digits: int, images: bool) -> None:
    if images:
        (folder / "images").mkdir()
    for number in range(1, PHOTOS + 1 if images else 1):
        write_photo(folder / "images" / f"im{number:0{digits}d}.jpg", number)


def flagged(value: float) -> np.ndarray:
    joints = lsp_joints()
    joints[2, 3, 1] = value
    return joints


def without_people(folder: Path) -> None:
    joints = extended_joints()
    joints[:, 2] = 0
    save(folder, joints)


WRONG: dict[str, Callable[[Path], object]] = {
    "the other layout": lambda folder: save(folder, extended_joints()),
    "two axes": lambda folder: save(folder, np.zeros((3, 14))),
    "text": lambda folder: save(folder, "joints"),
    "a cell": lambda folder: save(folder, np.array([[np.ones(3), "x"]], object)),
    "a struct": lambda folder: save(folder, {"x": 1.0}),
    "complex": lambda folder: save(folder, lsp_joints() * 1j),
    "no photos": lambda folder: save(folder, np.zeros((3, 14, 0))),
    "flag 2": lambda folder: save(folder, flagged(2)),
    "flag nan": lambda folder: save(folder, flagged(np.nan)),
    "other name": lambda folder: scipy.io.savemat(folder / "joints.mat", {"points": lsp_joints()}),
}
EXTENDED_WRONG: dict[str, Callable[[Path], object]] = {
    "the other layout": lambda folder: save(folder, lsp_joints()),
    "nobody visible": without_people,
}
WITH_IMAGES = ImportOptions(images=True, crop_px=64)

CASES = {
    "lsp": Case("lsp", write_lsp, wrong=WRONG),
    "lsp uncompressed": Case("lsp", lambda folder: write_lsp(folder, compress=False)),
    "lsp images": Case("lsp", lambda folder: write_lsp(folder, images=True), WITH_IMAGES),
    "lsp-extended": Case("lsp-extended", write_extended, wrong=EXTENDED_WRONG),
    "lsp-extended images": Case(
        "lsp-extended", lambda folder: write_extended(folder, images=True), WITH_IMAGES,
        unread=(f"im{PHOTOS:05d}.jpg",),
    ),
}  # fmt: skip
