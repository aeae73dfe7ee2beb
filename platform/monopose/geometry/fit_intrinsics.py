"""Intrinsics from points that are known both in the camera's frame and in the image."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_NEAREST = 1e-6


@dataclass(frozen=True)
class FittedIntrinsics:
    """A pinhole camera without distortion, pixels; residual_px: the median distance it leaves."""

    fx: float
    fy: float
    cx: float
    cy: float
    residual_px: float


def fit_intrinsics(
    points_camera: Float[np.ndarray, "*batch 3"], points_px: Float[np.ndarray, "*batch 2"]
) -> FittedIntrinsics | None:
    """The pinhole camera that projects the points to their pixels best, by least squares.

    u = fx x/z + cx and v = fy y/z + cy are linear in what is asked for. None when fewer than two
    points lie in front of the camera, or the answer is no camera (a focal length below zero).
    """
    points = points_camera.reshape(-1, 3).astype(np.float64)
    pixels = points_px.reshape(-1, 2).astype(np.float64)
    front = points[:, 2] > _NEAREST
    if front.sum() < 2:
        return None
    rays, pixels = points[front, :2] / points[front, 2:], pixels[front]
    (fx, cx), (fy, cy) = (_line(rays[:, axis], pixels[:, axis]) for axis in (0, 1))
    fitted = rays * (fx, fy) + (cx, cy)
    residual_px = float(np.median(np.linalg.norm(fitted - pixels, axis=-1)))
    if not (fx > 0 and fy > 0 and np.isfinite((fx, fy, cx, cy, residual_px)).all()):
        return None
    return FittedIntrinsics(fx, fy, cx, cy, residual_px)


def _line(x: Float[np.ndarray, " N"], y: Float[np.ndarray, " N"]) -> tuple[float, float]:
    """(slope, offset) of least squares; (0, mean) where x does not vary."""
    from_mean = x - x.mean()
    spread = float((from_mean**2).sum())
    slope = float((from_mean * (y - y.mean())).sum()) / spread if spread > 0 else 0.0
    return slope, float(y.mean()) - slope * float(x.mean())
