"""A head with a face, ears and hair, and the neck below it."""

from collections.abc import Mapping

import numpy as np

from monopose.data.studio.images.outfit import EYE, HAIR, LIP, SHIRT, SKIN, Outfit
from monopose.data.studio.images.shape_rows import Points, ShapeRows, unit

# The vector from neck_nose to head_top leans back by this share of its length in an upright head.
_LEAN = 0.2


def head_axes(
    at: Mapping[str, Points], chest_left: Points, chest_ahead: Points
) -> tuple[Points, Points, Points]:
    """(left, ahead, up) of the head.

    Thorax, nose and head top lie in the plane that divides the head; where they are nearly in a
    line, the chest decides instead.
    """
    tilt = unit(at["head_top"] - at["neck_nose"])
    neck = unit(at["neck_nose"] - at["thorax"])
    left = unit(np.cross(tilt, neck) + 0.25 * chest_left)
    left = unit(left - (left * tilt).sum(axis=-1, keepdims=True) * tilt)
    square = np.cross(left, tilt)
    facing = (square * chest_ahead).sum(axis=-1, keepdims=True)
    # A motion bent so far that the plane comes out reversed keeps the chest's side.
    turned = np.where(facing < -0.6, -1.0, 1.0)
    left, square = left * turned, square * turned
    cosine = np.sqrt(1 - _LEAN**2)
    return left, cosine * square - _LEAN * tilt, cosine * tilt + _LEAN * square


def add_head(
    rows: ShapeRows,
    at: Mapping[str, Points],
    chest_left: Points,
    chest_ahead: Points,
    chest_up: Points,
    stature_m: float,
    outfit: Outfit,
) -> None:
    """Adds neck, skull, jaw, nose, eyes, lips, ears and hair."""
    s = 0.5 * (stature_m + 1.7)  # heads differ less than bodies do
    left, ahead, up = head_axes(at, chest_left, chest_ahead)
    axes = np.stack([left, -ahead, up], axis=1)
    skull = at["head_top"] - 0.056 * s * up + 0.004 * s * ahead

    def ball(lateral: float, forward: float, above: float, radii: tuple[float, float, float],
             stuff: int) -> None:  # fmt: skip
        centre = skull + s * (lateral * left + forward * ahead + above * up)
        wide, deep, high = radii
        rows.ellipsoid(centre, axes, (s * wide, s * deep, s * high), material=stuff, part="head")

    base = skull - 0.040 * s * up - 0.012 * s * ahead
    root = at["thorax"] - 0.005 * s * chest_up
    thick = 0.031 * s * outfit.girth
    rows.cone(root, base, (1.12 * thick, thick), chest_left, material=SKIN, part="head")
    rows.cone(root - 0.012 * s * chest_up, root + 0.012 * s * chest_up,
              (0.043 * s * outfit.girth, 0.036 * s * outfit.girth), chest_left, material=SHIRT,
              part="torso", widen=(1.25, 1.0))  # fmt: skip
    ball(0.0, 0.0, 0.0, (0.0430, 0.0550, 0.0560), SKIN)
    ball(0.0, 0.016, -0.036, (0.0350, 0.0400, 0.0400), SKIN)
    ball(0.0, 0.045, -0.062, (0.0150, 0.0120, 0.0110), SKIN)
    ball(0.0, 0.0580, -0.024, (0.0070, 0.0120, 0.0130), SKIN)
    ball(0.0, 0.0515, -0.047, (0.0135, 0.0060, 0.0042), LIP)
    for sign in (1.0, -1.0):
        ball(sign * 0.0185, 0.0500, -0.006, (0.0075, 0.0050, 0.0045), EYE)
        ball(sign * 0.0190, 0.0510, 0.008, (0.0115, 0.0050, 0.0026), HAIR)
        ball(sign * 0.0440, -0.004, -0.014, (0.0050, 0.0110, 0.0170), SKIN)
    _add_hair(rows, skull, (left, ahead, up), s, outfit.hair)


def _add_hair(
    rows: ShapeRows, skull: Points, axes: tuple[Points, Points, Points], s: float, style: str
) -> None:
    left, ahead, up = axes
    frame = np.stack([left, -ahead, up], axis=1)

    def ball(forward: float, above: float, radii: tuple[float, float, float]) -> None:
        centre = skull + s * (forward * ahead + above * up)
        wide, deep, high = (s * radius for radius in radii)
        rows.ellipsoid(centre, frame, (wide, deep, high), material=HAIR, part="head")

    if style == "bald":
        return
    full = 1.10 if style in ("full", "long") else 1.0
    ball(-0.0075, 0.0110, (0.0450 * full, 0.0530 * full, 0.0490 * full))
    ball(-0.0200, -0.0120, (0.0430 * full, 0.0400 * full, 0.0450))
    if style == "bun":
        ball(-0.058, 0.030, (0.024, 0.022, 0.022))
    if style == "cap":
        ball(0.050, 0.018, (0.036, 0.036, 0.007))
    if style == "long":
        top = skull - s * 0.024 * ahead
        end = top - s * (0.115 * up + 0.012 * ahead)
        rows.cone(top, end, (0.040 * s, 0.030 * s), left, material=HAIR, part="head",
                  widen=(1.18, 0.85))  # fmt: skip
