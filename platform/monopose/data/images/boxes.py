"""Boxes around people: (x, y, width, height) in pixels of the full image."""

import numpy as np
from jaxtyping import Float

from monopose.geometry.camera import Camera

# How much larger than the keypoints' own extent a box is (the field's usual margin).
MARGIN = 1.25
_SMALLEST_PX = 16.0


def person_boxes(
    keypoints_px: Float[np.ndarray, "*batch J 2"],
    score: Float[np.ndarray, "*batch J"],
    margin: float = MARGIN,
) -> Float[np.ndarray, "*batch 4"]:
    """Square boxes around the keypoints with a score; those of no keypoint are all zero."""
    seen = (score > 0)[..., None]
    low = np.where(seen, keypoints_px, np.inf).min(axis=-2)
    high = np.where(seen, keypoints_px, -np.inf).max(axis=-2)
    known = np.isfinite(low).all(axis=-1)
    low, high = np.where(known[..., None], low, 0.0), np.where(known[..., None], high, 0.0)
    side = np.maximum((high - low).max(axis=-1, keepdims=True) * margin, _SMALLEST_PX)
    corner = (low + high - side) / 2
    box = np.concatenate([corner, side, side], axis=-1)
    return np.where(known[..., None], box, 0.0).astype(np.float32)


def boxes_near_image(
    keypoints_px: Float[np.ndarray, "*batch J 2"],
    score: Float[np.ndarray, "*batch J"],
    camera: Camera,
) -> Float[np.ndarray, "*batch 4"]:
    """Boxes of projected keypoints, each taken to lie an image's size beyond the image at most."""
    size = np.array([camera.width, camera.height], np.float32)
    # A joint close to the camera's plane projects anywhere: its box would be of any size.
    return person_boxes(np.clip(keypoints_px, -size, 2 * size), score)
