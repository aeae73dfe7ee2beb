"""Where a person is filmed: ground, walls, things, light and film."""

import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from monopose.data.studio.images import compiled as columns
from monopose.data.studio.images.objects import IN_FRONT, Maker, Place
from monopose.data.studio.images.outfit import PERSON_MATERIALS, any_colour, linear, material
from monopose.data.studio.images.shape_rows import ShapeRows


@dataclass(frozen=True)
class Film:
    """What the camera adds: exposure, noise (sigma in 0..1 of the 8-bit picture), blur, JPEG.

    blur_px: standard deviation of the lens's blur, in pixels of the crop.
    """

    exposure: float
    noise: float
    blur_px: float
    jpeg_quality: int


@dataclass
class Scene:
    """A place, being furnished. Material numbers count from the person's own on (outfit.py).

    shapes: things standing about, one frame. walls: rows (normal into the room, offset,
    material). pictures: rows (wall, u0, v0, u1, v1, material). ground: material number.
    front_from: number of the first shape of the thing put before a camera, if one was.
    """

    light: Float[np.ndarray, " 20"]
    film: Film
    ground: int = 0
    materials: list[Float[np.ndarray, " 12"]] = field(default_factory=list)
    walls: list[tuple[float, float, float, float, float]] = field(default_factory=list)
    pictures: list[tuple[float, float, float, float, float, float]] = field(default_factory=list)
    shapes: ShapeRows = field(default_factory=lambda: ShapeRows(1))
    front_from: int | None = None

    def stuff(self, row: Float[np.ndarray, " 12"]) -> int:
        """Adds a material; returns its number."""
        self.materials.append(row)
        return PERSON_MATERIALS + len(self.materials) - 1

    def any_stuff(self, sort: str, rng: np.random.Generator) -> int:
        """Adds a material of a sort: any, wood, leaf, wall or glass."""
        return self.stuff(_MADE_OF[sort](rng))


def _any(rng: np.random.Generator) -> Float[np.ndarray, " 12"]:
    kind = int(rng.choice([0, 0, 0, 0, columns.PLANKS, columns.STRIPES, columns.CHECKS,
                           columns.DOTS, columns.BLOTCHES]))  # fmt: skip
    paint = any_colour(rng, (0.0, 0.6))
    other = 0.6 * paint + 0.4 * any_colour(rng, (0.0, 0.4))
    return material(paint, other, kind=kind, period_m=rng.uniform(0.08, 0.3),
                    grain=rng.uniform(0.05, 0.3), grain_m=0.06,
                    gloss=rng.uniform(0, 0.1))  # fmt: skip


def _wood(rng: np.random.Generator) -> Float[np.ndarray, " 12"]:
    browns = ((150, 105, 65), (95, 62, 40), (200, 165, 120), (225, 225, 220), (45, 42, 40))
    brown = linear(browns[rng.integers(len(browns))]) * rng.uniform(0.8, 1.2)
    return material(brown, 0.5 * brown, kind=columns.PLANKS, period_m=0.14, grain=0.3,
                    grain_m=0.04, gloss=0.05)  # fmt: skip


def _leaf(rng: np.random.Generator) -> Float[np.ndarray, " 12"]:
    green = linear((70, 105, 45)) * rng.uniform((0.5, 0.6, 0.4), (1.5, 1.4, 1.3))
    return material(green, 0.35 * green, kind=columns.BLOTCHES, period_m=rng.uniform(0.1, 0.25),
                    grain=0.9, grain_m=0.06, folds=2.0)  # fmt: skip


def _wall(rng: np.random.Generator) -> Float[np.ndarray, " 12"]:
    paint = any_colour(rng, (0.0, 0.35))
    kind = int(rng.choice([columns.PLAIN, columns.BRICKS, columns.TILES]))
    return material(paint, 0.7 * paint, kind=kind, period_m=rng.uniform(0.2, 0.6), grain=0.2,
                    grain_m=0.3)  # fmt: skip


def _glass(rng: np.random.Generator) -> Float[np.ndarray, " 12"]:
    return material(rng.uniform(0.05, 0.3) * np.array([0.8, 0.95, 1.1]), grain=0.4, grain_m=0.5,
                    gloss=0.4)  # fmt: skip


_MADE_OF = {"any": _any, "wood": _wood, "leaf": _leaf, "wall": _wall, "glass": _glass}  # fmt: skip


def sun(
    rng: np.random.Generator,
    *,
    elevation_deg: tuple[float, float],
    strength: float,
    ambient: float,
    softness_m: float,
    warmth: float = 0.0,
) -> Float[np.ndarray, " 20"]:
    """A light from a random side. strength, ambient: of the sun and of the surroundings.

    warmth: above 0 turns the sun to yellow and the shade to blue.
    """
    azimuth = rng.uniform(0, 2 * math.pi)
    elevation = math.radians(rng.uniform(*elevation_deg))
    light = np.zeros(columns.LIGHT_COLUMNS)
    light[0:3] = (
        math.cos(elevation) * math.cos(azimuth),
        math.cos(elevation) * math.sin(azimuth),
        math.sin(elevation),
    )
    light[columns.SUN : columns.SKY] = strength * np.array([1 + warmth, 1.0, 1 - 1.3 * warmth])
    light[columns.SKY : columns.GROUND] = ambient * np.array([1 - warmth, 1.0, 1 + 1.3 * warmth])
    light[columns.GROUND : columns.ZENITH] = 0.55 * ambient * np.array([1.03, 1.0, 0.94])
    light[columns.SOFTNESS] = softness_m
    return light


def room(
    scene: Scene,
    middle_m: tuple[float, float],
    half_m: tuple[float, float],
    heading: float,
    walls: list[int],
    ceiling: int,
    height_m: float,
) -> None:
    """Four walls and a ceiling around a middle, turned by a heading in radians."""
    for i, number in enumerate(walls):
        angle = heading + i * math.pi / 2
        inward = (-math.cos(angle), -math.sin(angle))
        at = (middle_m[0] - half_m[i % 2] * inward[0], middle_m[1] - half_m[i % 2] * inward[1])
        offset = inward[0] * at[0] + inward[1] * at[1]
        scene.walls.append((inward[0], inward[1], 0.0, offset, float(number)))
    scene.walls.append((0.0, 0.0, -1.0, -height_m, float(ceiling)))


def hang_pictures(scene: Scene, rng: np.random.Generator, count: int) -> None:
    """Posters, boards, doors and windows on the four walls."""
    for _ in range(count):
        wall = int(rng.integers(4))
        u, wide, high = rng.uniform(-3.5, 3.5), rng.uniform(0.4, 1.6), rng.uniform(0.4, 1.3)
        low = rng.uniform(0.8, 1.7)
        if rng.random() < 0.25:
            low, wide, high = 0.0, 0.95, 2.05
        kind = int(rng.choice([columns.MOSAIC, columns.MOSAIC, columns.PLAIN, columns.TILES]))
        row = material(any_colour(rng), any_colour(rng), kind=kind, period_m=rng.uniform(0.2, 0.7))
        scene.pictures.append((wall, u, low, u + wide, low + high, scene.stuff(row)))


@dataclass(frozen=True)
class Path:
    """Where the person goes in a clip: all joints' x and y, metres."""

    points_m: Float[np.ndarray, "N 2"]

    @property
    def middle_m(self) -> Float[np.ndarray, "2"]:
        """The middle of the ground that is walked on."""
        return (self.points_m.min(axis=0) + self.points_m.max(axis=0)) / 2

    def clear_of(self, place: Place, radius_m: float) -> bool:
        """True when nobody comes nearer than a hand's breadth to a thing of that radius."""
        gap_m = np.linalg.norm(self.points_m - np.array(place[:2]), axis=1).min()
        return bool(gap_m > radius_m + 0.22)


def put(
    scene: Scene, maker: Maker, place: Place, path: Path | None, rng: np.random.Generator
) -> bool:
    """Adds a thing unless somebody walks through it; True when it stands there."""
    trial = ShapeRows(1)
    before = len(scene.materials)
    radius_m = maker(trial, place, rng, lambda sort: scene.any_stuff(sort, rng))
    if path is not None and not path.clear_of(place, radius_m):
        del scene.materials[before:]
        return False
    scene.shapes.shapes.extend(trial.shapes)
    return True


def put_in_front(
    scene: Scene,
    eye_m: Float[np.ndarray, "3"],
    path: Path,
    rng: np.random.Generator,
    tries: int = 12,
) -> bool:
    """Puts a thing between a camera and the person, hiding a part; False where there is no room."""
    line_m = eye_m[:2] - path.middle_m
    reach_m = float(np.linalg.norm(line_m))
    aside = np.array([-line_m[1], line_m[0]]) / max(reach_m, 1e-6)
    for _ in range(tries):
        share = rng.uniform(0.5, min(2.2, 0.6 * reach_m)) / reach_m if reach_m > 1 else 0.5
        spot = path.middle_m + share * line_m + aside * rng.normal(0.0, 0.3)
        place = (float(spot[0]), float(spot[1]), float(rng.uniform(0, 2 * math.pi)))
        maker = IN_FRONT[rng.integers(len(IN_FRONT))]
        count = len(scene.shapes.shapes)
        if put(scene, maker, place, path, rng):
            scene.front_from = count
            return True
    return False
