"""The studio's cameras: a ring of calibrated pinhole cameras at human height."""

import math

import numpy as np
from jaxtyping import Float

from monopose.geometry.camera import Camera

IMAGE_SIZE_PX = 1000
NUM_CAMERAS = 4
# A person of 1.72 m is about 260 px tall in the middle of the room, as in Human3.6M.
_DISTANCE_M = (6.9, 8.1)
_HEIGHT_M = (1.3, 1.75)
_FOCAL_PX = (1130.0, 1160.0)


def studio_cameras(
    rng: np.random.Generator, lens_distortion: bool = False
) -> tuple[Camera, Camera, Camera, Camera]:
    """Four cameras around the room's middle, set up anew for each subject as in a real lab.

    1000 x 1000 px, focal length 1130-1160 px, 6.9-8.1 m from the middle, 1.3-1.75 m high, about
    90 degrees apart, each turned to within a few degrees of the middle. lens_distortion adds a
    small radial and tangential distortion, a few pixels at the image's corners.
    """
    first_deg = rng.uniform(0, 90)
    azimuth_deg = first_deg + 90 * np.arange(NUM_CAMERAS) + rng.uniform(-15, 15, NUM_CAMERAS)
    first, second, third, fourth = (
        _camera(f"studio{i}", float(azimuth), rng, lens_distortion)
        for i, azimuth in enumerate(azimuth_deg)
    )
    return first, second, third, fourth


def _camera(
    camera_id: str, azimuth_deg: float, rng: np.random.Generator, lens_distortion: bool
) -> Camera:
    azimuth, distance_m = math.radians(azimuth_deg), rng.uniform(*_DISTANCE_M)
    position_m = np.array(
        [distance_m * math.cos(azimuth), distance_m * math.sin(azimuth), rng.uniform(*_HEIGHT_M)]
    )
    target_m = np.array([*rng.normal(0.0, 0.1, 2), rng.uniform(0.85, 1.0)])
    rotation = looking_at(position_m, target_m, roll_deg=rng.normal(0.0, 1.0))
    focal_px = rng.uniform(*_FOCAL_PX)
    return Camera(
        camera_id=camera_id,
        rotation=rotation,
        translation_m=-rotation @ position_m,
        fx=focal_px,
        fy=focal_px * rng.uniform(0.998, 1.002),
        cx=IMAGE_SIZE_PX / 2 + rng.uniform(-12, 12),
        cy=IMAGE_SIZE_PX / 2 + rng.uniform(-12, 12),
        distortion=_distortion(rng) if lens_distortion else None,
        width=IMAGE_SIZE_PX,
        height=IMAGE_SIZE_PX,
    )


def _distortion(rng: np.random.Generator) -> tuple[float, float, float, float, float]:
    k1, k2 = rng.uniform(-0.10, 0.02), rng.uniform(-0.02, 0.02)
    p1, p2 = rng.normal(0.0, 5e-4, 2)
    return float(k1), float(k2), float(p1), float(p2), 0.0


def looking_at(
    position_m: Float[np.ndarray, "3"], target_m: Float[np.ndarray, "3"], roll_deg: float = 0.0
) -> Float[np.ndarray, "3 3"]:
    """World-to-camera rotation of a camera at position_m whose z axis goes through target_m.

    With roll_deg 0 the camera's x axis is level; a positive roll turns it down to the right.
    """
    forward = (target_m - position_m) / np.linalg.norm(target_m - position_m)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    cosine, sine = math.cos(math.radians(roll_deg)), math.sin(math.radians(roll_deg))
    return np.stack([cosine * right + sine * down, cosine * down - sine * right, forward])
