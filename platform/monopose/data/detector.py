"""A model of what a 2D keypoint detector gets wrong, and how sure it is of what it says.

Its constants were fitted to the detections that come with 56 clips of real motion (17 joints of
Human3.6M, four views, 50 Hz, 2.35 million keypoints): errors grow with the size of the person in
the image, have Student's t tails, last a few frames, and are joined by single-frame misses and by
left/right swaps of a few frames. See tests/unit/data/test_detector.py for the comparison.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float32

from monopose.geometry.camera import Camera, project, world_to_camera
from monopose.skeleton import JointSet, joint_set

# Median error as a share of the person's size (diagonal of the keypoints' box), by joint.
_MEDIAN_ERROR_SHARE = {
    "pelvis": 0.0104, "hip": 0.0125, "knee": 0.0125, "ankle": 0.0156, "spine": 0.0105,
    "thorax": 0.0094, "neck_nose": 0.0083, "head_top": 0.0083, "shoulder": 0.0104,
    "elbow": 0.0136, "wrist": 0.0178,
}  # fmt: skip
# Errors follow e[t] = r e[t-1] + sqrt(1 - r^2) n[t], n Student's t, each coordinate by itself.
_CORRELATION_AT_50HZ = 0.6
_TAIL_DEGREES_OF_FREEDOM = 3.0
# Median length of such a 2D error when n has unit scale.
_UNIT_MEDIAN = 1.57
_MISS_SHARE = 0.0095
_MISS_ERROR_SHARE = 0.13
_SWAP_SHARE = 0.001
_SWAP_FRAMES_AT_50HZ = 4.5
# Confidence falls exponentially with the error's share of the person's size, plus noise.
_CONFIDENCE_AT_ZERO = 0.90
_CONFIDENCE_ERROR_SHARE = 0.0329
_CONFIDENCE_NOISE = 0.043
_LOWEST_CONFIDENCE = 0.02

Detections = tuple[Float32[np.ndarray, "V T J 2"], Float32[np.ndarray, "V T J"]]


def observe(
    pose_world_m: Float32[np.ndarray, "T J 3"],
    cameras: Sequence[Camera],
    detections: Literal["model", "gt"],
    rng: np.random.Generator,
    fps: float = 50.0,
) -> Detections:
    """What calibrated cameras see of a known motion: (keypoints in pixels, score).

    detections: "model" gives h36m17 joints with the detector's errors and confidences, absent
    outside the image; "gt" gives exact projections with score 1, outside the image too.
    """
    views = [project(world_to_camera(pose_world_m, camera), camera) for camera in cameras]
    true_px = np.stack(views)
    if detections == "gt":
        return true_px.astype(np.float32), np.ones(true_px.shape[:-1], np.float32)
    return detect(true_px, _in_image(true_px, cameras), rng, fps)


def _in_image(
    keypoints_px: Float[np.ndarray, "V T J 2"], cameras: Sequence[Camera]
) -> Bool[np.ndarray, "V T J"]:
    size_px = np.array([(camera.width, camera.height) for camera in cameras], float)
    inside = np.logical_and(keypoints_px >= 0, keypoints_px < size_px[:, None, None])
    return np.all(inside, axis=-1)


def detect(
    keypoints_px: Float[np.ndarray, "V T J 2"],
    in_image: Bool[np.ndarray, "V T J"],
    rng: np.random.Generator,
    fps: float = 50.0,
) -> Detections:
    """True keypoints as a detector would report them: (keypoints in pixels, confidence 0..1).

    keypoints_px: true projections in h36m17 order. in_image: False where a joint lies outside the
    image, which comes out with score 0 and coordinates 0. fps: errors last as long in seconds, so
    they are correlated over more frames at a higher rate.
    """
    joints = joint_set("h36m17")
    size_px = np.linalg.norm(np.ptp(keypoints_px, axis=2), axis=-1)[..., None]
    found_px = _swap_sides(keypoints_px, joints, rng, fps)
    found_px = found_px + size_px[..., None] * _jitter_share(keypoints_px.shape, joints, rng, fps)
    missed = rng.random(in_image.shape) < _MISS_SHARE
    stray_share = _MISS_ERROR_SHARE * rng.standard_normal(keypoints_px.shape)
    found_px = found_px + (missed[..., None] * stray_share) * size_px[..., None]
    error_share = np.linalg.norm(found_px - keypoints_px, axis=-1) / size_px
    score = np.where(in_image, _confidence(error_share, rng), 0.0)
    found_px = np.where(in_image[..., None], found_px, 0.0)
    return found_px.astype(np.float32), score.astype(np.float32)


def _jitter_share(
    shape: tuple[int, ...], joints: JointSet, rng: np.random.Generator, fps: float
) -> Float[np.ndarray, "V T J 2"]:
    """Errors that last a few frames, as shares of the person's size."""
    keep = _CORRELATION_AT_50HZ ** (50.0 / fps)
    noise = rng.standard_t(_TAIL_DEGREES_OF_FREEDOM, size=shape)
    noise[:, 1:] *= np.sqrt(1 - keep**2)
    for frame in range(1, shape[1]):
        noise[:, frame] += keep * noise[:, frame - 1]
    names = [joint.removeprefix("left_").removeprefix("right_") for joint in joints.joints]
    scale = np.array([_MEDIAN_ERROR_SHARE[name] for name in names]) / _UNIT_MEDIAN
    return noise * scale[:, None]


def _swap_sides(
    keypoints_px: Float[np.ndarray, "V T J 2"],
    joints: JointSet,
    rng: np.random.Generator,
    fps: float,
) -> Float[np.ndarray, "V T J 2"]:
    """Exchanges single left/right pairs for a few frames at a time."""
    views, frames, _ = keypoints_px.shape[:3]
    mean_frames = max(1.0, _SWAP_FRAMES_AT_50HZ * fps / 50.0)
    found_px = keypoints_px.copy()
    for left, right in enumerate(joints.mirror):
        if left >= right:
            continue
        starts = np.argwhere(rng.random((views, frames)) < _SWAP_SHARE / mean_frames)
        for view, start in starts:
            span = slice(start, start + int(rng.geometric(1 / mean_frames)))
            found_px[view, span, left] = keypoints_px[view, span, right]
            found_px[view, span, right] = keypoints_px[view, span, left]
    return found_px


def _confidence(
    error_share: Float[np.ndarray, "V T J"], rng: np.random.Generator
) -> Float[np.ndarray, "V T J"]:
    expected = _CONFIDENCE_AT_ZERO * np.exp(-error_share / _CONFIDENCE_ERROR_SHARE)
    noise = _CONFIDENCE_NOISE * rng.standard_normal(error_share.shape)
    return np.clip(expected + noise, _LOWEST_CONFIDENCE, 1.0)
