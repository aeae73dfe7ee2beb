"""From pixels of a crop to rays, and from balls in space to the pixels that may show them."""

import math

import numpy as np
from jaxtyping import Float

from monopose.data.studio.images.compiled import inlined
from monopose.geometry.camera import Camera

# Columns of a lens: rotation (9), position (3), fx fy cx cy, distortion (5), box x y w h.
ROTATION, POSITION, FOCAL, DISTORTION, BOX = 0, 9, 12, 16, 21
LENS_COLUMNS = 25

Ray = tuple[float, float, float]
Lens = np.ndarray


def lens_of(camera: Camera, box_px: Float[np.ndarray, "4"]) -> Float[np.ndarray, " 25"]:
    """A calibrated camera looking at a box of its image, as the compiled loops read it."""
    assert camera.rotation is not None
    assert camera.translation_m is not None
    assert camera.has_intrinsics
    position_m = -camera.rotation.T @ camera.translation_m
    distortion = camera.distortion or (0.0,) * 5
    intrinsics = (camera.fx, camera.fy, camera.cx, camera.cy)
    parts = (camera.rotation.ravel(), position_m, intrinsics, distortion, box_px)
    return np.concatenate([np.asarray(part, np.float64) for part in parts])


@inlined
def _bent(lens: Lens, x: float, y: float) -> tuple[float, float]:
    k1, k2, p1 = lens[DISTORTION], lens[DISTORTION + 1], lens[DISTORTION + 2]
    p2, k3 = lens[DISTORTION + 3], lens[DISTORTION + 4]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return (
        x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
        y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
    )


@inlined
def ray_through(lens: Lens, column: float, row: float, size_px: int) -> Ray:
    """World direction (depth component 1 in the camera's frame) through a point of the crop."""
    u = lens[BOX] + column * lens[BOX + 2] / size_px
    v = lens[BOX + 1] + row * lens[BOX + 3] / size_px
    goal_x = (u - lens[FOCAL + 2]) / lens[FOCAL]
    goal_y = (v - lens[FOCAL + 3]) / lens[FOCAL + 1]
    x, y = goal_x, goal_y
    if lens[DISTORTION] != 0.0 or lens[DISTORTION + 1] != 0.0:
        for _ in range(8):
            bent_x, bent_y = _bent(lens, x, y)
            x, y = x + goal_x - bent_x, y + goal_y - bent_y
    return (
        lens[0] * x + lens[3] * y + lens[6],
        lens[1] * x + lens[4] * y + lens[7],
        lens[2] * x + lens[5] * y + lens[8],
    )


@inlined
def point_in_crop(lens: Lens, x: float, y: float, z: float, size_px: int) -> Ray:
    """(column, row) in the crop and depth in metres of a world point in front of the camera."""
    x, y, z = _in_camera(lens, x, y, z)
    bent_x, bent_y = _bent(lens, x / z, y / z)
    return (*_in_crop(lens, bent_x, bent_y, size_px), z)


@inlined
def _in_camera(lens: Lens, x: float, y: float, z: float) -> Ray:
    x, y, z = x - lens[POSITION], y - lens[POSITION + 1], z - lens[POSITION + 2]
    return (
        lens[0] * x + lens[1] * y + lens[2] * z,
        lens[3] * x + lens[4] * y + lens[5] * z,
        lens[6] * x + lens[7] * y + lens[8] * z,
    )


@inlined
def _in_crop(lens: Lens, x: float, y: float, size_px: int) -> tuple[float, float]:
    u, v = x * lens[FOCAL] + lens[FOCAL + 2], y * lens[FOCAL + 1] + lens[FOCAL + 3]
    return (u - lens[BOX]) * size_px / lens[BOX + 2], (v - lens[BOX + 1]) * size_px / lens[BOX + 3]


@inlined
def _span(along: float, depth: float, radius: float) -> tuple[float, float]:
    """Tangents of the angles between which a ball is seen, in the plane of one image axis."""
    reach = math.sqrt(along * along + depth * depth)
    if depth <= 0.05 or reach <= radius:
        return -4.0, 4.0
    middle, half = math.atan2(along, depth), math.asin(radius / reach)
    return math.tan(max(middle - half, -1.35)), math.tan(min(middle + half, 1.35))


@inlined
def bounds(lens: Lens, balls: np.ndarray, size_px: int) -> tuple[int, int, int, int]:
    """First and last (exclusive) column and row that may show the hull of balls (x, y, z, r)."""
    low_x, low_y, high_x, high_y = 1e9, 1e9, -1e9, -1e9
    behind = 0
    for i in range(len(balls)):
        x, y, z = _in_camera(lens, balls[i, 0], balls[i, 1], balls[i, 2])
        behind += 1 if z <= -balls[i, 3] else 0
        left, right = _span(x, z, balls[i, 3])
        top, bottom = _span(y, z, balls[i, 3])
        for cx in (left, right):
            for cy in (top, bottom):
                bent_x, bent_y = _bent(lens, cx, cy)
                column, row = _in_crop(lens, bent_x, bent_y, size_px)
                low_x, high_x = min(low_x, column), max(high_x, column)
                low_y, high_y = min(low_y, row), max(high_y, row)
    if behind == len(balls):
        return 0, 0, 0, 0
    first_column, first_row = max(0.0, low_x - 1.0), max(0.0, low_y - 1.0)
    last_column, last_row = min(float(size_px), high_x + 2.0), min(float(size_px), high_y + 2.0)
    return int(first_column), int(last_column), int(first_row), int(last_row)
