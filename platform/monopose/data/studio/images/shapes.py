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
    inlined,
)

Shapes = np.ndarray
Point = tuple[float, float, float]
Form = tuple[float, float, float, float]


@inlined
def to_local(s: Shapes, k: int, x: float, y: float, z: float) -> Point:
    """A world vector in the shape's own units (no translation)."""
    return (
        s[k, INVERSE] * x + s[k, INVERSE + 1] * y + s[k, INVERSE + 2] * z,
        s[k, INVERSE + 3] * x + s[k, INVERSE + 4] * y + s[k, INVERSE + 5] * z,
        s[k, INVERSE + 6] * x + s[k, INVERSE + 7] * y + s[k, INVERSE + 8] * z,
    )


@inlined
def hit(
    s: Shapes, k: int, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float
) -> float:
    """Ray parameter where o + t d (world) first enters the shape; FAR for a miss or t <= 0."""
    form = form_of(s, k)
    origin = to_local(s, k, ox - s[k, CENTRE], oy - s[k, CENTRE + 1], oz - s[k, CENTRE + 2])
    return hit_form(form, origin, to_local(s, k, dx, dy, dz))


@inlined
def form_of(s: Shapes, k: int) -> Form:
    """What a surface is in its own units: radii, length, sine of the taper (2 for no cone)."""
    r1, r2, h = s[k, R1], s[k, R2], s[k, LENGTH]
    return r1, r2, h, ((r1 - r2) / h if h > abs(r1 - r2) + 1e-9 else 2.0)


@inlined
def hit_form(form: Form, o: Point, d: Point) -> float:
    """Ray parameter where o + t d, in the shape's own units, first enters it; FAR as in `hit`."""
    if form[0] < 0.0:
        t = _hit_cube(o, d)
    elif form[3] > 1.0:
        square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
        t = _hit_ball(o[0], o[1], o[2], d, square, form[0])
    else:
        t = _hit_cone(form, o, d)
    return t if t > 1e-6 else FAR


@inlined
def _hit_ball(ox: float, oy: float, oz: float, d: Point, square: float, r: float) -> float:
    """square: of the length of d."""
    b = ox * d[0] + oy * d[1] + oz * d[2]
    root = b * b - square * (ox * ox + oy * oy + oz * oz - r * r)
    return (-b - math.sqrt(root)) / square if root >= 0.0 else FAR


@inlined
def _hit_cube(o: Point, d: Point) -> float:
    near_x, far_x = _slab(o[0], d[0])
    near_y, far_y = _slab(o[1], d[1])
    near_z, far_z = _slab(o[2], d[2])
    near, far = max(near_x, near_y, near_z), min(far_x, far_y, far_z)
    return near if near < far else FAR


@inlined
def _slab(o: float, d: float) -> tuple[float, float]:
    if abs(d) < 1e-12:
        return (FAR, -FAR) if abs(o) > 1.0 else (-FAR, FAR)
    first, second = (-1.0 - o) / d, (1.0 - o) / d
    return min(first, second), max(first, second)


@inlined
def _hit_cone(form: Form, o: Point, d: Point) -> float:
    r1, r2, h, sine = form
    squared = 1.0 - sine * sine
    q = r1 - sine * o[2]
    a = squared * (d[0] * d[0] + d[1] * d[1]) - sine * sine * d[2] * d[2]
    b = squared * (o[0] * d[0] + o[1] * d[1]) + q * sine * d[2]
    root = b * b - a * (squared * (o[0] * o[0] + o[1] * o[1]) - q * q)
    if root < 0.0 and a > 0.0:
        return FAR  # the endless cone holds all of the shape
    best = FAR
    if abs(a) > 1e-14:
        root = math.sqrt(max(root, 0.0))  # steep rays meet it, be it in its tip alone
        t = (-b - root) / a
        if _on_side(form, o[2] + t * d[2]):
            best = t
            if a > 0.0:
                return best
        t = (-b + root) / a
        if a < 0.0 and t < best and _on_side(form, o[2] + t * d[2]):
            best = t
    # Both balls are inside the shape, so none is entered before the shape is.
    square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    best = min(best, _hit_ball(o[0], o[1], o[2], d, square, r1))
    return min(best, _hit_ball(o[0], o[1], o[2] - h, d, square, r2))


@inlined
def _on_side(form: Form, z: float) -> bool:
    """Whether that height of the endless cone is between the circles where the balls touch it."""
    r1, r2, h, sine = form
    return r1 * sine <= z <= h + r2 * sine and r1 - z * sine > 0.0


@inlined
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


@inlined
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
