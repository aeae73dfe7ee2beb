"""MPI-INF-3DHP as P-STMO's preparation stores it, small, in both orders of joints."""

from pathlib import Path
from typing import Any

import numpy as np
from tests.sources.case import Case
from tests.sources.mpi_inf_3dhp import CENTRE, FOCAL, body_mm, in_camera_mm, pixels
from tests.sources.mpi_inf_3dhp_testset import INDOORS, RELEVANT, VALID, annotations

from monopose.data.importers.source import ImportOptions

# protocols of the field: Human3.6M's 17 joints among the 17 of MPI-INF-3DHP's test set.
TO_H36M = [14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4]
# The copy's mistake: left limbs where right ones belong.
TO_H36M_SWAPPED = [14, 11, 12, 13, 8, 9, 10, 15, 1, 16, 0, 2, 3, 4, 5, 6, 7]


def train(order: list[int] | slice = slice(None), frames: int = 8) -> dict[str, Any]:
    """{"S1 Seq1": [{"0": ...}, fps]}; cameras are named by texts."""
    cameras = {}
    for camera in (0, 1, 4):
        pose = in_camera_mm(body_mm(frames)[:, RELEVANT], camera)[:, order]
        cameras[str(camera)] = {"data_2d": pixels(pose, FOCAL, CENTRE), "data_3d": pose}
    return {"S1 Seq1": [cameras, 25], "S1 Seq2": [dict(cameras), 50]}


def held_out(order: list[int] | slice = slice(None)) -> dict[str, Any]:
    found = annotations(INDOORS)
    return {
        "TS1": {
            "data_2d": found["annot2"][:, 0, order],
            "data_3d": found["annot3"][:, 0, order],
            "valid": VALID.astype(np.float64),
        }
    }


def write(folder: Path, order: list[int] | slice = slice(None), **changes: Any) -> Path:
    """Both files; changes: entries of the training file to replace."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = np.array({**train(order), **changes}, object)
    np.savez_compressed(folder / "data_train_3dhp.npz", data=whole)
    np.savez_compressed(folder / "data_test_3dhp.npz", data=np.array(held_out(order), object))
    return folder


def _change(**changes: Any) -> Any:
    entry = {key.replace("_", " "): value for key, value in changes.items()}
    return lambda folder: write(folder, slice(None), **entry)


def _arrays(data_2d: Any, data_3d: Any) -> list[Any]:
    return [{"0": {"data_2d": data_2d, "data_3d": data_3d}}, 25]


_POSE = train()["S1 Seq1"][0]["0"]["data_3d"]
_SEEN = train()["S1 Seq1"][0]["0"]["data_2d"]

_WRONG = {
    "number": _change(S1_Seq1=3),
    "no cameras": _change(S1_Seq1=[{}, 25]),
    "no arrays": _change(S1_Seq1=[{"0": None}, 25]),
    "text for fps": _change(S1_Seq1=[train()["S1 Seq1"][0], "fast"]),
    "16 joints": _change(S1_Seq1=_arrays(_SEEN[:, :16], _POSE[:, :16])),
    "fewer frames of 2D": _change(S1_Seq1=_arrays(_SEEN[:3], _POSE)),
    "relative to the root": _change(S1_Seq1=_arrays(_SEEN, _POSE - _POSE[:, 14:15])),
    "huge": _change(S1_Seq1=_arrays(_SEEN, _POSE * 1e300)),
    "not finite": _change(S1_Seq1=_arrays(_SEEN * np.nan, _POSE)),
    "objects": _change(S1_Seq1=_arrays(_SEEN.astype(object), _POSE)),
}

CASES = {
    "mpi-inf-3dhp-npz": Case("mpi-inf-3dhp-npz", write, exact_2d=True, wrong=_WRONG),
    "mpi-inf-3dhp-npz as Human3.6M": Case(
        "mpi-inf-3dhp-npz",
        lambda folder: write(folder, TO_H36M_SWAPPED),
        ImportOptions(layout="h36m17_sides_swapped", fps=30.0),
        exact_2d=True,
    ),
}
