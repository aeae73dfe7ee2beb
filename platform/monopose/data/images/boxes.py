"""Boxes around people: (x, y, width, height) in pixels of the full image."""

import numpy as np
from jaxtyping import Float

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
