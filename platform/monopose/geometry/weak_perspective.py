"""Weak perspective: every joint at one depth, so that projection is a scale and a shift.

x_px = scale * (X, Y) + shift. The scale is in pixels per metre: focal length over depth.
"""

import numpy as np
from jaxtyping import Float, Float64

# Squared spread (m^2) that joints at one place can have by rounding alone.
_VANISHING = 1e-20


def project_weak(
    pose_m: Float[np.ndarray, "*batch J 3"],
    scale: Float[np.ndarray, "*batch"],
    shift_px: Float[np.ndarray, "*batch 2"],
) -> Float[np.ndarray, "*batch J 2"]:
    """Pixels of joints in the camera's frame (metres), scale in pixels per metre."""
    return scale[..., None, None] * pose_m[..., :2] + shift_px[..., None, :]


def fit_weak_perspective(
    pose_m: Float[np.ndarray, "*batch J 3"],
    keypoints_px: Float[np.ndarray, "*batch J 2"],
    weight: Float[np.ndarray, "*batch J"],
) -> tuple[Float64[np.ndarray, "*batch"], Float64[np.ndarray, "*batch 2"]]:
    """(scale, shift_px) that bring the pose closest to its keypoints, in closed form.

    Weighted least squares; a weight of 0 leaves a keypoint out. A pose whose weighted joints
    share one (X, Y), or that has no weighted joint, has no scale: it is 0 then.
    """
    share = weight[..., None].astype(np.float64)
    total = share.sum(axis=-2, keepdims=True)
    share = np.divide(share, total, out=np.zeros_like(share), where=total > 0)
    pose_centre = (share * pose_m[..., :2]).sum(axis=-2)
    image_centre = (share * keypoints_px).sum(axis=-2)
    offset_m = pose_m[..., :2] - pose_centre[..., None, :]
    offset_px = keypoints_px - image_centre[..., None, :]
    spread = np.asarray((share * offset_m**2).sum(axis=(-1, -2)))
    across = (share * offset_m * offset_px).sum(axis=(-1, -2))
    scale = np.divide(across, spread, out=np.zeros_like(spread), where=spread > _VANISHING)
    return scale, image_centre - scale[..., None] * pose_centre
