"""Where a ray meets a shape, and how far a point is from one.

A shape is a round cone or a cube under a linear map (see compiled.py): spheres, ellipsoids,
capsules, flattened limbs and boxes are all of that form. The closed forms are quadratics: a round
cone's side is rho cos(a) + z sin(a) = r1 with sin(a) = (r1 - r2) / h, rho the distance from the
axis, between two spheres.

Shapes are given as the whole array and a row: cutting a row out costs more than a ray does.
"""

import math

import numpy as np

from monopose.data.studio.images.compiled import (
    CENTRE,
    FAR,
    INVERSE,
    LENGTH,
    R1,
    R2,
    compiled,
)

Shapes = np.ndarray
Point = tuple[float, float, float]


@compiled
def to_local(s: Shapes, k: int, x: float, y: float, z: float) -> Point:
    """A world vector in the shape's own units (no translation)."""
    return (
        s[k, INVERSE] * x + s[k, INVERSE + 1] * y + s[k, INVERSE + 2] * z,
        s[k, INVERSE + 3] * x + s[k, INVERSE + 4] * y + s[k, INVERSE + 5] * z,
        s[k, INVERSE + 6] * x + s[k, INVERSE + 7] * y + s[k, INVERSE + 8] * z,
    )


@compiled
def _hit_ball(ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, r: float) -> float:
    a = dx * dx + dy * dy + dz * dz
    b = ox * dx + oy * dy + oz * dz
    root = b * b - a * (ox * ox + oy * oy + oz * oz - r * r)
    if root < 0.0:
        return FAR
    return (-b - math.sqrt(root)) / a


@compiled
def _hit_cube(ox: float, oy: float, oz: float, dx: float, dy: float, dz: float) -> float:
    near, far = -FAR, FAR
    for o, d in ((ox, dx), (oy, dy), (oz, dz)):
        if abs(d) < 1e-12:
            if abs(o) > 1.0:
                return FAR
            continue
        first, second = (-1.0 - o) / d, (1.0 - o) / d
        near = max(near, min(first, second))
        far = min(far, max(first, second))
    return near if near < far else FAR


@compiled
def hit(
    s: Shapes, k: int, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float
) -> float:
    """Ray parameter where o + t d (world) first enters the shape; FAR for a miss or t <= 0."""
    ox, oy, oz = to_local(s, k, ox - s[k, CENTRE], oy - s[k, CENTRE + 1], oz - s[k, CENTRE + 2])
    dx, dy, dz = to_local(s, k, dx, dy, dz)
    r1, r2, h = s[k, R1], s[k, R2], s[k, LENGTH]
    if r1 < 0.0:
        t = _hit_cube(ox, oy, oz, dx, dy, dz)
    elif h <= abs(r1 - r2) + 1e-9:
        t = _hit_ball(ox, oy, oz, dx, dy, dz, r1)
    else:
        t = _hit_cone(ox, oy, oz, dx, dy, dz, r1, r2, h)
    return t if t > 1e-6 else FAR


@compiled
def _hit_cone(
    ox: float,
    oy: float,
    oz: float,
    dx: float,
    dy: float,
    dz: float,
    r1: float,
    r2: float,
    h: float,
) -> float:
    sine = (r1 - r2) / h
    squared = 1.0 - sine * sine
    best = FAR
    q = r1 - sine * oz
    a = squared * (dx * dx + dy * dy) - sine * sine * dz * dz
    b = squared * (ox * dx + oy * dy) + q * sine * dz
    root = b * b - a * (squared * (ox * ox + oy * oy) - q * q)
    if root >= 0.0 and abs(a) > 1e-14:
        for sign in (-1.0, 1.0):
            t = (-b + sign * math.sqrt(root)) / a
            z = oz + t * dz
            if t < best and r1 * sine <= z <= h + r2 * sine and r1 - z * sine > 0.0:
                best = t
    t = _hit_ball(ox, oy, oz, dx, dy, dz, r1)
    if t < best and oz + t * dz <= r1 * sine:
        best = t
    t = _hit_ball(ox, oy, oz - h, dx, dy, dz, r2)
    if t < best and oz + t * dz >= h + r2 * sine:
        best = t
    return best


@compiled
def _gradient(s: Shapes, k: int, x: float, y: float, z: float) -> tuple[float, float, float, float]:
    """Signed distance and its gradient in the shape's own units."""
    r1, r2, h = s[k, R1], s[k, R2], s[k, LENGTH]
    if r1 < 0.0:
        ax, ay, az = abs(x), abs(y), abs(z)
        if ax >= ay and ax >= az:
            return ax - 1.0, math.copysign(1.0, x), 0.0, 0.0
        if ay >= az:
            return ay - 1.0, 0.0, math.copysign(1.0, y), 0.0
        return az - 1.0, 0.0, 0.0, math.copysign(1.0, z)
    radius, centre = r1, 0.0
    if h > abs(r1 - r2) + 1e-9:
        sine = (r1 - r2) / h
        cosine = math.sqrt(1.0 - sine * sine)
        rho = math.sqrt(x * x + y * y) + 1e-12
        along = z * cosine - rho * sine
        if 0.0 <= along <= cosine * h:
            return rho * cosine + z * sine - r1, cosine * x / rho, cosine * y / rho, sine
        if along > cosine * h:
            radius, centre = r2, h
    z -= centre
    length = math.sqrt(x * x + y * y + z * z) + 1e-12
    return length - radius, x / length, y / length, z / length


@compiled
def distance(s: Shapes, k: int, x: float, y: float, z: float) -> tuple[float, float, float, float]:
    """Signed distance of a world point in metres, and the outward normal there.

    Exact on the surface; elsewhere to first order in the distance where the map is no rotation.
    """
    qx, qy, qz = to_local(s, k, x - s[k, CENTRE], y - s[k, CENTRE + 1], z - s[k, CENTRE + 2])
    d, gx, gy, gz = _gradient(s, k, qx, qy, qz)
    nx = s[k, INVERSE] * gx + s[k, INVERSE + 3] * gy + s[k, INVERSE + 6] * gz
    ny = s[k, INVERSE + 1] * gx + s[k, INVERSE + 4] * gy + s[k, INVERSE + 7] * gz
    nz = s[k, INVERSE + 2] * gx + s[k, INVERSE + 5] * gy + s[k, INVERSE + 8] * gz
    length = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
    return d / length, nx / length, ny / length, nz / length
