"""From clips with images to windows: T encoded frames of one person seen by one camera.

Axes: B windows of a batch, T frames of a window, J joints. Pixels are those of the full image.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64

from monopose.data.clip import Clip
from monopose.data.images.boxes import person_boxes
from monopose.data.images.encoded import stored_size
from monopose.geometry.camera import Camera, assume_intrinsics
from monopose.skeleton import Conversion, conversion, joint_set


@dataclass(frozen=True)
class ImageWindow:
    """T frames as they are stored, and what is known of them; the encoded frames are shared.

    stored_px: the box (x, y, width, height) that each encoded image shows of the full image.
    box_px: the square box of the person. pose_m: root-relative in the camera's frame.
    intrinsics: (fx, fy, cx, cy) px; lens: distortion (k1, k2, p1, p2, k3). name: for messages.
    view, frame: where the middle one lies in the clip.
    """

    name: str
    payload: tuple[bytes, ...]
    stored_px: Float32[np.ndarray, "T 4"]
    box_px: Float32[np.ndarray, "T 4"]
    keypoints_px: Float32[np.ndarray, "T J 2"]
    score: Float32[np.ndarray, "T J"]
    pose_m: Float32[np.ndarray, "T J 3"]
    intrinsics: Float64[np.ndarray, "4"]
    lens: Float64[np.ndarray, "5"]
    joint_mask: Bool[np.ndarray, " J"]
    has_3d: bool
    view: int
    frame: int

    @property
    def num_bytes(self) -> int:
        """Of the encoded frames."""
        return sum(map(len, self.payload))


def image_windows(
    clips: Iterable[Clip], joint_set_name: str, frames: int = 1, frame_step: int = 1
) -> Iterator[ImageWindow]:
    """A window around each frame of each view that has an image; other clips are passed over.

    Frames are frame_step apart, the middle one is the frame itself, and at a take's ends frames
    repeat. A frame in which nobody was found (a box without an area) is the middle of no window.
    Joints are converted by name. What windows hold does not keep the clip's memory alive.
    """
    offsets = (np.arange(frames) - (frames - 1) // 2) * frame_step
    for clip in clips:
        if clip.image is None:
            continue
        to_set, poses_m = conversion(clip.joint_set, joint_set_name), clip.camera_poses_m()
        for view in range(clip.num_views):
            pose_m = None if poses_m is None else poses_m[view]
            whole = _view(clip, view, to_set, pose_m, joint_set(joint_set_name).root)
            middles = np.flatnonzero((whole.box_px[:, 2:] > 0).all(axis=1))
            for middle in middles:
                places = (middle + offsets).clip(0, clip.num_frames - 1)
                yield _cut(whole, places, int(middle))


def _view(
    clip: Clip,
    view: int,
    to_set: Conversion,
    pose_m: Float32[np.ndarray, "T J 3"] | None,
    root: int,
) -> ImageWindow:
    """All frames of one view of a clip."""
    assert clip.image is not None
    payload, frames, joints = clip.image[view], clip.num_frames, len(joint_set(clip.joint_set))
    keypoints_px = np.zeros((frames, joints, 2), np.float32)
    score = np.zeros((frames, joints), np.float32)
    if clip.keypoints_px is not None:
        keypoints_px, score = clip.keypoints_px[view], np.ones_like(score)
    if clip.keypoint_score is not None:
        score = clip.keypoint_score[view]
    camera = _calibrated(clip.cameras[view], payload[0], clip.crop_box_px is None)
    stored_px = _stored(clip, view)
    box_px = _squares(clip, stored_px, keypoints_px, score)
    if to_set.source != to_set.target:
        keypoints_px, score = to_set.apply(keypoints_px), to_set.apply_score(score)
        pose_m = None if pose_m is None else to_set.apply(pose_m)
    target_m = np.zeros((*score.shape, 3), np.float32)
    if pose_m is not None:
        target_m = pose_m - pose_m[:, root : root + 1]
    return ImageWindow(
        name=f"{clip.clip_id} view {view} from frame {clip.start_frame}",
        payload=payload,
        stored_px=stored_px,
        box_px=box_px,
        keypoints_px=keypoints_px,
        score=score,
        pose_m=target_m,
        intrinsics=np.array([camera.fx, camera.fy, camera.cx, camera.cy], np.float64),
        lens=np.array(camera.distortion or (0.0,) * 5),
        joint_mask=to_set.mask,
        has_3d=pose_m is not None and bool(to_set.mask[root]),
        view=view,
        frame=0,
    )


def _calibrated(camera: Camera, first: bytes, whole_images: bool) -> Camera:
    """With intrinsics, assumed where unknown; an uncropped image tells its size itself."""
    if camera.width is None and whole_images and not camera.has_intrinsics:
        width, height = stored_size(first, camera.camera_id)
        camera = Camera(camera.camera_id, width=width, height=height)
    return assume_intrinsics(camera)


def _stored(clip: Clip, view: int) -> Float32[np.ndarray, "T 4"]:
    if clip.crop_box_px is not None:
        return np.array(clip.crop_box_px[view])
    assert clip.image is not None
    sizes = [stored_size(frame, clip.clip_id) for frame in clip.image[view]]
    return np.array([(0, 0, *size) for size in sizes], np.float32)


def _squares(
    clip: Clip,
    stored_px: Float32[np.ndarray, "T 4"],
    keypoints_px: Float32[np.ndarray, "T J 2"],
    score: Float32[np.ndarray, "T J"],
) -> Float32[np.ndarray, "T 4"]:
    """The person's boxes: the stored crops made square, or boxes around the keypoints."""
    if clip.crop_box_px is None and clip.keypoints_px is not None:
        return person_boxes(keypoints_px, score)
    side = stored_px[:, 2:].max(axis=1, keepdims=True)
    corner = stored_px[:, :2] + (stored_px[:, 2:] - side) / 2
    return np.concatenate([corner, side, side], axis=1)


def _cut(whole: ImageWindow, frames: np.ndarray, middle: int) -> ImageWindow:
    return ImageWindow(
        name=whole.name,
        payload=tuple(whole.payload[frame] for frame in frames),
        stored_px=whole.stored_px[frames],
        box_px=whole.box_px[frames],
        keypoints_px=whole.keypoints_px[frames],
        score=whole.score[frames],
        pose_m=whole.pose_m[frames],
        intrinsics=whole.intrinsics,
        lens=whole.lens,
        joint_mask=whole.joint_mask,
        has_3d=whole.has_3d,
        view=whole.view,
        frame=middle,
    )


def stacked(windows: Sequence[ImageWindow], name: str) -> np.ndarray:
    """One field of all windows, B first."""
    return np.stack([getattr(window, name) for window in windows])
