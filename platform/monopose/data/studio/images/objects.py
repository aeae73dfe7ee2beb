"""Things that stand about: furniture, posts, plants, trees, buildings. All stand on z = 0."""

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from monopose.data.studio.images.shape_rows import ShapeRows

Place = tuple[float, float, float]
"""x and y in metres and the heading in radians."""

Stuff = Callable[[str], int]
"""Draws a material of a sort (see scene.py: any, wood, leaf, wall, glass); its number."""


def _axes(heading: float) -> Float[np.ndarray, "1 3 3"]:
    c, s = math.cos(heading), math.sin(heading)
    return np.array([[[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]]])


def _point(place: Place, ahead: float, left: float, up: float) -> Float[np.ndarray, "1 3"]:
    axes = _axes(place[2])[0]
    base = np.array([place[0], place[1], 0.0])
    return (base + ahead * axes[0] + left * axes[1] + up * axes[2])[None]


def box(rows: ShapeRows, place: Place, size_m: tuple[float, float, float], material: int,
        lift_m: float = 0.0, at: tuple[float, float] = (0.0, 0.0)) -> None:  # fmt: skip
    """A box of a size, its bottom lifted, its middle moved along its own axes."""
    centre = _point(place, at[0], at[1], lift_m + size_m[2] / 2)
    half = (size_m[0] / 2, size_m[1] / 2, size_m[2] / 2)
    rows.box(centre, _axes(place[2]), half, material=material)


def _rod(rows: ShapeRows, place: Place, radii_m: tuple[float, float], low_m: float, high_m: float,
         material: int, at: tuple[float, float] = (0.0, 0.0)) -> None:  # fmt: skip
    side = np.array([[1.0, 0.0, 0.0]])
    start, end = _point(place, *at, low_m), _point(place, *at, high_m)
    rows.cone(start, end, radii_m, side, material=material, part="object")


def _blob(rows: ShapeRows, place: Place, radii_m: tuple[float, float, float], up_m: float,
          material: int, at: tuple[float, float] = (0.0, 0.0)) -> None:  # fmt: skip
    rows.ellipsoid(
        _point(place, *at, up_m), _axes(place[2]), radii_m, material=material, part="object"
    )


def crate(rows: ShapeRows, place: Place, rng: np.random.Generator, stuff: Stuff) -> float:
    """One box, or two stacked; returns its radius in metres, as all of these do."""
    size = rng.uniform((0.3, 0.3, 0.3), (0.8, 0.8, 1.0))
    box(rows, place, (size[0], size[1], size[2]), stuff("any"))
    if rng.random() < 0.35:
        turned = (place[0], place[1], place[2] + rng.uniform(-0.4, 0.4))
        box(rows, turned, (0.6 * size[0], 0.6 * size[1], 0.35), stuff("any"), lift_m=float(size[2]))
    return float(0.5 * math.hypot(size[0], size[1]))


def table(rows: ShapeRows, place: Place, rng: np.random.Generator, stuff: Stuff) -> float:
    """A top on four legs with a thing or two on it."""
    long_, wide, high = rng.uniform(0.8, 1.6), rng.uniform(0.5, 0.9), rng.uniform(0.45, 0.8)
    top, leg = stuff("wood"), stuff("wood")
    box(rows, place, (long_, wide, 0.04), top, lift_m=high - 0.04)
    for ahead in (-0.45, 0.45):
        for left in (-0.42, 0.42):
            at = (ahead * long_, left * wide)
            _rod(rows, place, (0.025, 0.025), 0.02, high - 0.05, leg, at)
    if rng.random() < 0.6:
        box(
            rows,
            place,
            (0.25, 0.2, rng.uniform(0.05, 0.35)),
            stuff("any"),
            high,
            (0.2 * long_, 0.0),
        )
    return 0.5 * math.hypot(long_, wide)


def chair(rows: ShapeRows, place: Place, rng: np.random.Generator, stuff: Stuff) -> float:
    """A seat, a back and four legs."""
    seat, leg, high = stuff("any"), stuff("wood"), rng.uniform(0.42, 0.48)
    box(rows, place, (0.44, 0.44, 0.05), seat, lift_m=high)
    box(rows, place, (0.05, 0.42, rng.uniform(0.3, 0.5)), seat, high + 0.08, (-0.21, 0.0))
    for ahead in (-0.19, 0.19):
        for left in (-0.19, 0.19):
            _rod(rows, place, (0.018, 0.018), 0.01, high, leg, (ahead, left))
    return 0.33


def sofa(rows: ShapeRows, place: Place, rng: np.random.Generator, stuff: Stuff) -> float:
    """Seat, back and arms of one stuff."""
    wide, cover = rng.uniform(1.2, 2.0), stuff("any")
    box(rows, place, (0.8, wide, 0.42), cover)
    box(rows, place, (0.2, wide, 0.45), cover, 0.42, (-0.3, 0.0))
    for left in (-0.5, 0.5):
        box(rows, place, (0.8, 0.16, 0.6), cover, 0.0, (0.0, left * (wide - 0.16)))
    box(rows, place, (0.14, 0.36, 0.34), stuff("any"), 0.44, (-0.16, rng.uniform(-0.3, 0.3)))
    return 0.5 * math.hypot(0.8, wide)


def shelf(rows: ShapeRows, place: Place, rng: np.random.Generator, stuff: Stuff) -> float:
    """A tall open case with boards and rows of things."""
    wide, high, wood = rng.uniform(0.7, 1.3), rng.uniform(1.2, 2.1), stuff("wood")
    box(rows, place, (0.03, wide, high), wood, 0.0, (-0.15, 0.0))
    for left in (-0.5, 0.5):
        box(rows, place, (0.32, 0.03, high), wood, 0.0, (0.0, left * wide))
    for up in np.arange(0.05, high, 0.42):
        box(rows, place, (0.32, wide, 0.03), wood, float(up))
        if rng.random() < 0.8:
            size = (0.22, rng.uniform(0.3, 0.9) * wide, rng.uniform(0.15, 0.33))
            box(rows, place, size, stuff("any"), float(up) + 0.03)
    return 0.5 * wide + 0.1


def plant(rows: ShapeRows, place: Place, rng: np.random.Generator, stuff: Stuff) -> float:
    """A pot and a bush in it."""
    high, leaf = rng.uniform(0.4, 1.2), stuff("leaf")
    _rod(rows, place, (0.13, 0.17), 0.12, 0.3, stuff("any"))
    for _ in range(5):
        at = (rng.normal(0, 0.11), rng.normal(0, 0.11))
        radii = rng.uniform((0.08, 0.08, 0.1), (0.2, 0.2, 0.3))
        _blob(rows, place, tuple(radii), 0.35 + high * rng.uniform(0.1, 0.9), leaf, at)
    return 0.3


def post(rows: ShapeRows, place: Place, rng: np.random.Generator, stuff: Stuff) -> float:
    """A pillar, a lamp post or a pole."""
    radius = float(rng.choice([0.05, 0.08, 0.16, 0.25]))
    _rod(rows, place, (radius, radius), 0.0, 3.6, stuff("wall"))
    return radius


def tree(rows: ShapeRows, place: Place, rng: np.random.Generator, stuff: Stuff) -> float:
    """A trunk and a crown of leaves."""
    high, leaf = rng.uniform(2.2, 4.5), stuff("leaf")
    _rod(rows, place, (0.22, 0.13), 0.0, high, stuff("wood"))
    for _ in range(6):
        at = (rng.normal(0, 0.8), rng.normal(0, 0.8))
        radii = rng.uniform((0.7, 0.7, 0.6), (1.6, 1.6, 1.3))
        _blob(rows, place, tuple(radii), high + rng.uniform(-0.2, 1.8), leaf, at)
    return 0.4


def hedge(rows: ShapeRows, place: Place, rng: np.random.Generator, stuff: Stuff) -> float:
    """A long low row of bushes."""
    leaf, high = stuff("leaf"), rng.uniform(0.5, 1.6)
    box(rows, place, (0.7, 4.0, high), leaf)
    for left in np.linspace(-2, 2, 6):
        radii = (0.45, 0.6, 0.3 * rng.uniform(0.7, 1.4))
        _blob(rows, place, radii, high, leaf, (0.0, float(left)))
    return 2.2


def house(rows: ShapeRows, place: Place, rng: np.random.Generator, stuff: Stuff) -> float:
    """A large block with rows of windows and a door."""
    wide, high, wall, glass = rng.uniform(6, 14), rng.uniform(4, 12), stuff("wall"), stuff("glass")
    box(rows, place, (6.0, wide, high), wall)
    for up in np.arange(1.0, high - 1.2, 2.8):
        for left in np.arange(-wide / 2 + 1.0, wide / 2 - 0.8, 2.2):
            box(rows, place, (0.1, 1.0, 1.3), glass, float(up), (3.0, float(left)))
    return 0.5 * wide


Maker = Callable[[ShapeRows, Place, np.random.Generator, Stuff], float]
INDOORS: tuple[Maker, ...] = (crate, table, chair, sofa, shelf, plant, post)
OUTDOORS: tuple[Maker, ...] = (tree, tree, hedge, house, house, post)
IN_FRONT: tuple[Maker, ...] = (crate, table, chair, plant, post, shelf)
