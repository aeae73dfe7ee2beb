"""The record: a `Clip` is T frames of one person seen by V >= 1 synchronised views.

Axes: V views, T frames, J joints. Units: metres and pixels. Frames: see geometry/camera.py.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32, UInt8

from monopose.errors import InputError
from monopose.geometry.camera import Camera, world_to_camera
from monopose.skeleton import joint_set


@dataclass(frozen=True)
class Clip:
    """One person's frames with whatever is known of them; absent parts are None.

    joint_set is the file's own; conversion happens by name at read. `keypoint_score` is 0 for a
    missing keypoint, whose coordinates are then 0 too. `image` holds encoded JPEG or PNG bytes by
    view and frame. `heatmaps` are a detector's maps of each joint, 0..255 for 0..1; they are all
    zero where nobody was found. `crop_box_px` is (x, y, width, height), in the full image, of what
    `image` and `heatmaps` cover: a square box for heatmaps.
    """

    clip_id: str
    dataset: str
    subject: str
    action: str
    split: str
    fps: float
    joint_set: str
    cameras: tuple[Camera, ...]
    start_frame: int = 0
    pose_world_m: Float32[np.ndarray, "T J 3"] | None = None
    pose_camera_m: Float32[np.ndarray, "V T J 3"] | None = None
    keypoints_px: Float32[np.ndarray, "V T J 2"] | None = None
    keypoint_score: Float32[np.ndarray, "V T J"] | None = None
    image: tuple[tuple[bytes, ...], ...] | None = field(default=None, repr=False)
    crop_box_px: Float32[np.ndarray, "V T 4"] | None = None
    heatmaps: UInt8[np.ndarray, "V T J h h"] | None = field(default=None, repr=False)

    @property
    def num_views(self) -> int:
        """V: how many synchronised cameras see the clip."""
        return len(self.cameras)

    @property
    def num_frames(self) -> int:
        """T; raises InputError for a clip with nothing per frame."""
        if self.pose_world_m is not None:
            return int(self.pose_world_m.shape[0])
        for values in (self.pose_camera_m, self.keypoints_px, self.crop_box_px):
            if values is not None:
                return int(values.shape[1])
        if self.image is not None:
            return len(self.image[0])
        raise InputError("clip holds no poses, keypoints or images", where=self.clip_id)

    @property
    def has_3d(self) -> bool:
        """True when 3D joints can be had in some camera's frame."""
        return self.pose_camera_m is not None or self.pose_world_m is not None

    @property
    def has_2d(self) -> bool:
        """True when 2D keypoints are present."""
        return self.keypoints_px is not None

    @property
    def multiview(self) -> bool:
        """True when several synchronised views are present."""
        return self.num_views > 1

    @property
    def has_images(self) -> bool:
        """True when encoded frames are present."""
        return self.image is not None

    @property
    def has_heatmaps(self) -> bool:
        """True when a detector's maps are present."""
        return self.heatmaps is not None

    def camera_poses_m(self) -> Float32[np.ndarray, "V T J 3"] | None:
        """3D joints in each view's camera frame, computed from the world where need be."""
        if self.pose_camera_m is not None:
            return self.pose_camera_m
        if self.pose_world_m is None or not all(c.has_extrinsics for c in self.cameras):
            return None
        views = [world_to_camera(self.pose_world_m, camera) for camera in self.cameras]
        return np.stack(views).astype(np.float32)


def validate(clip: Clip) -> Clip:
    """Returns the clip if it keeps the record's contract; raises InputError naming the field."""
    _check_names(clip)
    if not np.isfinite(clip.fps) or clip.fps <= 0:
        _refuse(clip, f"fps is {clip.fps}, not a positive number")
    if clip.start_frame < 0:
        _refuse(clip, f"start_frame is {clip.start_frame}, below zero")
    if not clip.cameras:
        _refuse(clip, "cameras is empty; a clip has at least one view, its parts may be null")
    if clip.num_frames < 1:
        _refuse(clip, "the clip has no frames")
    views, frames, joints = clip.num_views, clip.num_frames, len(joint_set(clip.joint_set))
    expected = {
        "pose_world_m": (frames, joints, 3),
        "pose_camera_m": (views, frames, joints, 3),
        "keypoints_px": (views, frames, joints, 2),
        "keypoint_score": (views, frames, joints),
        "crop_box_px": (views, frames, 4),
    }
    for name, shape in expected.items():
        _check_array(clip, name, shape)
    _check_score(clip)
    _check_images(clip, views, frames)
    _check_heatmaps(clip, (views, frames, joints))
    for camera in clip.cameras:
        _check_camera(clip, camera)
    return clip


def _refuse(clip: Clip, what: str) -> None:
    raise InputError(what, where=f"clip {clip.clip_id!r}")


def _check_names(clip: Clip) -> None:
    named = (clip.clip_id, clip.dataset, clip.subject, clip.split)
    if not all(named):
        _refuse(clip, "clip_id, dataset, subject and split must not be empty")
    if not all(name.isprintable() for name in (*named, clip.action)):
        _refuse(clip, "clip_id, dataset, subject, action or split is no text on one line")
    for camera in clip.cameras:
        if not camera.camera_id.isprintable():
            _refuse(clip, f"camera_id {camera.camera_id!r:.60} is no text on one line")


def _check_array(clip: Clip, name: str, shape: tuple[int, ...]) -> None:
    values = getattr(clip, name)
    if values is None:
        return
    if values.shape != shape:
        _refuse(clip, f"{name} has shape {values.shape}, expected {shape} for {clip.joint_set}")
    if values.dtype != np.float32:
        _refuse(clip, f"{name} has dtype {values.dtype}, expected float32")
    if not np.isfinite(values).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        _refuse(clip, f"{name} holds NaN or infinity, first at index {place}")


def _check_score(clip: Clip) -> None:
    score = clip.keypoint_score
    if score is None:
        return
    if clip.keypoints_px is None:
        _refuse(clip, "keypoint_score is given without keypoints_px")
    if score.min() < 0 or score.max() > 1:
        _refuse(clip, f"keypoint_score spans {score.min():g}..{score.max():g}, outside 0..1")


def _check_images(clip: Clip, views: int, frames: int) -> None:
    if clip.image is None:
        return
    if len(clip.image) != views or any(len(view) != frames for view in clip.image):
        _refuse(clip, f"image must hold {views} views of {frames} frames")


def _check_heatmaps(clip: Clip, shape: tuple[int, int, int]) -> None:
    maps, box_px = clip.heatmaps, clip.crop_box_px
    if maps is None:
        return
    if maps.ndim != 5 or maps.shape[:3] != shape or maps.shape[3] != maps.shape[4]:
        expected = f"({', '.join(map(str, shape))}, h, h)"
        _refuse(clip, f"heatmaps have shape {maps.shape}, expected {expected}, {clip.joint_set}")
    if maps.dtype != np.uint8 or maps.shape[4] == 0:
        _refuse(clip, f"heatmaps are {maps.dtype} of side {maps.shape[4]}, expected uint8 and 1 up")
    if box_px is None:
        _refuse(clip, "heatmaps are given without crop_box_px, which tells what they cover")
    elif not np.allclose(box_px[..., 2], box_px[..., 3], rtol=1e-4):
        _refuse(clip, "heatmaps cover boxes (crop_box_px) that are not square")


def _check_camera(clip: Clip, camera: Camera) -> None:
    if camera.rotation is not None:
        identity = camera.rotation @ camera.rotation.T
        if not np.allclose(identity, np.eye(3), atol=1e-3) or np.linalg.det(camera.rotation) < 0:
            _refuse(clip, f"camera {camera.camera_id!r}: rotation is not a rotation matrix")
    lens = (camera.fx, camera.fy, camera.cx, camera.cy, camera.distortion)
    known = [part for part in (camera.translation_m, *lens) if part is not None]
    if not all(np.isfinite(part).all() for part in known):
        _refuse(clip, f"camera {camera.camera_id!r}: translation or lens holds NaN or infinity")
    for name in ("fx", "fy", "width", "height"):
        value = getattr(camera, name)
        if value is not None and not value > 0:
            _refuse(clip, f"camera {camera.camera_id!r}: {name} is {value}, not positive")
