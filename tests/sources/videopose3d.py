"""VideoPose3D's files, small, and what can be wrong inside of them."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tests.clip_files import people, write_npz, write_videopose3d
from tests.sources.case import Case

Damage = Callable[[Path], object]


def look_at_origin(position_m: tuple[float, float, float]) -> list[float]:
    """The quaternion (w x y z) of a camera's axes in the world, seeing (0, 0, 1) upright."""
    from scipy.spatial.transform import Rotation

    forward = np.array([0.0, 0.0, 1.0]) - position_m
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(forward, right), forward], axis=1)
    found: list[float] = Rotation.from_matrix(axes).as_quat(scalar_first=True).tolist()
    return found


def projected(pose_world_m: np.ndarray, camera: dict[str, Any]) -> np.ndarray:
    """Pixels by VideoPose3D's formula: R(orientation)^-1 (X - t), k1..k3 and the tangential pair.

    Its lens differs from OpenCV's by x (t . x): below 1e-3 px with the small t of these cameras.
    """
    w, x, y, z = camera["orientation"]
    unit = 1000 if np.abs(camera["translation"]).max() > 100 else 1
    offset = pose_world_m.astype(np.float64) - np.array(camera["translation"]) / unit
    # v' = v + 2 u x (u x v - w v) turns by the conjugate of (w, u).
    u = np.broadcast_to([x, y, z], offset.shape)
    seen = offset + 2 * np.cross(u, np.cross(u, offset) - w * offset)
    xy = seen[..., :2] / seen[..., 2:]
    r2 = (xy**2).sum(-1, keepdims=True)
    k1, k2, k3 = camera["radial_distortion"]
    tangential = np.array(camera["tangential_distortion"])
    scale = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3 + (xy * tangential).sum(-1, keepdims=True)
    bent = xy * scale + tangential * r2
    return np.asarray(bent * camera["focal_length"] + camera["center"], np.float32)


def huge_header(path: Path, member: str) -> None:
    """A member whose header claims a trillion frames, in a sound zip file."""
    stream = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 17, 3)}
    np.lib.format.write_array_header_1_0(stream, header)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{member}.npy", stream.getvalue() + bytes(64))


def endless_key(path: Path, member: str) -> None:
    """A pickled dict whose key is a tuple of twice a tuple of twice ..., 60 times."""
    stream = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(stream, header)
    pickled = b"\x80\x02}K\x01" + b"2\x86" * 60 + b"K\x01s."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{member}.npy", stream.getvalue() + pickled)


def wrong(dataset: str, detections: str, subject: str, action: str) -> dict[str, Damage]:
    """Sound containers with the wrong things in them."""
    poses = f"data_3d_{dataset}.npz"
    seen, cameras = f"data_2d_{dataset}_{detections}.npz", f"cameras_{dataset}.json"
    sides = {"num_joints": 10**15, "keypoints_symmetry": [[10**30], [2]]}

    def put(name: str, **members: Any) -> Damage:
        return lambda folder: write_npz(folder / name, **members)

    def text(content: Any) -> Damage:
        return lambda folder: (folder / cameras).write_text(json.dumps(content))

    return {
        "poses of text": put(poses, positions_3d={subject: {action: "walking"}}),
        "poses of objects": put(
            poses, positions_3d={subject: {action: np.full((2, 17, 3), None, object)}}
        ),
        "poses in a list": put(poses, positions_3d=[1, 2]),
        "poses too far": put(
            poses, positions_3d={subject: {action: np.full((2, 17, 3), 1e300)}}
        ),
        "poses of a trillion frames": lambda folder: huge_header(folder / poses, "positions_3d"),
        "poses by a key of endless hash": lambda folder: endless_key(
            folder / poses, "positions_3d"
        ),
        "keypoints of a trillion frames": lambda folder: huge_header(
            folder / seen, "positions_2d"
        ),
        "keypoints by number": put(seen, positions_2d={1: {2: 3}}, metadata={}),
        "metadata of huge counts": put(seen, positions_2d={subject: {}}, metadata=sides),
        "metadata of text": put(seen, positions_2d={subject: {}}, metadata="joints\n"),
        "cameras of numbers": text([1, 2]),
        "cameras nested deep": text([[[[[]]]]]),
        "an image of a trillion pixels": text(
            [{"id": "a", "res_w": 10**12, "res_h": 10**12, "orientation": [1, 0, 0]}]
        ),
    }  # fmt: skip


CASES = {
    "videopose3d": Case(
        source="videopose3d",
        write=lambda folder: write_videopose3d(folder, people(("S1", "S2"))),
        exact_2d=True,
        wrong=wrong("tiny", "gt", "S1", "Walking 1"),
    ),
}
