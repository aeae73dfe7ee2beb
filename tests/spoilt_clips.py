"""One mistake at a time, made in a clip that was right: what people do to their data."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from tests.present import present

from monopose.data.clip import Clip
from monopose.geometry.camera import Camera
from monopose.skeleton import joint_set

# A world with y up: its coordinates (x, y, z) are ours (x, z, -y).
Y_UP = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], np.float32)


def sides_exchanged_in_3d(clip: Clip) -> Clip:
    mirror = list(joint_set(clip.joint_set).mirror)
    return replace(clip, pose_world_m=present(clip.pose_world_m)[:, mirror])


def sides_exchanged_in_2d(clip: Clip) -> Clip:
    mirror = list(joint_set(clip.joint_set).mirror)
    return replace(
        clip,
        keypoints_px=present(clip.keypoints_px)[:, :, mirror],
        keypoint_score=present(clip.keypoint_score)[:, :, mirror],
    )


def sides_exchanged_in_both(clip: Clip) -> Clip:
    return sides_exchanged_in_3d(sides_exchanged_in_2d(clip))


def millimetres(clip: Clip) -> Clip:
    return replace(clip, pose_world_m=present(clip.pose_world_m) * np.float32(1000))


def millimetres_everywhere(clip: Clip) -> Clip:
    cameras = tuple(replace(c, translation_m=present(c.translation_m) * 1000) for c in clip.cameras)
    return replace(millimetres(clip), cameras=cameras)


def y_up(clip: Clip) -> Clip:
    """Only the 3D is y up."""
    return replace(clip, pose_world_m=present(clip.pose_world_m) @ Y_UP.T)


def y_up_everywhere(clip: Clip) -> Clip:
    """The 3D and the cameras are y up: they agree with each other."""
    return y_up(_with_cameras(clip, lambda c: replace(c, rotation=present(c.rotation) @ Y_UP.T)))


def camera_inverted(clip: Clip) -> Clip:
    """The rotation transposed, the translation as it was."""
    return _with_cameras(clip, lambda camera: replace(camera, rotation=present(camera.rotation).T))


def camera_inverted_in_place(clip: Clip) -> Clip:
    """The rotation transposed, the camera still where it was."""
    return _with_cameras(clip, _turned_in_place)


def one_camera_inverted(clip: Clip) -> Clip:
    return replace(clip, cameras=(_turned_in_place(clip.cameras[0]), *clip.cameras[1:]))


def _turned_in_place(camera: Camera) -> Camera:
    rotation = present(camera.rotation)
    position_m = -rotation.T @ present(camera.translation_m)
    return replace(camera, rotation=rotation.T, translation_m=-rotation.T @ position_m)


def _with_cameras(clip: Clip, change: Callable[[Camera], Camera]) -> Clip:
    return replace(clip, cameras=tuple(change(camera) for camera in clip.cameras))


def shifted(clip: Clip, frames: int = 6) -> Clip:
    """All 2D runs ahead of the 3D."""
    return replace(
        clip,
        pose_world_m=present(clip.pose_world_m)[:-frames],
        keypoints_px=present(clip.keypoints_px)[:, frames:],
        keypoint_score=present(clip.keypoint_score)[:, frames:],
    )


def one_view_shifted(clip: Clip, frames: int = 6) -> Clip:
    """The second view starts late, its neighbours do not."""
    keypoints_px = present(clip.keypoints_px)[:, frames:].copy()
    score = present(clip.keypoint_score)[:, frames:].copy()
    keypoints_px[1] = present(clip.keypoints_px)[1, :-frames]
    score[1] = present(clip.keypoint_score)[1, :-frames]
    pose = clip.pose_world_m
    return replace(
        clip,
        pose_world_m=None if pose is None else pose[frames:],
        keypoints_px=keypoints_px,
        keypoint_score=score,
    )


def first_17_of_28(clip: Clip, declared: str = "h36m17") -> Clip:
    """The 28 joints of MPI-INF-3DHP cut after 17 columns, 2D and 3D alike."""
    pose = joints_28(clip)[:, :17]
    return replace(clip, joint_set=declared, pose_world_m=pose, keypoints_px=None,
                   keypoint_score=None)  # fmt: skip


def joints_28(clip: Clip) -> np.ndarray:
    """The clip's body with the 28 joints of MPI-INF-3DHP, those it lacks set between or beyond."""
    source, target = joint_set("h36m17"), joint_set("mpi_inf_3dhp_28")
    pose = present(clip.pose_world_m)
    at = {name: pose[:, index] for index, name in enumerate(source.joints)}
    up, chest = at["thorax"] - at["spine"], at["thorax"]
    at |= {"spine3": at["spine"] + 0.8 * up, "spine2": at["spine"] + 0.3 * up}
    at |= {"spine4": at["spine"] + 0.9 * up, "neck": chest + 0.2 * up, "head": at["neck_nose"]}
    for side in ("left", "right"):
        shoulder, wrist = at[f"{side}_shoulder"], at[f"{side}_wrist"]
        shank = at[f"{side}_ankle"] - at[f"{side}_knee"]
        at[f"{side}_clavicle"] = chest + 0.15 * (shoulder - chest)
        at[f"{side}_hand"] = wrist + 0.3 * (wrist - at[f"{side}_elbow"])
        at[f"{side}_foot"] = at[f"{side}_ankle"] + 0.15 * shank
        at[f"{side}_toe"] = at[f"{side}_ankle"] + 0.3 * shank
    return np.stack([at[name] for name in target.joints], axis=1).astype(np.float32)


def without_3d(clip: Clip) -> Clip:
    return replace(clip, pose_world_m=None)


SPOILT: dict[str, tuple[Callable[[Clip], Clip], str]] = {
    "left and right exchanged in 3D": (sides_exchanged_in_3d, "left/right exchanged"),
    "left and right exchanged in 2D": (sides_exchanged_in_2d, "left/right exchanged"),
    "left and right exchanged in both": (sides_exchanged_in_both, "left/right exchanged"),
    "3D in millimetres": (millimetres, "units"),
    "3D and cameras in millimetres": (millimetres_everywhere, "units"),
    "3D with y up": (y_up, "up axis"),
    "3D and cameras with y up": (y_up_everywhere, "up axis"),
    "rotations inverted": (camera_inverted, "camera rotated by its inverse"),
    "rotations inverted in place": (camera_inverted_in_place, "camera rotated by its inverse"),
    "one rotation inverted": (one_camera_inverted, "camera rotated by its inverse"),
    "2D ahead of 3D": (shifted, "frames shifted"),
    "one view late": (one_view_shifted, "frames shifted"),
    "28 joints read as 17": (first_17_of_28, "joint order"),
}
