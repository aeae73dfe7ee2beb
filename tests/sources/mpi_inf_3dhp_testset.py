"""MPI-INF-3DHP's test set, small: MATLAB 7.3 files as h5py sees them, axes reversed."""

from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
from tests.sources.case import Case
from tests.sources.mpi_inf_3dhp import body_mm, in_camera_mm, pixels, scaled

from monopose.data.importers.source import ImportOptions

# The 17 joints of the test set among the 28, as the evaluation code of the data set lists them.
RELEVANT = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]
ROOT = 14
INDOORS, OUTDOORS = (1499.2, (1017.4, 1043.0)), (1683.98, (939.9, 560.1))
# Runs of valid frames and a change of activity inside one of them.
VALID = np.array([0, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0], bool)
ACTIVITY = np.array([1, 1, 1, 1, 1, 1, 2, 2, 2, 6, 6, 6])
_USERBLOCK = 512


def pose_mm(frames: int) -> np.ndarray:
    """[T, 17, 3] in the camera's frame."""
    return in_camera_mm(body_mm(frames)[:, RELEVANT], 1)


def annotations(camera: tuple[float, tuple[float, float]]) -> dict[str, np.ndarray]:
    """The variables of annot_data.mat; frames that are not valid hold nothing of use."""
    pose = pose_mm(len(VALID))
    found = {
        "annot2": pixels(pose, *camera),
        "annot3": pose,
        "univ_annot3": scaled(pose, ROOT),
    }
    for name, values in found.items():
        found[name] = np.where(VALID[:, None, None], values, np.nan)[:, None]
    found["valid_frame"] = VALID[:, None].astype(np.float64)
    found["activity_annotation"] = ACTIVITY[:, None].astype(np.float64)
    found["bb_crop"] = np.zeros((len(VALID), 34))
    return found


def write_mat73(path: Path, variables: dict[str, Any], compress: bool = True) -> Path:
    """As MATLAB does: a block of text before the HDF5, a class with every variable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=_USERBLOCK) as file:
        for name, values in variables.items():
            kind = (
                {"compression": "gzip"} if compress and np.ndim(values) and np.size(values) else {}
            )
            found = file.create_dataset(name, data=values, **kind)
            found.attrs["MATLAB_class"] = np.bytes_("double")
    title = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 ."
    with path.open("r+b") as stream:
        stream.write(title.ljust(124) + b"\x00\x02IM")
    return path


def _write_two(folder: Path) -> None:
    write_mat73(folder / "TS1" / "annot_data.mat", annotations(INDOORS))
    write_mat73(folder / "TS5" / "annot_data.mat", annotations(OUTDOORS), compress=False)


def write_with_images(folder: Path) -> None:
    """TS6 with 1920 x 1080 images of two runs of valid frames; their shade tells the frame."""
    found = annotations(OUTDOORS)
    found["valid_frame"][6:9] = 0
    write_mat73(folder / "TS6" / "annot_data.mat", found)
    (folder / "TS6" / "imageSequence").mkdir()
    for frame in np.flatnonzero(found["valid_frame"]):
        image = np.full((1080, 1920, 3), 10 * frame, np.uint8)
        cv2.imwrite(str(folder / "TS6" / "imageSequence" / f"img_{frame + 1:06d}.jpg"), image)


def _change(**variables: Any) -> Any:
    def damage(folder: Path) -> None:
        write_mat73(folder / "TS1" / "annot_data.mat", {**annotations(INDOORS), **variables})

    return damage


def _claim(folder: Path) -> None:
    """Sizes of terabytes that HDF5 stores as a few bytes."""
    path = folder / "TS1" / "annot_data.mat"
    with h5py.File(path, "r+") as file:
        del file["valid_frame"]
        file.create_dataset("valid_frame", (1 << 40, 1), "f8", chunks=(1 << 16, 1))


def _group(folder: Path) -> None:
    path = folder / "TS1" / "annot_data.mat"
    with h5py.File(path, "r+") as file:
        del file["annot2"]
        file.create_group("annot2")


def _without(folder: Path) -> None:
    with h5py.File(folder / "TS1" / "annot_data.mat", "r+") as file:
        del file["annot3"]


def _linked(link: Any) -> Any:
    """annot2 in place of its data leads to that of another, honest file."""

    def damage(folder: Path) -> None:
        with h5py.File(folder / "TS1" / "annot_data.mat", "r+") as file:
            del file["annot2"]
            file["annot2"] = link

    return damage


def _elsewhere(folder: Path) -> None:
    """annot2 is a data set whose numbers lie in another file."""
    frames = np.ones((len(VALID), 1, 17, 2))
    (folder / "numbers.bin").write_bytes(frames.tobytes())
    with h5py.File(folder / "TS1" / "annot_data.mat", "r+") as file:
        del file["annot2"]
        outside = [(str(folder / "numbers.bin"), 0, frames.nbytes)]
        file.create_dataset("annot2", frames.shape, "f8", external=outside)


def _virtual(folder: Path) -> None:
    """annot2 is a view of another file's."""
    layout = h5py.VirtualLayout((len(VALID), 1, 17, 2), "f8")
    other = str(folder / "TS5" / "annot_data.mat")
    layout[:] = h5py.VirtualSource(other, "annot2", (len(VALID), 1, 17, 2))
    with h5py.File(folder / "TS1" / "annot_data.mat", "r+") as file:
        del file["annot2"]
        file.create_virtual_dataset("annot2", layout)


WRONG = {
    "linked to another file": _linked(h5py.ExternalLink("../TS5/annot_data.mat", "annot2")),
    "linked to another variable": _linked(h5py.SoftLink("/annot3")),
    "numbers in another file": _elsewhere,
    "a view of another file": _virtual,
    "no frame is valid": _change(valid_frame=np.zeros((12, 1))),
    "flags of 2": _change(valid_frame=np.full((12, 1), 2.0)),
    "text": _change(valid_frame="yes"),
    "empty": _change(valid_frame=np.zeros((0, 0))),
    "28 joints": _change(annot2=np.ones((12, 1, 28, 2))),
    "axes as MATLAB has them": _change(annot3=np.ones((3, 17, 1, 12))),
    "not finite": _change(annot2=np.full((12, 1, 17, 2), np.nan)),
    "huge": _change(annot3=np.full((12, 1, 17, 3), 1e300)),
    "huge count": _claim,
    "a group": _group,
    "missing": _without,
}

CASES = {
    "mpi-inf-3dhp-test": Case("mpi-inf-3dhp-test", _write_two, exact_2d=True, wrong=WRONG),
    "mpi-inf-3dhp-test universal": Case(
        "mpi-inf-3dhp-test", _write_two, ImportOptions(layout="univ_annot3", fps=50.0)
    ),
    "mpi-inf-3dhp-test images": Case(
        "mpi-inf-3dhp-test",
        write_with_images,
        ImportOptions(images=True, crop_px=16),
        exact_2d=True,
    ),
}
