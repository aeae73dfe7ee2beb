"""The light that comes back along a ray: off a shape, the ground, a wall, or out of the sky."""

import math

import numpy as np

from monopose.data.studio.images.compiled import (
    CENTRE,
    CLOUDS,
    FAR,
    FOLDS,
    FRONT,
    GLOSS,
    GROUND,
    HAZE,
    KIND,
    LENGTH,
    MATERIAL,
    OFFSET,
    PLAIN,
    R1,
    R2,
    SECOND,
    SIZE,
    SKY,
    SUN,
    TO_SUN,
    ZENITH,
    inlined,
)
from monopose.data.studio.images.shadow import sunlit
from monopose.data.studio.images.shapes import distance, to_local
from monopose.data.studio.images.textures import albedo, clouds, hashed, noise_slope

Colour = tuple[float, float, float]
Vector = tuple[float, float, float]
_JOIN_M = 0.014


@inlined
def smooth_normal(
    shapes: np.ndarray, neighbours: np.ndarray, k: int, x: float, y: float, z: float
) -> Vector:
    """Normal of shape k at its surface, turning over to its neighbours' where they come near."""
    _, nx, ny, nz = distance(shapes, k, x, y, z)
    if k >= len(neighbours):
        return nx, ny, nz
    for i in range(neighbours.shape[1]):
        j = neighbours[k, i]
        if j < 0:
            break
        d, mx, my, mz = distance(shapes, j, x, y, z)
        if d < 4 * _JOIN_M:
            weight = math.exp(-max(d, 0.0) / _JOIN_M)
            nx, ny, nz = nx + weight * mx, ny + weight * my, nz + weight * mz
    length = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
    return nx / length, ny / length, nz / length


@inlined
def _folded(s: np.ndarray, k: int, strength: float, n: Vector, q: Vector) -> Vector:
    """The normal of crumpled cloth; q in metres in the shape's own frame."""
    gx, gy, gz = noise_slope(q[0] / 0.07, q[1] / 0.07, q[2] / 0.11)
    scale = 0.6 * strength
    gx, gy, gz = scale * gx * s[k, SIZE], scale * gy * s[k, SIZE + 1], scale * gz * s[k, SIZE + 2]
    nx = n[0] + s[k, 0] * gx + s[k, 3] * gy + s[k, 6] * gz
    ny = n[1] + s[k, 1] * gx + s[k, 4] * gy + s[k, 7] * gz
    nz = n[2] + s[k, 2] * gx + s[k, 5] * gy + s[k, 8] * gz
    length = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
    return nx / length, ny / length, nz / length


@inlined
def _place_on(
    s: np.ndarray, k: int, x: float, y: float, z: float, patterned: bool
) -> tuple[Vector, float, float]:
    """A surface point in the shape's frame (metres), and its texture coordinates (metres).

    patterned: whether they matter; they cost more than the rest.
    """
    qx, qy, qz = to_local(s, k, x - s[k, CENTRE], y - s[k, CENTRE + 1], z - s[k, CENTRE + 2])
    mx, my, mz = qx * s[k, SIZE], qy * s[k, SIZE + 1], qz * s[k, SIZE + 2]
    if s[k, R1] < 0.0:
        if abs(qx) >= abs(qy) and abs(qx) >= abs(qz):
            return (mx, my, mz), my, mz
        if abs(qy) >= abs(qz):
            return (mx, my, mz), mx, mz
        return (mx, my, mz), mx, my
    around = 0.5 * (s[k, R1] + s[k, R2]) * 0.5 * (s[k, SIZE] + s[k, SIZE + 1])
    u = math.atan2(qx, -qy) * around if patterned else 0.0
    return (mx, my, mz), u, mz + s[k, OFFSET]


@inlined
def _surface_colour(
    s: np.ndarray, k: int, materials: np.ndarray, q: Vector, u: float, v: float, footprint_m: float
) -> Colour:
    number = int(s[k, MATERIAL])
    middle = 0.55 * s[k, LENGTH]
    if s[k, FRONT] > 0.0 and q[1] < 0.0 and abs(q[0]) < 0.085:
        inside = abs(q[2] - middle) < s[k, FRONT]
        if inside and hashed(math.floor(q[0] * 45), math.floor(q[2] * 38), 7) > 0.35:
            m, c = materials, SECOND
            return m[number, c], m[number, c + 1], m[number, c + 2]
    return albedo(materials, number, u, v, q[0], q[1], q[2], footprint_m)


@inlined
def lit(
    colour: Colour, n: Vector, d: Vector, light: np.ndarray, sun: float, open_: float, gloss: float
) -> Colour:
    """Lambert and a little Blinn gloss under the sun, and light from above and below.

    n: unit normal. d: unit direction of view. sun: share that arrives. open_: share of the
    surroundings that is not blocked.
    """
    lx, ly, lz = light[TO_SUN], light[TO_SUN + 1], light[TO_SUN + 2]
    facing = n[0] * lx + n[1] * ly + n[2] * lz
    # Skin and cloth scatter: the border of light and shade is wider than on a hard surface.
    direct = sun * max(0.0, (facing + 0.12) / 1.12)
    shine = 0.0
    if gloss * sun > 0.0 and facing > 0.0:
        hx, hy, hz = lx - d[0], ly - d[1], lz - d[2]
        half = math.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9
        shine = gloss * sun * max(0.0, (n[0] * hx + n[1] * hy + n[2] * hz) / half) ** 24
    up = 0.5 + 0.5 * n[2]
    # A faint rim keeps the body apart from what is behind it, as light of a real room does.
    back = 1.0 + 0.15 * (1.0 + n[0] * d[0] + n[1] * d[1] + n[2] * d[2])
    out_r = light[SKY] * up + light[GROUND] * (1 - up)
    out_g = light[SKY + 1] * up + light[GROUND + 1] * (1 - up)
    out_b = light[SKY + 2] * up + light[GROUND + 2] * (1 - up)
    return (
        colour[0] * (light[SUN] * direct + back * open_ * out_r) + light[SUN] * shine,
        colour[1] * (light[SUN + 1] * direct + back * open_ * out_g) + light[SUN + 1] * shine,
        colour[2] * (light[SUN + 2] * direct + back * open_ * out_b) + light[SUN + 2] * shine,
    )


@inlined
def shape_colour(
    shapes: np.ndarray,
    neighbours: np.ndarray,
    materials: np.ndarray,
    k: int,
    p: Vector,
    d: Vector,
    footprint_m: float,
    light: np.ndarray,
    frame: np.ndarray,
    heights: np.ndarray,
    blocks: np.ndarray,
) -> Colour:
    """Colour of shape k at a point p of its surface, seen along the unit direction d."""
    number = int(shapes[k, MATERIAL])
    n = smooth_normal(shapes, neighbours, k, p[0], p[1], p[2])
    q, u, v = _place_on(shapes, k, p[0], p[1], p[2], materials[number, KIND] != PLAIN)
    colour = _surface_colour(shapes, k, materials, q, u, v, footprint_m)
    sun = sunlit(
        frame, heights, blocks, light, p[0] + 0.02 * n[0], p[1] + 0.02 * n[1], p[2] + 0.02 * n[2]
    )
    if materials[number, FOLDS] > 0.0:
        n = _folded(shapes, k, materials[number, FOLDS], n, q)
    near_ground = 0.55 + 0.45 * min(1.0, max(p[2], 0.0) / 0.5)
    return lit(colour, n, d, light, sun, near_ground, materials[number, GLOSS])


@inlined
def open_sky(contact: np.ndarray, x: float, y: float) -> float:
    """Share of the surroundings that a point of the ground sees past balls above it."""
    if contact.shape[1] == 0 or (contact[0, 0] - x) ** 2 + (contact[1, 0] - y) ** 2 > 4.5:
        return 1.0  # farther than a body and its reach
    blocked = 0.0
    for i in range(contact.shape[1]):
        dx, dy, dz = contact[0, i] - x, contact[1, i] - y, contact[2, i]
        squared = dx * dx + dy * dy + dz * dz
        share = contact[3, i] * dz / (squared * math.sqrt(squared))
        blocked += share if squared < 0.8 else 0.0
    return 1.0 - min(0.8, blocked)


@inlined
def sky_colour(d: Vector, light: np.ndarray) -> Colour:
    """Haze at the horizon to blue overhead, with clouds."""
    up = max(d[2], 0.0)
    share = 1.0 - math.exp(-3.0 * up)
    cover = 0.0
    if light[CLOUDS] > 0.0 and up > 0.01:
        n = clouds(1.5 * d[0] / (up + 0.15), 1.5 * d[1] / (up + 0.15), 3.3)
        cover = light[CLOUDS] * min(1.0, max(0.0, (n - 0.42) * 5.0))
    r = light[HAZE] + share * (light[ZENITH] - light[HAZE])
    g = light[HAZE + 1] + share * (light[ZENITH + 1] - light[HAZE + 1])
    b = light[HAZE + 2] + share * (light[ZENITH + 2] - light[HAZE + 2])
    return r + cover * (0.95 - r), g + cover * (0.95 - g), b + cover * (0.97 - b)


@inlined
def background_hit(walls: np.ndarray, o: Vector, d: Vector) -> tuple[float, int]:
    """Ray parameter and wall number (-1 the ground, -2 the sky) of what is behind all shapes.

    Walls are seen from their inner side only, so a camera may stand outside the room.
    """
    best, which = FAR, -2
    if d[2] < -1e-9 and o[2] > 0:
        best, which = -o[2] / d[2], -1
    for i in range(len(walls)):
        along = d[0] * walls[i, 0] + d[1] * walls[i, 1] + d[2] * walls[i, 2]
        height = o[0] * walls[i, 0] + o[1] * walls[i, 1] + o[2] * walls[i, 2] - walls[i, 3]
        if along < -1e-9 and height > 0.0 and -height / along < best:
            best, which = -height / along, i
    return best, which


@inlined
def _hung(pictures: np.ndarray, wall: int, u: float, v: float, number: int) -> int:
    """The material of a picture at a place of a wall, else the wall's own."""
    for i in range(len(pictures)):
        beside = pictures[i, 0] == wall and pictures[i, 1] < u < pictures[i, 3]
        if beside and pictures[i, 2] < v < pictures[i, 4]:
            number = int(pictures[i, 5])
    return number


@inlined
def background_colour(
    walls: np.ndarray,
    pictures: np.ndarray,
    materials: np.ndarray,
    ground: int,
    contact: np.ndarray,
    o: Vector,
    d: Vector,
    pixel: float,
    light: np.ndarray,
    frame: np.ndarray,
    heights: np.ndarray,
    blocks: np.ndarray,
) -> Colour:
    """Colour along a ray from o in the unit direction d that meets no shape."""
    t, which = background_hit(walls, o, d)
    if which == -2:
        return sky_colour(d, light)
    x, y, z = o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2]
    n, u, v, number = (0.0, 0.0, 1.0), x, y, ground
    sun, open_ = 1.0, 1.0
    if which == -1:
        sun, open_ = sunlit(frame, heights, blocks, light, x, y, z), open_sky(contact, x, y)
    else:
        n = (walls[which, 0], walls[which, 1], walls[which, 2])
        number = int(walls[which, 4])
        if abs(n[2]) < 0.5:
            u, v = -n[1] * x + n[0] * y, z
            open_ = 0.6 + 0.4 * min(1.0, z / 0.4)
            sun = sunlit(frame, heights, blocks, light, x, y, z)
            number = _hung(pictures, which, u, v, number)
    facing = max(0.08, -(n[0] * d[0] + n[1] * d[1] + n[2] * d[2]))
    colour = albedo(materials, number, u, v, x, y, z, pixel * t / facing)
    colour = lit(colour, n, d, light, sun, open_, 0.0)
    if which != -1 or t < 12.0:
        return colour
    fade = 1.0 - math.exp((12.0 - t) / 45.0)
    return (
        colour[0] + fade * (light[HAZE] - colour[0]),
        colour[1] + fade * (light[HAZE + 1] - colour[1]),
        colour[2] + fade * (light[HAZE + 2] - colour[2]),
    )
