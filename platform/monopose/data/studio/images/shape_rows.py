"""Rows of the shape array, made for all frames of a clip at once."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from monopose.data.studio.images import compiled as columns

PARTS = (
    "torso",
    "head",
    *(
        f"{side}_{part}"
        for side in ("left", "right")
        for part in ("upper_arm", "forearm", "hand", "thigh", "shank", "foot")
    ),
    "object",
)
MAX_NEIGHBOURS = 8
_NEAR_M = 0.02

Points = Float[np.ndarray, "T 3"]
Rows = Float[np.ndarray, "T S 30"]


def unit(vectors: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Vectors at length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def across(direction: Points, reference: Points) -> Points:
    """The unit vector nearest to a reference that is at right angles to a direction."""
    along = (reference * direction).sum(axis=-1, keepdims=True)
    return unit(reference - along * direction)


@dataclass
class ShapeRows:
    """Collects shapes; `rows()` gives T x S x 30. All points T x 3 in the world, metres."""

    frames: int
    shapes: list[Float[np.ndarray, "T 30"]] = field(default_factory=list)

    def cone(
        self,
        start: Points,
        end: Points,
        radii_m: tuple[float, float],
        side: Points,
        *,
        material: int,
        part: str,
        widen: tuple[float, float] = (1.0, 1.0),
        offset_m: float = 0.0,
        print_m: float = 0.0,
    ) -> None:
        """A round cone between two points; `widen` stretches it along `side` and across that."""
        along = end - start
        length = np.linalg.norm(along, axis=-1)
        z = unit(along)
        x = across(z, side)
        axes = np.stack([x, np.cross(z, x), z], axis=1)
        scale = np.array([*widen, 1.0])
        row = self._row(start, axes / scale[:, None], scale, material, part)
        row[:, columns.R1], row[:, columns.R2], row[:, columns.LENGTH] = *radii_m, length
        row[:, columns.OFFSET], row[:, columns.FRONT] = offset_m, print_m
        short = (length <= abs(radii_m[0] - radii_m[1])).any()
        widest = [max(1.0, *widen) * (max(radii_m) if short else radius) for radius in radii_m]
        row[:, columns.BALL_A : columns.BALL_A + 3], row[:, columns.BALL_A + 3] = start, widest[0]
        row[:, columns.BALL_B : columns.BALL_B + 3], row[:, columns.BALL_B + 3] = end, widest[1]
        self.shapes.append(row)

    def ellipsoid(
        self,
        centre: Points,
        axes: Float[np.ndarray, "T 3 3"],
        radii_m: tuple[float, float, float],
        *,
        material: int,
        part: str,
    ) -> None:
        """An ellipsoid with half axes along the rows of `axes`."""
        scale = np.array(radii_m)
        row = self._row(centre, axes / scale[:, None], scale, material, part)
        row[:, columns.R1] = row[:, columns.R2] = 1.0
        self._bound(row, centre, max(radii_m))
        self.shapes.append(row)

    def box(
        self,
        centre: Points,
        axes: Float[np.ndarray, "T 3 3"],
        half_m: tuple[float, float, float],
        *,
        material: int,
    ) -> None:
        """A box with half edges along the rows of `axes`."""
        scale = np.array(half_m)
        row = self._row(centre, axes / scale[:, None], scale, material, "object")
        row[:, columns.R1] = -1.0
        self._bound(row, centre, float(np.linalg.norm(scale)))
        self.shapes.append(row)

    def _bound(self, row: Float[np.ndarray, "T 30"], centre: Points, radius_m: float) -> None:
        for ball in (columns.BALL_A, columns.BALL_B):
            row[:, ball : ball + 3], row[:, ball + 3] = centre, radius_m

    def _row(
        self,
        centre: Points,
        inverse: Float[np.ndarray, "T 3 3"],
        size: Float[np.ndarray, "3"],
        material: int,
        part: str,
    ) -> Float[np.ndarray, "T 30"]:
        row = np.zeros((self.frames, columns.SHAPE_COLUMNS))
        row[:, : columns.CENTRE] = inverse.reshape(self.frames, 9)
        row[:, columns.CENTRE : columns.R1] = centre
        row[:, columns.SIZE : columns.MATERIAL] = size
        row[:, columns.MATERIAL], row[:, columns.PART] = material, PARTS.index(part)
        return row

    def rows(self) -> Rows:
        """All shapes so far."""
        if not self.shapes:
            return np.zeros((self.frames, 0, columns.SHAPE_COLUMNS))
        return np.stack(self.shapes, axis=1)


# Parts whose surfaces run into each other. Others only touch, with a crease between.
_JOINED = {
    frozenset(pair)
    for side in ("left", "right")
    for pair in (
        ("torso", f"{side}_upper_arm"),
        (f"{side}_upper_arm", f"{side}_forearm"),
        (f"{side}_forearm", f"{side}_hand"),
        ("torso", f"{side}_thigh"),
        (f"{side}_thigh", f"{side}_shank"),
        (f"{side}_shank", f"{side}_foot"),
    )
} | {frozenset(("torso", "head"))}


def neighbours_of(rows: Rows) -> Int[np.ndarray, "S N"]:
    """For each shape those it runs into, nearest in the first frame first, then -1."""
    first = rows[0]
    named = [PARTS[int(part)] for part in first[:, columns.PART]]
    joined = np.array([[a == b or frozenset((a, b)) in _JOINED for a in named] for b in named])
    joined &= first[:, None, columns.MATERIAL] == first[None, :, columns.MATERIAL]
    np.fill_diagonal(joined, False)
    gaps_m = np.where(joined, _gaps_m(first), np.inf)
    out = np.full((len(first), MAX_NEIGHBOURS), -1, np.int64)
    for k, order in enumerate(np.argsort(gaps_m, axis=1, kind="stable")[:, :MAX_NEIGHBOURS]):
        near = order[gaps_m[k, order] < _NEAR_M]
        out[k, : len(near)] = near
    return out


def _gaps_m(shapes: Float[np.ndarray, "S 30"]) -> Float[np.ndarray, "S S"]:
    """Smallest distances between points along the shapes' cores, less their radii."""
    ends = shapes[:, columns.BALL_A : columns.BALL_A + 8].reshape(-1, 2, 4)
    share = np.linspace(0, 1, 7)[:, None]
    points = ends[:, :1] + share * (ends[:, 1:] - ends[:, :1])
    between = points[:, None, :, None, :3] - points[None, :, None, :, :3]
    reach = points[:, None, :, None, 3] + points[None, :, None, :, 3]
    return (np.linalg.norm(between, axis=-1) - reach).min(axis=(2, 3))
