"""3DPW's sequence files, small: Python 2's pickles, two actors, a moving camera, lost frames."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tests.sources.case import Case
from tests.sources.python2_pickle import dumps

from monopose.data.importers.source import ImportOptions

FRAMES = 7
FOCAL, CENTRE = 1961.0, (540.0, 960.0)
# The images of the tests are a tenth of the published ones, 1080 x 1920.
TENTH = (108, 192)
# Frames 2 and 5 of actor 0 and frame 0 of actor 1 have no valid camera.
INVALID = ((2, 5), (0,))
UNDETECTED = 3
TEST, TRAIN = "test/downtown_walking_00.pkl", "train/courtyard_basketball_00.pkl"
Fields = dict[str, Any]


def joints_m(actor: int, frames: int = FRAMES) -> np.ndarray:
    """World joints, Y up, metres: a person who stands at (actor, 0, 0) and walks along x."""
    joint = np.arange(24)
    body = np.stack([0.01 * (joint % 5), 1.7 - 0.07 * joint, 0.01 * (joint % 3)], axis=-1)
    walk = np.zeros((frames, 1, 3))
    walk[..., 0] = actor + 0.1 * np.arange(frames)[:, None]
    return body + walk


def extrinsics(frames: int = FRAMES) -> np.ndarray:
    """World to camera: half a turn about x (Y up becomes y down), then 4 m forward and along."""
    matrices = np.zeros((frames, 4, 4))
    matrices[:] = np.diag([1.0, -1, -1, 1])
    matrices[:, :3, 3] = (0.2, 1.0, 4.0)
    matrices[:, 0, 3] += 0.05 * np.arange(frames)
    return matrices


def camera_m(actor: int) -> np.ndarray:
    """The joints in the camera's frame, written out by hand."""
    x, y, z = (joints_m(actor)[..., axis] for axis in range(3))
    moved = 0.2 + 0.05 * np.arange(FRAMES)[:, None]
    return np.stack([x + moved, 1 - y, 4 - z], axis=-1)


def intrinsics(scale: float) -> np.ndarray:
    matrix = np.array([[FOCAL, 0, CENTRE[0]], [0, FOCAL, CENTRE[1]], [0, 0, 1.0]])
    matrix[:2] *= scale
    return matrix


def detections(actor: int) -> np.ndarray:
    """N x 3 x 18 in OpenPose's order: joint j at (100 + 10 j, 200 + 5 j + frame), confidence."""
    joint = np.arange(18)
    found = np.zeros((FRAMES, 3, 18))
    found[:, 0] = 100 + 10 * joint + actor
    found[:, 1] = 200 + 5 * joint + np.arange(FRAMES)[:, None]
    found[:, 2] = 0.5 + 0.02 * joint
    found[:, :, 4] = 0  # the right wrist is never found
    found[UNDETECTED] = 0
    return found


def fields(name: str, spelling: str = "poses2d", **changes: Any) -> Fields:
    """One file's dictionary, with the fields that are not read too."""
    actors = range(2)
    valid = [np.ones(FRAMES, np.int64) for _ in actors]
    for actor in actors:
        valid[actor][list(INVALID[actor])] = 0
    return {
        "sequence": name,
        "betas": [np.zeros(10) for _ in actors],
        "poses": [np.zeros((FRAMES, 72)) for _ in actors],
        "trans": [np.zeros((FRAMES, 3)) for _ in actors],
        "poses_60Hz": [np.zeros((2 * FRAMES, 72)) for _ in actors],
        "trans_60Hz": [np.zeros((2 * FRAMES, 3)) for _ in actors],
        "betas_clothed": [np.zeros(10) for _ in actors],
        "v_template_clothed": [np.zeros((5, 3)) for _ in actors],
        "genders": ["m", "f"],
        "texture_maps": [],
        spelling: [detections(actor) for actor in actors],
        "jointPositions": [joints_m(actor).reshape(FRAMES, 72) for actor in actors],
        "img_frame_ids": np.arange(0, 2 * FRAMES, 2),
        "cam_poses": extrinsics(),
        "campose_valid": valid,
        "cam_intrinsics": intrinsics(1),
        **changes,
    }


def write(folder: Path, *, images: bool = False) -> None:
    sequences = folder / "sequenceFiles"
    for name, spelling in ((TEST, "poses2d"), (TRAIN, "poses2D")):
        (sequences / name).parent.mkdir(parents=True)
        small = {"cam_intrinsics": intrinsics(0.1)} if images else {}
        (sequences / name).write_bytes(dumps(fields(Path(name).stem, spelling, **small)))
        if images:
            _write_images(folder / "imageFiles" / Path(name).stem)


def _write_images(folder: Path) -> None:
    folder.mkdir(parents=True)
    for frame in range(FRAMES):
        image = np.full((*TENTH[::-1], 3), 20 * frame, np.uint8)
        cv2.imwrite(str(folder / f"image_{frame:05d}.jpg"), image)


def put(folder: Path, payload: bytes) -> None:
    (folder / "sequenceFiles" / TEST).write_bytes(payload)


def broken(**changes: Any) -> Callable[[Path], object]:
    """Damage: other fields."""
    return lambda folder: put(folder, dumps(fields("downtown_walking_00", **changes)))


def without(name: str) -> Callable[[Path], object]:
    """Damage: a field is not there."""
    kept = {k: v for k, v in fields("downtown_walking_00").items() if k != name}
    return lambda folder: put(folder, dumps(kept))


def asking_for(module: str, name: str) -> Callable[[Path], object]:
    """Damage: one field is an object of some class."""
    call = f"c{module}\n{name}\n".encode() + b")R"
    good = dumps({"betas": 1})
    return lambda folder: put(folder, good.replace(b"J\x01\x00\x00\x00", call))


def huge_shape(folder: Path) -> None:
    """cam_poses says that it has 2^31 - 1 frames."""
    payload = dumps(fields("downtown_walking_00"))
    shape = b"(" + b"J" + FRAMES.to_bytes(4, "little") + b"J\x04\x00\x00\x00J\x04\x00\x00\x00t"
    assert shape in payload
    put(folder, payload.replace(shape, shape.replace(b"\x07\x00\x00\x00", b"\xff\xff\xff\x7f")))


def _turned(scale: float) -> np.ndarray:
    matrices = extrinsics()
    matrices[1, :3, :3] *= scale
    return matrices


TWO = range(2)
WRONG: dict[str, Callable[[Path], object]] = {
    "a list": lambda folder: put(folder, dumps([1, 2])),
    "os.system": asking_for("os", "system"),
    "chumpy": asking_for("chumpy.ch", "Ch"),
    "sparse": asking_for("scipy.sparse.csc", "csc_matrix"),
    "no 2d": without("poses2d"),
    "no 3d": without("jointPositions"),
    "no cameras": without("cam_poses"),
    "no flags": without("campose_valid"),
    "no intrinsics": without("cam_intrinsics"),
    "3d as lists": broken(jointPositions=[[0.0] * 72 for _ in TWO]),
    "3d as text": broken(jointPositions="abc"),
    "one actor in 3d": broken(jointPositions=[joints_m(0).reshape(FRAMES, 72)]),
    "no actors": broken(jointPositions=[], poses2d=[], campose_valid=[]),
    "23 joints": broken(jointPositions=[np.zeros((FRAMES, 69)) for _ in TWO]),
    "fewer frames in 2d": broken(poses2d=[np.zeros((FRAMES - 1, 3, 18)) for _ in TWO]),
    "18 x 3": broken(poses2d=[np.zeros((FRAMES, 18, 3)) for _ in TWO]),
    "text in 2d": broken(poses2d=[np.full((FRAMES, 3, 18), b"x") for _ in TWO]),
    "3d not finite": broken(jointPositions=[np.full((FRAMES, 72), np.nan) for _ in TWO]),
    "3d huge": broken(jointPositions=[np.full((FRAMES, 72), 1e300) for _ in TWO]),
    "camera is scaled": broken(cam_poses=_turned(1.5)),
    "camera is mirrored": broken(cam_poses=_turned(-1.0)),
    "camera of text": broken(cam_poses="cam"),
    "focal length zero": broken(cam_intrinsics=np.zeros((3, 3))),
    "focal length nan": broken(cam_intrinsics=np.full((3, 3), np.nan)),
    "huge shape": huge_shape,
}

CASES = {
    "3dpw": Case("3dpw", write, wrong=WRONG),
    "3dpw images": Case(
        "3dpw", lambda folder: write(folder, images=True), ImportOptions(images=True, crop_px=64)
    ),
}
