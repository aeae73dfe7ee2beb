"""Patterns as functions of place: cloth, floors, walls, foliage, pictures on a wall."""

import math

import numpy as np

from monopose.data.studio.images.compiled import (
    BLOTCHES,
    BRICKS,
    CHECKS,
    COLOUR,
    DOTS,
    GRAIN,
    GRAIN_M,
    KIND,
    MOSAIC,
    PERIOD,
    PLAID,
    PLAIN,
    PLANKS,
    SECOND,
    STRIPES,
    inlined,
)

Materials = np.ndarray
Colour = tuple[float, float, float]


@inlined
def hashed(x: int, y: int, z: int) -> float:
    """A number in 0..1 that looks random, the same for the same integers."""
    n = (x * 374761393 + y * 668265263 + z * 2147483647) & 0xFFFFFFFF
    n = ((n ^ (n >> 13)) * 1274126177) & 0xFFFFFFFF
    n = ((n ^ (n >> 16)) * 2246822519) & 0xFFFFFFFF
    return ((n ^ (n >> 15)) & 0xFFFFFF) / 16777216.0


# Perlin's way to numbers at lattice points: a permutation looked up once for each axis. Cheaper
# than `hashed`, and the same again after 256 units.
_CELLS = 256
_SHUFFLED = np.random.default_rng(0).permutation(_CELLS).astype(np.uint8)
_VALUES = (np.random.default_rng(1).permutation(_CELLS) / (_CELLS - 1)).astype(np.float32)
_ORDER = np.concatenate([_SHUFFLED, _SHUFFLED])
_AT = np.concatenate([_VALUES, _VALUES])

Corners = tuple[float, float, float, float, float, float, float, float]


@inlined
def _corners(i: int, j: int, k: int) -> Corners:
    """Random numbers in 0..1 at the corners of a cell; x varies slowest, z fastest."""
    i, j, k = i & 255, j & 255, k & 255
    near, far = _ORDER[i] + j, _ORDER[i + 1] + j
    a, b = _ORDER[near & 255] + k, _ORDER[(near + 1) & 255] + k
    c, d = _ORDER[far & 255] + k, _ORDER[(far + 1) & 255] + k
    return (
        _AT[a & 255], _AT[(a + 1) & 255], _AT[b & 255], _AT[(b + 1) & 255],
        _AT[c & 255], _AT[(c + 1) & 255], _AT[d & 255], _AT[(d + 1) & 255],
    )  # fmt: skip


@inlined
def noise(x: float, y: float, z: float) -> float:
    """Smooth value noise in 0..1 with features of about unit size."""
    ix, iy, iz = math.floor(x), math.floor(y), math.floor(z)
    fx, fy, fz = x - ix, y - iy, z - iz
    fx, fy, fz = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy), fz * fz * (3 - 2 * fz)
    c = _corners(int(ix), int(iy), int(iz))
    near = _blend(_blend(c[0], c[1], fz), _blend(c[2], c[3], fz), fy)
    far = _blend(_blend(c[4], c[5], fz), _blend(c[6], c[7], fz), fy)
    return _blend(near, far, fx)


@inlined
def noise_slope(x: float, y: float, z: float) -> Colour:
    """The gradient of `noise`."""
    ix, iy, iz = math.floor(x), math.floor(y), math.floor(z)
    fx, fy, fz = x - ix, y - iy, z - iz
    c = _corners(int(ix), int(iy), int(iz))
    sx, sy, sz = 6 * fx * (1 - fx), 6 * fy * (1 - fy), 6 * fz * (1 - fz)
    fx, fy, fz = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy), fz * fz * (3 - 2 * fz)
    a, b = _blend(c[0], c[1], fz), _blend(c[2], c[3], fz)
    d, e = _blend(c[4], c[5], fz), _blend(c[6], c[7], fz)
    near, far = _blend(c[1] - c[0], c[3] - c[2], fy), _blend(c[5] - c[4], c[7] - c[6], fy)
    return (
        sx * (_blend(d, e, fy) - _blend(a, b, fy)),
        sy * _blend(b - a, e - d, fx),
        sz * _blend(near, far, fx),
    )


@inlined
def _blend(a: float, b: float, share: float) -> float:
    return a + (b - a) * share


@inlined
def clouds(x: float, y: float, z: float) -> float:
    """Three octaves of noise, 0..1."""
    sum_ = 0.57 * noise(x, y, z) + 0.29 * noise(2.1 * x + 5.2, 2.1 * y + 1.3, 2.1 * z)
    return sum_ + 0.14 * noise(4.3 * x, 4.3 * y + 7.7, 4.3 * z)


@inlined
def _wave(x: float, softness: float) -> float:
    """0 in the first half of each unit and 1 in the second, softened; 0.5 where too fine to see."""
    if softness > 0.7:
        return 0.5
    triangle = 1.0 - abs(2.0 * (x - math.floor(x)) - 1.0)
    edge = (triangle - 0.5) / max(2.0 * softness, 0.02) + 0.5
    return min(max(edge, 0.0), 1.0)


@inlined
def _line(x: float, width: float, softness: float) -> float:
    """1 on thin lines at the integers."""
    off = abs(x - math.floor(x + 0.5))
    shown = min(1.0, width / max(softness, 1e-6))
    return shown * min(max((width - off) / max(softness, 0.01) + 0.5, 0.0), 1.0)


@inlined
def _fabric(kind: int, u: float, v: float, soft: float, seed: int) -> float:
    if kind == STRIPES:
        return _wave(v, soft)
    if kind == CHECKS:
        a, b = _wave(u, soft), _wave(v, soft)
        return a + b - 2 * a * b
    if kind == DOTS:
        du, dv = u - math.floor(u) - 0.5, v - math.floor(v) - 0.5
        edge = (0.30 - math.sqrt(du * du + dv * dv)) / max(soft, 0.02) + 0.5
        return min(max(edge, 0.0), 1.0) if soft < 0.8 else 0.28
    if kind == PLAID:
        thin = 0.5 * (_line(u, 0.06, soft) + _line(v, 0.06, soft))
        return 0.4 * (_wave(u, soft) + _wave(v + 0.3, soft)) + 0.2 * thin
    n = noise(1.7 * u + seed, 1.7 * v, 0.5)
    return min(max((n - 0.5) * 6 + 0.5, 0.0), 1.0)


@inlined
def _paving(kind: int, u: float, v: float, soft: float, seed: int) -> tuple[float, float]:
    """Share of the second colour (mortar, joints) and brightness of the stone or plank."""
    if kind == BRICKS:
        row = math.floor(2 * v)
        along = u + 0.5 * (row % 2)
        joint = max(_line(along, 0.025, soft), _line(2 * v, 0.05, 2 * soft))
        return joint, 0.8 + 0.4 * hashed(math.floor(along), int(row), seed)
    if kind == PLANKS:
        row = math.floor(v)
        along = 0.13 * u + hashed(int(row), 3, seed)
        joint = max(_line(v, 0.03, soft), 0.6 * _line(along, 0.004, 0.13 * soft))
        tone = 0.75 + 0.5 * hashed(math.floor(along), int(row), seed)
        return joint, tone * (0.9 + 0.2 * noise(0.6 * u, 6 * v, row))
    joint = max(_line(u, 0.025, soft), _line(v, 0.025, soft))
    return joint, 0.93 + 0.14 * hashed(math.floor(u), math.floor(v), seed)


@inlined
def _mosaic(m: Materials, k: int, u: float, v: float) -> Colour:
    """A picture of nothing in particular: blocks and a gradient in mixed hues."""
    i, j = math.floor(3.0 * u / m[k, PERIOD]), math.floor(2.3 * v / m[k, PERIOD])
    turn = 6.2832 * hashed(i, j, k)
    share = clouds(2.0 * u / m[k, PERIOD] + k, 2.0 * v / m[k, PERIOD], 0.0)
    tone = 0.5 + 0.6 * hashed(j, i, k + 1)
    r = _blend(m[k, COLOUR], m[k, SECOND], share) * tone * (1 + 0.7 * math.sin(turn))
    g = _blend(m[k, COLOUR + 1], m[k, SECOND + 1], share) * tone * (1 + 0.7 * math.sin(turn + 2.1))
    b = _blend(m[k, COLOUR + 2], m[k, SECOND + 2], share) * tone * (1 + 0.7 * math.sin(turn + 4.2))
    return r, g, b


@inlined
def albedo(
    m: Materials, k: int, u: float, v: float, x: float, y: float, z: float, footprint_m: float
) -> Colour:
    """Linear colour of material k. u, v: metres along the surface; x, y, z: metres, for grain.

    footprint_m: size of a pixel on the surface; what is finer than that is averaged.
    """
    kind = int(m[k, KIND])
    if kind == MOSAIC:
        return _mosaic(m, k, u, v)
    share, tone = 0.0, 1.0
    if kind != PLAIN:
        u, v = u / m[k, PERIOD], v / m[k, PERIOD]
        soft = footprint_m / m[k, PERIOD]
        if kind <= BLOTCHES:
            share = _fabric(kind, u, v, soft, k)
        else:
            share, tone = _paving(kind, u, v, soft, k)
    if m[k, GRAIN] > 0.0:
        size = max(m[k, GRAIN_M], 0.7 * footprint_m)
        fade = m[k, GRAIN_M] / size
        tone *= 1.0 + m[k, GRAIN] * fade * 2.0 * (clouds(x / size, y / size, z / size) - 0.5)
    keep = tone * (1.0 - share)
    share *= 0.5 + 0.5 * tone
    return (
        keep * m[k, COLOUR] + share * m[k, SECOND],
        keep * m[k, COLOUR + 1] + share * m[k, SECOND + 1],
        keep * m[k, COLOUR + 2] + share * m[k, SECOND + 2],
    )
