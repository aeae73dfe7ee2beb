"""What a person looks like: build, skin, hair and clothes, drawn at random."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from monopose.data.studio.images import compiled as columns

# Rows of a person's materials.
SKIN, HAIR, SHIRT, LEGWEAR, SHOE, EYE, LIP, SOCK = range(8)
PERSON_MATERIALS = 8

_SKIN_SRGB = (
    (255, 219, 190), (241, 194, 160), (224, 172, 125), (198, 134, 86), (160, 103, 64),
    (124, 78, 48), (90, 56, 37), (62, 40, 28),
)  # fmt: skip
_HAIR_SRGB = (
    (24, 20, 18), (45, 32, 25), (80, 54, 35), (121, 82, 48), (176, 134, 82), (214, 186, 130),
    (140, 60, 35), (150, 150, 150), (215, 212, 208),
)  # fmt: skip
_TROUSERS_SRGB = (
    (40, 52, 86), (70, 92, 130), (30, 30, 34), (92, 88, 84), (150, 130, 100), (86, 88, 60),
    (205, 200, 190), (110, 40, 40), (60, 60, 66),
)  # fmt: skip


@dataclass(frozen=True)
class Outfit:
    """A person's build and clothes; radii are the lean average adult's times these factors.

    girth: all limbs. belly, chest, hips: the trunk's. sleeve, leg: share of arm and leg that is
    covered, 0..1. skirt: a skirt in place of trousers. hair: bald, short, full, long, bun or cap.
    loose_m: how far clothes stand off. print_m: half height of the shirt's print, 0 for none.
    materials: 8 x 12, see compiled.py.
    """

    girth: float
    belly: float
    chest: float
    hips: float
    bust: float
    sleeve: float
    leg: float
    skirt: bool
    hair: str
    loose_m: float
    print_m: float
    materials: Float[np.ndarray, "M 12"]


def linear(srgb: tuple[int, int, int]) -> Float[np.ndarray, "3"]:
    """Linear light of an sRGB colour of 0..255 (the plain 2.2 power)."""
    return (np.asarray(srgb, float) / 255) ** 2.2


def material(
    colour: Float[np.ndarray, "3"],
    second: Float[np.ndarray, "3"] | None = None,
    *,
    kind: int = columns.PLAIN,
    period_m: float = 0.1,
    grain: float = 0.1,
    grain_m: float = 0.05,
    gloss: float = 0.0,
    folds: float = 0.0,
) -> Float[np.ndarray, " 12"]:
    """One row of the material array; colours linear."""
    other = colour if second is None else second
    return np.array([kind, *colour, *other, period_m, grain, grain_m, gloss, folds], float)


def any_colour(
    rng: np.random.Generator, saturation: tuple[float, float] = (0.1, 0.8)
) -> Float[np.ndarray, "3"]:
    """A linear colour of any hue, from dark to light."""
    hue, strength = rng.uniform(0, 1), rng.uniform(*saturation)
    value = rng.uniform(0.12, 0.95)
    turns = (hue + np.array([0.0, 2 / 3, 1 / 3])) * 6 % 6
    pure = np.clip(np.abs(turns - 3) - 1, 0, 1)
    return (value * (1 - strength + strength * pure)) ** 2.2


def draw_outfit(rng: np.random.Generator, varied: bool = True) -> Outfit:
    """A random person. varied: builds from slight to heavy and all patterns, else a narrower range.

    The number of draws is the same for all, so that nothing else depends on what came out.
    """
    wide = 1.0 if varied else 0.5
    heavy = float(np.clip(rng.normal(0.0, 1.0), -1.6, 2.4)) * wide
    woman = rng.random() < 0.5
    hair = str(rng.choice(["long", "bun", "full", "short", "cap"], p=[0.35, 0.2, 0.3, 0.1, 0.05]))
    short_hair = str(rng.choice(["short", "full", "bald", "cap", "long"], p=[0.55, 0.2, 0.1, 0.1, 0.05]))  # fmt: skip  # noqa: E501
    skirt, leg = rng.random() < 0.35 * wide, float(rng.choice([1.0, 1.0, 0.42, 0.25]))
    sleeve = float(rng.choice([0.0, 0.28, 0.3, 0.34, 0.6, 1.0, 1.0]))
    bust = rng.uniform(0.6, 1.1)
    return Outfit(
        girth=1.0 + 0.06 * heavy + rng.normal(0, 0.02),
        belly=1.0 + 0.13 * heavy + 0.06 * max(heavy, 0.0),
        chest=(0.95 if woman else 1.04) + 0.05 * heavy,
        hips=(1.07 if woman else 0.98) + 0.06 * heavy,
        bust=bust if woman else 0.0,
        sleeve=sleeve,
        leg=leg,
        skirt=woman and skirt,
        hair=hair if woman else short_hair,
        loose_m=rng.uniform(0.002, 0.014),
        print_m=float(rng.choice([0.0, 0.0, 0.0, 0.06, 0.09])),
        materials=_materials(rng),
    )


def _materials(rng: np.random.Generator) -> Float[np.ndarray, "M 12"]:
    skin = linear(_SKIN_SRGB[rng.integers(len(_SKIN_SRGB))]) * rng.uniform(0.9, 1.1, 3)
    hair = linear(_HAIR_SRGB[rng.integers(len(_HAIR_SRGB))])
    shirt, shirt_second = any_colour(rng), any_colour(rng)
    pattern = int(rng.choice([0, 0, 0, 0, 1, 1, 2, 3, 4, 5]))
    legs = linear(_TROUSERS_SRGB[rng.integers(len(_TROUSERS_SRGB))]) * rng.uniform(0.7, 1.2)
    legs_pattern = int(rng.choice([0, 0, 0, 0, 0, 0, 4, 5]))
    return np.stack([
        material(skin, grain=0.06, grain_m=0.04, gloss=0.06),
        material(hair, grain=0.5, grain_m=0.014, gloss=0.08),
        material(shirt, shirt_second, kind=pattern, period_m=rng.uniform(0.05, 0.15), grain=0.10,
                 grain_m=0.03, folds=rng.uniform(0.3, 0.9)),
        material(legs, 0.55 * legs, kind=legs_pattern, period_m=rng.uniform(0.06, 0.14),
                 grain=0.16, grain_m=0.03, folds=rng.uniform(0.3, 0.8)),
        material(any_colour(rng, (0.0, 0.6)), grain=0.2, gloss=0.15),
        material(np.full(3, 0.015), grain=0.0, gloss=0.3),
        material(skin * (0.75, 0.45, 0.45), grain=0.0, gloss=0.1),
        material(any_colour(rng, (0.0, 0.2)), grain=0.05),
    ])  # fmt: skip
