"""Clips with synthetic images, and what a camera sees, written out by hand in float64."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from monopose.data.clip import Clip
from monopose.data.images.encoded import encode
from monopose.geometry.camera import Camera
from monopose.skeleton import joint_set

FOCAL, CENTRE, WIDTH, HEIGHT = 1100.0, (520.0, 480.0), 1000, 960


def camera(**changes: Any) -> Camera:
    values: dict[str, Any] = {
        "camera_id": "a",
        "fx": FOCAL,
        "fy": FOCAL,
        "cx": CENTRE[0],
        "cy": CENTRE[1],
        "width": WIDTH,
        "height": HEIGHT,
    }
    return Camera(**{**values, **changes})


def textured(size_px: int, rng: np.random.Generator) -> np.ndarray:
    """Noise at several sizes, with about as many bytes of JPEG as a photo of that size."""
    total = np.zeros((size_px, size_px, 3), np.float32)
    for cells, weight in ((4, 110), (16, 70), (48, 40), (128, 35)):
        coarse = rng.random((cells, cells, 3), dtype=np.float32) * weight
        total += cv2.resize(coarse, (size_px, size_px), interpolation=cv2.INTER_LINEAR)
    return total.astype(np.uint8)


def image_clip(
    clip_id: str = "set/S1/walk", frames: int = 3, size_px: int = 128, **changes: Any
) -> Clip:
    """A person of random joints about 4 m away and off the image's centre, cropped and encoded."""
    rng = np.random.default_rng(sum(clip_id.encode()) + frames)
    joints = len(joint_set(changes.get("joint_set", "h36m17")))
    place_m = rng.uniform((-0.8, -0.6, 3.5), (0.8, 0.6, 5.0))
    pose_m = place_m + rng.uniform(-0.5, 0.5, (1, frames, joints, 3))
    seen_px = np.array(CENTRE) + FOCAL * pose_m[..., :2] / pose_m[..., 2:]
    low, high = seen_px.min(axis=2), seen_px.max(axis=2)
    side = 1.25 * (high - low).max(axis=-1, keepdims=True)
    boxes = np.concatenate([(low + high - side) / 2, side, side], axis=-1)
    values: dict[str, Any] = {
        "clip_id": clip_id,
        "dataset": "set",
        "subject": "S1",
        "action": "walk",
        "split": "train",
        "fps": 25.0,
        "joint_set": "h36m17",
        "cameras": (camera(),),
        "pose_camera_m": pose_m.astype(np.float32),
        "keypoints_px": seen_px.astype(np.float32),
        "keypoint_score": np.ones((1, frames, joints), np.float32),
        "image": (tuple(encode(textured(size_px, rng)) for _ in range(frames)),),
        "crop_box_px": boxes.astype(np.float32),
    }
    return Clip(**{**values, **changes})


def image_clips(count: int, frames: int = 1, size_px: int = 128) -> Iterator[Clip]:
    """Clips of different people, one after the other."""
    for index in range(count):
        yield image_clip(f"set/S{index % 7}/take-{index:06d}", frames, size_px)
