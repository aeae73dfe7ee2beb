"""How far projected 3D lies from the 2D, as a share of the person's size in the image."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from monopose.data.clip import Clip
from monopose.data.expectations.body import spread
from monopose.geometry.camera import Camera, project, world_to_camera

SAMPLED_FRAMES = 48
# Where points go that are not in front of the camera: far from every image.
_NOWHERE_PX = 1e9
# One point counts at most this much (times the person's size), so that outliers do not decide.
_MOST = 0.5


@dataclass(frozen=True)
class View:
    """One view of a clip with all that its reprojection needs, at sampled frames.

    pose_m is the world's when `world` is True, else the camera's own.
    """

    number: int
    camera: Camera
    world: bool
    joint_set: str
    pose_m: Float[np.ndarray, "T J 3"]
    keypoints_px: Float[np.ndarray, "T J 2"]
    seen: Bool[np.ndarray, "T J"]
    size_px: float

    @property
    def name(self) -> str:
        """The view as findings name it."""
        return f"view {self.number} ({self.camera.camera_id})"


def views_of(clip: Clip, frames: int | None = SAMPLED_FRAMES) -> list[View]:
    """The views that have 2D, 3D and intrinsics, at up to `frames` frames (None: at all)."""
    if clip.keypoints_px is None:
        return []
    at = slice(None) if frames is None else spread(clip.num_frames, frames)
    return [view for number in range(clip.num_views) if (view := _view(clip, number, at))]


def _view(clip: Clip, number: int, at: slice) -> View | None:
    camera, world = clip.cameras[number], clip.pose_camera_m is None
    pose = clip.pose_world_m if world else clip.pose_camera_m[number]  # type: ignore[index]
    if pose is None or not camera.has_intrinsics or (world and not camera.has_extrinsics):
        return None
    assert clip.keypoints_px is not None
    keypoints_px = clip.keypoints_px[number, at]
    seen = np.ones(keypoints_px.shape[:2], bool)
    if clip.keypoint_score is not None:
        seen = clip.keypoint_score[number, at] > 0.05
    if not seen.any():
        return None
    size_px = person_size_px(keypoints_px, seen)
    return View(
        number, camera, world, clip.joint_set, pose[at], keypoints_px, seen, max(size_px, 1e-9)
    )


def person_size_px(
    keypoints_px: Float[np.ndarray, "T J 2"], seen: Bool[np.ndarray, "T J"]
) -> float:
    """Median over frames of the diagonal of the box around the seen keypoints."""
    some = seen.sum(axis=1) > 1
    if not some.any():
        return 0.0
    low = np.where(seen[..., None], keypoints_px, np.inf).min(axis=1)[some]
    high = np.where(seen[..., None], keypoints_px, -np.inf).max(axis=1)[some]
    return float(np.median(np.linalg.norm(high - low, axis=-1)))


def projected_px(
    pose_m: Float[np.ndarray, "T J 3"], camera: Camera, world: bool
) -> Float[np.ndarray, "T J 2"]:
    """Pixels of the 3D; points that are not in front of the camera come out very far away."""
    points_m = world_to_camera(pose_m, camera) if world else pose_m
    ahead = points_m[..., 2:] > 1e-6
    pixels = project(np.where(ahead, points_m, 1.0), camera)
    return np.where(ahead, np.clip(pixels, -_NOWHERE_PX, _NOWHERE_PX), _NOWHERE_PX)


def error_shares(
    pixels: Float[np.ndarray, "*batch J 2"],
    keypoints_px: Float[np.ndarray, "*#batch J 2"],
    size_px: float,
) -> Float[np.ndarray, "*batch J"]:
    """Distances as shares of the person's size, capped at one half."""
    apart = np.clip((pixels - keypoints_px) / size_px, -1.0, 1.0)
    return np.minimum(np.sqrt((apart**2).sum(axis=-1)), _MOST)


def cost(view: View) -> float:
    """Mean capped error share of the seen keypoints; about 0.02 for a good detector."""
    pixels = projected_px(view.pose_m, view.camera, view.world)
    return float(error_shares(pixels, view.keypoints_px, view.size_px)[view.seen].mean())
