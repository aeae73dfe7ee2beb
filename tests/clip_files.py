"""Small clips and small files in published layouts, with values known in closed form."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from monopose.data.clip import Clip
from monopose.geometry.camera import Camera
from monopose.skeleton import joint_set

ARRAYS = ("pose_world_m", "pose_camera_m", "keypoints_px", "keypoint_score", "crop_box_px",
          "heatmaps")  # fmt: skip
FOCAL, CENTRE = 1000.0, (500.0, 400.0)
# Camera 0 stands at (0, -5, 1) and looks along +Y; camera 1 at (5, 0, 1) and looks along -X.
ORIENTATIONS = ([0.5**0.5, -(0.5**0.5), 0.0, 0.0], [0.5, -0.5, -0.5, 0.5])
POSITIONS_M = ([0.0, -5.0, 1.0], [5.0, 0.0, 1.0])
H36M_SYMMETRY = [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]


def make_clip(frames: int = 10, clip_id: str = "set/S1/walk", **changes: Any) -> Clip:
    """A clip whose every number tells its frame, so that a wrong cut shows."""
    joints = len(joint_set(changes.get("joint_set", "h36m17")))
    count = np.arange(frames, dtype=np.float32)[:, None, None]
    values: dict[str, Any] = {
        "clip_id": clip_id,
        "dataset": "set",
        "subject": "S1",
        "action": "walk",
        "split": "train",
        "fps": 50.0,
        "joint_set": "h36m17",
        "cameras": (Camera("a"), Camera("b")),
        "pose_world_m": np.broadcast_to(count, (frames, joints, 3)).copy(),
        "keypoints_px": np.broadcast_to(count * 2, (2, frames, joints, 2)).copy(),
    }
    return Clip(**{**values, **changes})


def assert_same_clip(left: Clip, right: Clip) -> None:
    """Every field equal, arrays bit for bit."""
    for name in (
        "clip_id",
        "dataset",
        "subject",
        "action",
        "split",
        "fps",
        "joint_set",
        "start_frame",
        "image",
    ):
        assert getattr(left, name) == getattr(right, name), name
    for name in ARRAYS:
        one, other = getattr(left, name), getattr(right, name)
        assert (one is None) == (other is None), name
        if one is not None:
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other, err_msg=name)
    assert len(left.cameras) == len(right.cameras)
    for one, other in zip(left.cameras, right.cameras, strict=True):
        assert vars(one).keys() == vars(other).keys()
        for name, value in vars(one).items():
            np.testing.assert_equal(vars(other)[name], value, err_msg=name)


def pixels(pose_world_m: np.ndarray) -> list[np.ndarray]:
    """What the two cameras see, written out by hand from where they stand."""
    x, y, z = (pose_world_m[..., axis].astype(np.float64) for axis in range(3))
    front = (CENTRE[0] + FOCAL * x / (y + 5), CENTRE[1] - FOCAL * (z - 1) / (y + 5))
    side = (CENTRE[0] + FOCAL * y / (5 - x), CENTRE[1] - FOCAL * (z - 1) / (5 - x))
    return [np.stack(view, axis=-1).astype(np.float32) for view in (front, side)]


def people(subjects: tuple[str, ...], joints: int = 17, frames: int = 6) -> dict[str, Any]:
    """World poses in VideoPose3D's nesting: {subject: {action: [T, J, 3]}}."""
    rng = np.random.default_rng(3)
    shape = (frames, joints, 3)
    return {
        subject: {
            action: rng.uniform((-0.5, -0.5, 0.5), (0.5, 0.5, 1.5), shape).astype(np.float32)
            for action in ("Walking 1", "Sitting")
        }
        for subject in subjects
    }


def camera_records(**changes: Any) -> list[dict[str, Any]]:
    """The two cameras in the JSON form of VideoPose3D's fields."""
    return [
        {
            "id": f"c{index}",
            "orientation": ORIENTATIONS[index],
            "translation": POSITIONS_M[index],
            "focal_length": [FOCAL, FOCAL],
            "center": list(CENTRE),
            "radial_distortion": [0, 0, 0],
            "tangential_distortion": [0, 0],
            "res_w": 1000,
            "res_h": 800,
            **changes,
        }
        for index in range(2)
    ]


def write_npz(path: Path, **members: Any) -> Path:
    """As VideoPose3D writes its files: numpy pickles each dictionary as a 0-d array."""
    arrays = {k: np.array(v, dtype=object) for k, v in members.items()}
    np.savez_compressed(path, allow_pickle=True, **arrays)
    return path


def write_videopose3d(
    folder: Path,
    poses: dict[str, Any],
    *,
    name: str = "tiny",
    keypoints: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
    cameras: Any = None,
    detections: str = "gt",
) -> Path:
    """A whole data set folder; what is not given is made to agree with the poses."""
    folder.mkdir(parents=True, exist_ok=True)
    seen = {s: {a: pixels(pose) for a, pose in takes.items()} for s, takes in poses.items()}
    write_npz(folder / f"data_3d_{name}.npz", positions_3d=poses)
    write_npz(
        folder / f"data_2d_{name}_{detections}.npz",
        positions_2d=seen if keypoints is None else keypoints,
        metadata=metadata or {"num_joints": 17, "keypoints_symmetry": H36M_SYMMETRY},
    )
    records = {subject: camera_records() for subject in poses} if cameras is None else cameras
    (folder / f"cameras_{name}.json").write_text(json.dumps(records))
    return folder
