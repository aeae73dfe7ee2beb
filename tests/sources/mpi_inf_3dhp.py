"""MPI-INF-3DHP's training set, small: S1 and S3, one or two sequences, fourteen cameras.

The person strides and turns in a world with Y up, in mm, with the left hand raised throughout.
"""

from pathlib import Path
from typing import Any

import av
import numpy as np
from scipy.io import savemat
from tests.sources.case import Case

from monopose.data.importers.source import ImportOptions

CAMERAS = 14
FOCAL, CENTRE, SIZE = 1497.693, (1024.704, 1051.394), 2048
UNIVERSAL = 1.1
# 28 joints of the published list, in mm, X to the person's left, Y up, Z forward.
_TRUNK = {
    0: (0, 1280, 0), 1: (0, 1380, 0), 2: (0, 1150, 0), 3: (0, 1050, 0), 4: (0, 950, 0),
    5: (0, 1480, 0), 6: (0, 1580, 20), 7: (0, 1720, 0),
}  # fmt: skip


def body_mm(frames: int) -> np.ndarray:
    """[T, 28, 3]: limbs of constant length, knees that bend forwards."""
    joints = np.zeros((frames, 28, 3))
    for joint, place in _TRUNK.items():
        joints[:, joint] = place
    phase = 2 * np.pi * np.arange(frames) / 11
    for side, arm, leg, swing in ((1, 8, 18, phase), (-1, 13, 23, phase + np.pi)):
        joints[:, arm] = (60 * side, 1440, 0)
        joints[:, arm + 1] = (190 * side, 1430, 0)
        lift = 2.8 + 0.1 * np.sin(swing) if side == 1 else 0.3 * np.sin(swing)
        joints[:, arm + 2] = joints[:, arm + 1] + _in_plane(290, lift)
        joints[:, arm + 3] = joints[:, arm + 2] + _in_plane(250, lift + 0.4)
        joints[:, arm + 4] = joints[:, arm + 3] + _in_plane(80, lift + 0.4)
        hip = 0.5 * np.sin(swing)
        knee = hip - 0.5 - 0.3 * np.cos(swing)
        joints[:, leg] = (100 * side, 950, 0)
        joints[:, leg + 1] = joints[:, leg] + _in_plane(430, hip)
        joints[:, leg + 2] = joints[:, leg + 1] + _in_plane(420, knee)
        joints[:, leg + 3] = joints[:, leg + 2] + _in_plane(120, knee + 1.2)
        joints[:, leg + 4] = joints[:, leg + 2] + _in_plane(190, knee + 1.3)
    turn = np.linspace(0, 1, frames)
    rotation = np.zeros((frames, 3, 3))
    rotation[:, 0, 0] = rotation[:, 2, 2] = np.cos(turn)
    rotation[:, 0, 2], rotation[:, 2, 0] = np.sin(turn), -np.sin(turn)
    rotation[:, 1, 1] = 1
    path = np.stack([300 * np.sin(turn), 20 * np.cos(phase), 300 * turn], axis=-1)
    return np.einsum("tij,tkj->tki", rotation, joints) + path[:, None]


def _in_plane(length: float, angle: np.ndarray) -> np.ndarray:
    """From hanging down (0) forwards and up (pi)."""
    zero = np.zeros_like(angle)
    return length * np.stack([zero, -np.cos(angle), np.sin(angle)], axis=-1)


def extrinsic_mm(camera: int) -> np.ndarray:
    """World to camera, 4 x 4; cameras on a ring that look at (0, 1000, 0)."""
    angle = 2 * np.pi * camera / CAMERAS
    position = np.array([4000 * np.sin(angle), 1500.0 + 100 * camera, 4000 * np.cos(angle)])
    forward = np.array([0, 1000, 0]) - position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, (0, 1, 0))
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(forward, right), forward])
    matrix[:3, 3] = -matrix[:3, :3] @ position
    return matrix


def in_camera_mm(points_mm: np.ndarray, camera: int) -> np.ndarray:
    matrix = extrinsic_mm(camera)
    return points_mm @ matrix[:3, :3].T + matrix[:3, 3]


def pixels(points_camera: np.ndarray, focal: float, centre: tuple[float, float]) -> np.ndarray:
    return focal * points_camera[..., :2] / points_camera[..., 2:] + np.array(centre)


def scaled(pose: np.ndarray, root: int) -> np.ndarray:
    """As univ_annot3 is: larger or smaller about the pelvis."""
    return pose[:, [root]] + UNIVERSAL * (pose - pose[:, [root]])


def calibration(title: bool = True, size: int = SIZE) -> str:
    """The text of camera.calibration, with its padding and trailing spaces."""
    shrink = size / SIZE
    lines = ["Skeletool Camera Calibration File V1.0"] if title else []
    for camera in range(CAMERAS):
        focal = FOCAL * shrink
        intrinsic = [focal, 0, CENTRE[0] * shrink, 0, 0, focal, CENTRE[1] * shrink, 0]
        intrinsic += [0, 0, 1, 0, 0, 0, 0, 1]
        extrinsic = " ".join(f"{value:.12g}" for value in extrinsic_mm(camera).ravel())
        lines += [
            f"name          {camera}",
            "  sensor      10 10",
            f"  size        {size} {size}",
            "  animated    0",
            f"  intrinsic   {' '.join(f'{value:.12g}' for value in intrinsic)} ",
            f"  extrinsic   {extrinsic} ",
            "  radial      0",
        ]
    return "\n".join(lines) + "\n"


def annotations(frames: int, size: int = SIZE) -> dict[str, np.ndarray]:
    """The variables of annot.mat: cells of 14 x 1, a row of 28 joints a frame."""
    body = body_mm(frames)
    cells: dict[str, list[np.ndarray]] = {"annot2": [], "annot3": [], "univ_annot3": []}
    for camera in range(CAMERAS):
        pose = in_camera_mm(body, camera)
        shrink = size / SIZE
        seen = pixels(pose, FOCAL * shrink, (CENTRE[0] * shrink, CENTRE[1] * shrink))
        for name, values in (("annot2", seen), ("annot3", pose), ("univ_annot3", scaled(pose, 4))):
            cells[name].append(values.reshape(frames, -1))
    found = {name: cell(rows) for name, rows in cells.items()}
    found["frames"] = np.arange(frames)[:, None]
    found["cameras"] = np.arange(CAMERAS)[None]
    return found


def cell(rows: list[np.ndarray]) -> np.ndarray:
    out = np.empty((len(rows), 1), object)
    for place, values in enumerate(rows):
        out[place, 0] = values
    return out


def write_sequence(
    folder: Path, name: str, frames: int = 6, *, compress: bool = True, **changes: Any
) -> Path:
    """One sequence, name "S1/Seq1"; changes: variables of annot.mat to replace."""
    where = folder / name
    where.mkdir(parents=True, exist_ok=True)
    savemat(where / "annot.mat", {**annotations(frames), **changes}, do_compression=compress)
    (where / "camera.calibration").write_text(calibration())
    return where


def _write_two(folder: Path) -> None:
    write_sequence(folder, "S1/Seq1")
    write_sequence(folder, "S3/Seq2", 5, compress=False)


def write_with_videos(folder: Path, frames: int = 12, size: int = 64) -> Path:
    """A sequence with a small video of every common camera; the image's shade tells the frame."""
    where = folder / "S1" / "Seq1"
    (where / "imageSequence").mkdir(parents=True)
    savemat(where / "annot.mat", annotations(frames, size), do_compression=True)
    (where / "camera.calibration").write_text(calibration(size=size))
    for camera in (0, 1, 2, 4, 5, 6, 7, 8):
        with av.open(str(where / "imageSequence" / f"video_{camera}.avi"), "w") as container:
            stream = container.add_stream("mjpeg", rate=25)
            stream.width, stream.height, stream.pix_fmt = size, size, "yuvj420p"
            for frame in range(frames):
                image = np.full((size, size, 3), 10 * frame + camera, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode())
    return where


def _change(**variables: Any) -> Any:
    def damage(folder: Path) -> None:
        path = folder / "S1" / "Seq1" / "annot.mat"
        savemat(path, {**annotations(6), **variables})

    return damage


def _calibration(old: str, new: str) -> Any:
    def damage(folder: Path) -> None:
        path = folder / "S1" / "Seq1" / "camera.calibration"
        path.write_text(path.read_text().replace(old, new, 1))

    return damage


_WRONG = {
    "text": _change(annot2="hello"),
    "no cell": _change(annot2=np.zeros((14, 56))),
    "texts in the cell": _change(annot3=cell([np.array("x")] * 14)),
    "too few cameras": _change(annot3=cell([np.zeros((6, 84))] * 5)),
    "17 joints": _change(annot2=cell([np.ones((6, 34))] * 14)),
    "no frames": _change(annot2=cell([np.ones((0, 56))] * 14)),
    "not finite": _change(annot3=cell([np.full((6, 84), np.nan)] * 14)),
    "huge": _change(annot3=cell([np.full((6, 84), 1e300)] * 14)),
    "behind": _change(annot3=cell([np.full((6, 84), -1000.0)] * 14)),
    "another calibration": _calibration("extrinsic   ", "extrinsic   2 0 0 "),
    "distorted": _calibration("radial      0", "radial      0.2"),
    "huge image": _calibration("size        2048", "size        999999999999999999999"),
    "negative focal length": _calibration("intrinsic   ", "intrinsic   -"),
}

CASES = {
    "mpi-inf-3dhp": Case("mpi-inf-3dhp", _write_two, exact_2d=True, wrong=_WRONG),
    "mpi-inf-3dhp universal, all cameras": Case(
        "mpi-inf-3dhp", _write_two, ImportOptions(layout="univ_annot3_all_cameras", stride=2)
    ),
    "mpi-inf-3dhp images": Case(
        "mpi-inf-3dhp", write_with_videos, ImportOptions(images=True, crop_px=16), exact_2d=True
    ),
}
