"""Cameras: pinhole with distortion, in numpy, for records and importers.

Frames: world is right handed, metres, Z up. Camera: x right, y down, z forward, metres.
X_camera = rotation @ X_world + translation. Pixels: x right, y down from the top left corner.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from monopose.errors import InputError

DISTORTION_TERMS = ("k1", "k2", "p1", "p2", "k3")
# Focal length relative to image width where the calibration is not known.
ASSUMED_FOCAL_TO_WIDTH = 1.2


@dataclass(frozen=True)
class Camera:
    """One view's calibration; a part that is not known is None.

    rotation: world to camera. translation: metres. fx, fy, cx, cy: pixels.
    distortion: (k1, k2, p1, p2, k3) of the Brown-Conrady model in OpenCV's order and formula.
    width, height: image size in pixels.
    """

    camera_id: str
    rotation: Float[np.ndarray, "3 3"] | None = None
    translation_m: Float[np.ndarray, "3"] | None = None
    fx: float | None = None
    fy: float | None = None
    cx: float | None = None
    cy: float | None = None
    distortion: tuple[float, float, float, float, float] | None = None
    width: int | None = None
    height: int | None = None

    @property
    def has_extrinsics(self) -> bool:
        """True when world points can be brought into this camera's frame."""
        return self.rotation is not None and self.translation_m is not None

    @property
    def has_intrinsics(self) -> bool:
        """True when points in the camera's frame can be projected to pixels."""
        return None not in (self.fx, self.fy, self.cx, self.cy)


def world_to_camera(
    points_world_m: Float[np.ndarray, "*batch 3"], camera: Camera
) -> Float[np.ndarray, "*batch 3"]:
    """World points in the camera's frame, metres; raises InputError without extrinsics."""
    if camera.rotation is None or camera.translation_m is None:
        raise InputError("camera has no extrinsics", where=camera.camera_id)
    return points_world_m @ camera.rotation.T + camera.translation_m


def camera_to_world(
    points_camera_m: Float[np.ndarray, "*batch 3"], camera: Camera
) -> Float[np.ndarray, "*batch 3"]:
    """Inverse of `world_to_camera`."""
    if camera.rotation is None or camera.translation_m is None:
        raise InputError("camera has no extrinsics", where=camera.camera_id)
    return (points_camera_m - camera.translation_m) @ camera.rotation


def project(
    points_camera_m: Float[np.ndarray, "*batch 3"], camera: Camera
) -> Float[np.ndarray, "*batch 2"]:
    """Pixels of points in the camera's frame; raises InputError without intrinsics.

    Points at or behind the camera have no meaningful pixel; callers mask them by z > 0.
    """
    if not camera.has_intrinsics:
        raise InputError("camera has no intrinsics", where=camera.camera_id)
    xy = points_camera_m[..., :2] / points_camera_m[..., 2:]
    if camera.distortion is not None and any(camera.distortion):
        xy = distort(xy, camera.distortion)
    focal = np.array([camera.fx, camera.fy], xy.dtype)
    centre = np.array([camera.cx, camera.cy], xy.dtype)
    return xy * focal + centre


# (k1, k2, p1, p2, k3): numbers for one camera, or arrays with a camera for each point.
Lens = Sequence[float] | Sequence[np.ndarray]


def distort(xy: Float[np.ndarray, "*batch 2"], coefficients: Lens) -> Float[np.ndarray, "*batch 2"]:
    """Brown-Conrady distortion of normalised image points (OpenCV's formula)."""
    k1, k2, p1, p2, k3 = coefficients
    x, y = xy[..., 0], xy[..., 1]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    x_out = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    y_out = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return np.stack([x_out, y_out], axis=-1)


def undistort(
    xy: Float[np.ndarray, "*batch 2"],
    coefficients: Lens,
    iterations: int = 20,
) -> Float[np.ndarray, "*batch 2"]:
    """Inverse of `distort` by fixed-point iteration; exact to 1e-9 for lenses below 90 degrees."""
    undistorted = xy
    for _ in range(iterations):
        undistorted = undistorted + xy - distort(undistorted, coefficients)
    return undistorted


def pixel_rays(
    points_px: Float[np.ndarray, "*batch 2"], camera: Camera
) -> Float[np.ndarray, "*batch 3"]:
    """Unit vectors in the camera's frame towards pixels, lens distortion taken out.

    Raises InputError without intrinsics.
    """
    if not camera.has_intrinsics:
        raise InputError(
            "camera has no intrinsics",
            where=camera.camera_id,
            fix="give fx, fy, cx, cy, or assume them from the image size",
        )
    focal = np.array([camera.fx, camera.fy], points_px.dtype)
    centre = np.array([camera.cx, camera.cy], points_px.dtype)
    xy = (points_px - centre) / focal
    if camera.distortion is not None and any(camera.distortion):
        xy = undistort(xy, camera.distortion)
    rays = np.concatenate([xy, np.ones_like(xy[..., :1])], axis=-1)
    return rays / np.linalg.norm(rays, axis=-1, keepdims=True)


def assume_intrinsics(camera: Camera) -> Camera:
    """The camera with intrinsics assumed where they are unknown; callers must say so.

    Focal length 1.2 times the image width, principal point in the image's middle, no distortion.
    Returns a calibrated camera as it is; raises InputError when the image size is unknown too.
    """
    if camera.has_intrinsics:
        return camera
    if camera.width is None or camera.height is None:
        raise InputError(
            "camera has neither intrinsics nor an image size",
            where=camera.camera_id,
            fix="give width and height in pixels",
        )
    focal = ASSUMED_FOCAL_TO_WIDTH * camera.width
    centre = (camera.width / 2, camera.height / 2)
    return replace(camera, fx=focal, fy=focal, cx=centre[0], cy=centre[1], distortion=None)
