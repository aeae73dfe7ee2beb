"""Cameras of anybody, anywhere: any lens, distance, height and tilt."""

import math

import numpy as np
from jaxtyping import Float32

from monopose.data.camera_ring import looking_at
from monopose.geometry.camera import Camera

_SIZES_PX = ((1280, 720), (1920, 1080), (720, 1280), (640, 480), (1000, 1000), (800, 600))
_FOCAL_TO_LONGER_SIDE = (0.65, 2.0)
_PERSON_SHARE = (0.3, 0.85)
_DISTANCE_M = (1.8, 16.0)


def wild_camera(
    pose_world_m: Float32[np.ndarray, "T J 3"], camera_id: str, rng: np.random.Generator
) -> Camera:
    """A calibrated camera that looks at a moving person from anywhere around.

    Focal length 0.65-2 times the image's longer side, the whole motion 30-85 % of the image, 0.25
    to 3.5 m high (now and then above that), rolled by a few degrees.
    """
    width, height = _SIZES_PX[rng.integers(len(_SIZES_PX))]
    focal_px = max(width, height) * float(np.exp(rng.uniform(*np.log(_FOCAL_TO_LONGER_SIDE))))
    low_m = pose_world_m.min(axis=(0, 1)).astype(float)
    high_m = pose_world_m.max(axis=(0, 1)).astype(float)
    extent_m = max(1.3, float(np.linalg.norm(high_m - low_m)))
    shown_px = rng.uniform(*_PERSON_SHARE) * min(width, height)
    nearest_m = 0.5 * extent_m + 0.6
    distance_m = float(np.clip(focal_px * extent_m / shown_px, *_DISTANCE_M))
    distance_m = max(distance_m, nearest_m)
    angle = rng.uniform(0, 2 * math.pi)
    up_m = float(rng.uniform(0.25, 2.2)) if rng.random() < 0.8 else float(rng.uniform(2.0, 3.5))
    middle_m = (low_m + high_m) / 2
    position_m = np.array(
        [
            middle_m[0] + distance_m * math.cos(angle),
            middle_m[1] + distance_m * math.sin(angle),
            up_m,
        ]
    )
    target_m = middle_m + rng.normal(0.0, 0.08 * extent_m, 3)
    rotation = looking_at(position_m, target_m, roll_deg=rng.normal(0.0, 3.0))
    return Camera(
        camera_id=camera_id,
        rotation=rotation,
        translation_m=-rotation @ position_m,
        fx=focal_px,
        fy=focal_px,
        cx=width / 2,
        cy=height / 2,
        width=width,
        height=height,
    )
