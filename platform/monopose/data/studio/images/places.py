"""The places of the two domains: a few calm laboratories, and anywhere at all."""

import math

import numpy as np
from jaxtyping import Float

from monopose.data.studio.images import compiled as columns
from monopose.data.studio.images.objects import INDOORS, OUTDOORS, Maker, crate, shelf, table
from monopose.data.studio.images.outfit import any_colour, linear, material
from monopose.data.studio.images.scene import (
    Film,
    Path,
    Scene,
    hang_pictures,
    put,
    put_in_front,
    room,
    sun,
)

STUDIO_ROOMS = 3
_FLOORS = ((255, 225, 190), (190, 205, 240), (230, 230, 230), (215, 240, 215))
_GRASS, _ASPHALT, _SAND = (88, 112, 52), (105, 105, 108), (196, 176, 140)


def studio_place(
    room_rng: np.random.Generator,
    take_rng: np.random.Generator,
    path: Path,
    eyes_m: Float[np.ndarray, "V 3"],
) -> Scene:
    """A laboratory with plain walls and calm light; sometimes a thing in front of one camera.

    room_rng: makes the room; all who use it share floor, walls and light, and furniture stands
    where it is in nobody's view. take_rng: what differs by clip.
    """
    rng = room_rng
    light = sun(rng, elevation_deg=(60.0, 75.0), strength=0.75, ambient=0.62, softness_m=0.05)
    film = Film(exposure=rng.uniform(0.95, 1.1), noise=0.010, blur_px=0.45, jpeg_quality=92)
    scene = Scene(light, film)
    grey = rng.uniform(0.35, 0.6) * rng.uniform(0.92, 1.06, 3)
    tint = 0.6 * grey * linear(_FLOORS[rng.integers(len(_FLOORS))])
    floor = material(tint, grain=0.12, grain_m=0.3,
                     kind=int(rng.choice([columns.PLAIN, columns.TILES, columns.PLANKS])),
                     period_m=rng.uniform(0.15, 0.6), second=0.35 * grey)  # fmt: skip
    scene.ground = scene.stuff(floor)
    wall = scene.stuff(material(grey, grain=0.05, grain_m=0.6))
    far = scene.stuff(material(grey * rng.uniform(0.75, 1.1, 3), grain=0.05, grain_m=0.8))
    ceiling = scene.stuff(material(np.full(3, 0.7)))
    heading = rng.uniform(0, math.pi / 2)
    room(scene, (0.0, 0.0), (5.2, 6.0), heading, [wall, far, wall, far], ceiling, 3.2)
    hang_pictures(scene, rng, 3)
    seen_from = np.arctan2(eyes_m[:, 1], eyes_m[:, 0])
    for angle in heading + np.linspace(0, 2 * math.pi, 9)[:8] + rng.uniform(-0.2, 0.2, 8):
        # Nothing stands in front of a camera.
        if np.cos(angle - seen_from).max() < math.cos(0.4):
            spot = (4.4 * math.cos(angle), 4.4 * math.sin(angle), angle + math.pi)
            put(scene, (table, crate, shelf)[rng.integers(3)], spot, None, rng)
    if take_rng.random() < 0.3:
        put_in_front(scene, eyes_m[take_rng.integers(len(eyes_m))], path, take_rng)
    return scene


def wild_place(rng: np.random.Generator, path: Path, eye_m: Float[np.ndarray, "3"]) -> Scene:
    """Any place: a room full of things or a street, meadow or beach, in any light."""
    scene = _outdoors(rng, path, eye_m) if rng.random() < 0.55 else _indoors(rng, path, eye_m)
    if rng.random() < 0.5:
        put_in_front(scene, eye_m, path, rng)
    return scene


def _film(rng: np.random.Generator) -> Film:
    return Film(
        exposure=1.15 * float(np.exp(rng.normal(0.0, 0.22))),
        noise=float(rng.choice([0.006, 0.012, 0.02, 0.035])),
        blur_px=rng.uniform(0.3, 0.9),
        jpeg_quality=int(rng.integers(70, 96)),
    )


def _indoors(rng: np.random.Generator, path: Path, eye_m: Float[np.ndarray, "3"]) -> Scene:
    light = sun(rng, elevation_deg=(35.0, 80.0), strength=rng.uniform(0.3, 1.1),
                ambient=rng.uniform(0.35, 0.7), softness_m=rng.uniform(0.02, 0.09),
                warmth=rng.uniform(-0.08, 0.2))  # fmt: skip
    scene = Scene(light, _film(rng))
    kinds = [columns.PLANKS, columns.TILES, columns.PLAIN, columns.CHECKS, columns.BLOTCHES]
    floor = any_colour(rng, (0.05, 0.5))
    scene.ground = scene.stuff(
        material(floor, floor * rng.uniform(0.3, 0.9), kind=int(rng.choice(kinds)),
                 period_m=rng.uniform(0.12, 0.6), grain=rng.uniform(0.1, 0.5),
                 grain_m=rng.uniform(0.02, 0.4)))  # fmt: skip
    walls = [scene.stuff(_wall(rng)) for _ in range(2)]
    ceiling = scene.stuff(material(rng.uniform(0.5, 0.85, 3), grain=0.05))
    middle, heading = path.middle_m, rng.uniform(0, math.pi / 2)
    half = (rng.uniform(2.2, 5.0), rng.uniform(2.2, 5.0))
    room(scene, (float(middle[0]), float(middle[1])), half, heading, [walls[0], walls[1]] * 2,
         ceiling, rng.uniform(2.4, 3.6))  # fmt: skip
    hang_pictures(scene, rng, int(rng.integers(2, 9)))
    for _ in range(int(rng.integers(2, 8))):
        _put_beyond(scene, INDOORS, rng, path, eye_m, (1.0, min(half) - 0.3))
    return scene


def _wall(rng: np.random.Generator) -> Float[np.ndarray, " 12"]:
    kinds = [columns.PLAIN, columns.PLAIN, columns.BRICKS, columns.TILES, columns.STRIPES,
             columns.DOTS, columns.PLANKS]  # fmt: skip
    paint = any_colour(rng, (0.02, 0.45))
    return material(paint, paint * rng.uniform(0.5, 1.1, 3), kind=int(rng.choice(kinds)),
                    period_m=rng.uniform(0.15, 0.5), grain=rng.uniform(0.05, 0.3),
                    grain_m=rng.uniform(0.1, 0.8))  # fmt: skip


def _outdoors(rng: np.random.Generator, path: Path, eye_m: Float[np.ndarray, "3"]) -> Scene:
    overcast = rng.random() < 0.35
    strength = 0.25 if overcast else rng.uniform(0.8, 1.5)
    light = sun(rng, elevation_deg=(15.0, 70.0), strength=strength,
                ambient=rng.uniform(0.5, 0.75) if overcast else rng.uniform(0.25, 0.5),
                softness_m=0.1 if overcast else 0.015,
                warmth=rng.uniform(-0.03, 0.16))  # fmt: skip
    blue = rng.uniform(0.3, 1.0)
    light[columns.ZENITH : columns.HAZE] = np.array([0.55 - 0.4 * blue, 0.62 - 0.28 * blue, 0.75])
    light[columns.HAZE : columns.CLOUDS] = np.array([0.66, 0.72, 0.78]) * rng.uniform(0.75, 1.1)
    light[columns.CLOUDS] = rng.uniform(0.0, 1.0)
    scene = Scene(light, _film(rng))
    scene.ground = scene.stuff(_ground(rng))
    for _ in range(int(rng.integers(5, 12))):
        _put_beyond(scene, OUTDOORS, rng, path, eye_m, (4.0, 22.0))
    return scene


def _ground(rng: np.random.Generator) -> Float[np.ndarray, " 12"]:
    tint = rng.uniform(0.75, 1.25, 3)
    choice = rng.integers(5)
    period, grain_m = rng.uniform(0.2, 0.8), rng.uniform(0.02, 0.12)
    stone = any_colour(rng, (0.0, 0.2))
    rows = (
        material(linear(_GRASS) * tint, 0.6 * linear(_GRASS), kind=columns.BLOTCHES, period_m=1.5,
                 grain=0.6, grain_m=grain_m),
        material(linear(_ASPHALT) * tint, grain=0.35, grain_m=grain_m),
        material(linear(_SAND) * tint, grain=0.3, grain_m=3 * grain_m),
        material(stone, 0.5 * stone, kind=columns.TILES, period_m=period, grain=0.2, grain_m=0.1),
        material(stone, 0.6 * stone, kind=columns.BRICKS, period_m=period, grain=0.3, grain_m=0.1),
    )  # fmt: skip
    return rows[choice]


def _put_beyond(
    scene: Scene,
    makers: tuple[Maker, ...],
    rng: np.random.Generator,
    path: Path,
    eye_m: Float[np.ndarray, "3"],
    reach_m: tuple[float, float],
) -> None:
    """Puts a thing on the far side of the person, turned towards the camera."""
    away = path.middle_m - eye_m[:2]
    angle = math.atan2(away[1], away[0]) + rng.normal(0.0, 0.55)
    radius = rng.uniform(*reach_m)
    maker = makers[rng.integers(len(makers))]
    spot = path.middle_m + radius * np.array([math.cos(angle), math.sin(angle)])
    heading = angle + math.pi + rng.normal(0, 0.3)
    put(scene, maker, (float(spot[0]), float(spot[1]), heading), path, rng)
