"""Virtual cameras and detections for motions that were captured without cameras."""

from dataclasses import replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32

from monopose.data.camera_ring import studio_cameras
from monopose.data.clip import Clip
from monopose.data.detector import observe
from monopose.errors import InputError
from monopose.geometry.camera import Camera, world_to_camera

# Joints keep this distance from the image's border, and from the camera.
_BORDER_PX = 25.0
_NEAREST_M = 2.0
_WIDEST_M = 100.0

DetectionsName = Literal["model", "gt"]


def detections_named(name: str | None) -> DetectionsName:
    """What `--detections` asks of virtual cameras, "model" by default; raises InputError."""
    known: dict[str | None, DetectionsName] = {None: "model", "model": "model", "gt": "gt"}
    if name not in known:
        raise InputError(f"is {name!r}", where="--detections", fix="choose model or gt")
    return known[name]


def seen_by_virtual_cameras(clip: Clip, detections: DetectionsName, seed: int) -> Clip:
    """The clip with four cameras around its motion and what they see.

    Cameras and detector errors depend on the seed and the clip_id alone. Raises InputError for a
    clip without 3D, one that moves over more than 100 m, and for modelled detections of joints
    that the model was not fitted to.
    """
    if detections == "model" and clip.joint_set != "h36m17":
        what = f"modelled detections are of h36m17, not of {clip.joint_set}"
        raise InputError(what, where="--detections", fix="choose gt, or --joint-set h36m17")
    if clip.pose_world_m is None:
        raise InputError("has no 3D in the world for virtual cameras", where=clip.clip_id)
    rng = np.random.default_rng([seed, *clip.clip_id.encode()])
    cameras = cameras_around(clip.pose_world_m, rng, clip.clip_id)
    keypoints_px, score = observe(clip.pose_world_m, cameras, detections, rng, clip.fps)
    return replace(clip, cameras=cameras, keypoints_px=keypoints_px, keypoint_score=score)


def cameras_around(
    pose_world_m: Float32[np.ndarray, "T J 3"], rng: np.random.Generator, where: str = ""
) -> tuple[Camera, ...]:
    """The studio's ring, set up around the take's ground, every joint in view all the time.

    Its middle is that of the ground that the take covers, its floor the take's lowest joint; each
    camera then moves back along its line of sight, no farther than the joints' places need.
    """
    low_m, high_m = pose_world_m.min(axis=(0, 1)), pose_world_m.max(axis=(0, 1))
    extent_m = float((high_m.astype(float) - low_m).max())
    if not extent_m < _WIDEST_M:
        what = f"moves over {extent_m:.0f} m, too far for cameras that see all of it"
        raise InputError(what, where=where, fix="check the unit of length, or cut the take")
    middle_m = np.array([*(low_m[:2] + high_m[:2]) / 2, low_m[2]], np.float64)
    points_m = pose_world_m.reshape(-1, 3).astype(np.float64)
    return tuple(_placed(camera, middle_m, points_m) for camera in studio_cameras(rng))


def _placed(
    camera: Camera, middle_m: Float[np.ndarray, "3"], points_m: Float[np.ndarray, "points 3"]
) -> Camera:
    assert camera.rotation is not None
    assert camera.translation_m is not None
    moved = replace(camera, translation_m=camera.translation_m - camera.rotation @ middle_m)
    assert moved.translation_m is not None
    back_m = np.array([0.0, 0.0, _step_back_m(world_to_camera(points_m, moved), moved)])
    return replace(moved, translation_m=moved.translation_m + back_m)


def _step_back_m(points_camera_m: Float[np.ndarray, "points 3"], camera: Camera) -> float:
    """How far back the camera must go for all points to be in its image; 0 when they are.

    A point (x, y, z) is left of the right border by b when f x / (z + back) + c <= width - b.
    """
    assert camera.fx is not None
    assert camera.fy is not None
    assert camera.cx is not None
    assert camera.cy is not None
    assert camera.width is not None
    assert camera.height is not None
    x, y, z = points_camera_m.T
    needs = [
        camera.fx * x / (camera.width - _BORDER_PX - camera.cx) - z,
        camera.fx * -x / (camera.cx - _BORDER_PX) - z,
        camera.fy * y / (camera.height - _BORDER_PX - camera.cy) - z,
        camera.fy * -y / (camera.cy - _BORDER_PX) - z,
        _NEAREST_M - z,
    ]
    return max(0.0, *(float(need.max()) for need in needs))
