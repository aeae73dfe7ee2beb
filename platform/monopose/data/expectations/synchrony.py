"""Which shift in time between the 2D and the 3D of a view fits best?"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from monopose.data.expectations.reprojection import View, error_shares, projected_px

_ANCHORS = 60
_REACH_S = 1.0
_MOST_REACH = 60
# How much better a shift must be: in general, and beyond chance (standard errors).
_BETTER, _SIGMAS = 0.88, 5.0


@dataclass(frozen=True)
class Shift:
    """frames: how far the 2D runs ahead of the 3D; costs as in reprojection.cost."""

    frames: int
    cost: float
    cost_as_given: float


def shift_of(view: View, fps: float) -> Shift | None:
    """The shift that fits far better than none, within a second; None when there is none.

    A person at rest looks the same at all shifts, so nothing is found there. Detectors blur a
    frame's time, so a shift of one frame counts only if it halves the error.
    """
    frames = len(view.pose_m)
    reach = min(round(_REACH_S * fps), _MOST_REACH, frames // 6)
    if reach < 1:
        return None
    pixels = projected_px(view.pose_m, view.camera, view.world).astype(np.float32)
    costs = _costs(view, pixels, reach)
    means = costs.mean(axis=0)
    best = int(np.argmin(means))
    shift = best - reach
    gain = costs[:, reach] - costs[:, best]
    by_chance = float(gain.std()) / np.sqrt(len(gain))
    needed = 0.5 if abs(shift) == 1 else _BETTER
    if shift == 0 or means[best] > needed * means[reach] or gain.mean() < _SIGMAS * by_chance:
        return None
    return Shift(shift, float(means[best]), float(means[reach]))


def _costs(
    view: View, pixels: Float[np.ndarray, "T J 2"], reach: int
) -> Float[np.ndarray, "anchors shifts"]:
    """Mean error share of each anchor frame's 2D against the 3D at every shift."""
    frames = len(pixels)
    # Where little moves, all shifts look alike: the frames that move most decide.
    speed_px = np.clip(np.abs(np.diff(pixels, axis=0)), 0.0, view.size_px).mean(axis=(1, 2))
    candidates = np.arange(reach, frames - reach, 2)
    order = np.argsort(-speed_px[np.minimum(candidates, frames - 2)], kind="stable")
    anchors = np.sort(candidates[order[:_ANCHORS]])
    shifts = np.arange(-reach, reach + 1)
    moved = pixels[anchors[:, None] + shifts]
    shares = error_shares(moved, view.keypoints_px[anchors][:, None], view.size_px)
    seen = view.seen[anchors][:, None]
    return np.asarray((shares * seen).sum(axis=-1) / np.maximum(seen.sum(axis=-1), 1))
