"""Who stands in the sun: a depth map seen from the light, looked up with soft edges."""

import math
from typing import NamedTuple

import numpy as np

from monopose.data.studio.images.compiled import (
    BALL_A,
    BALL_B,
    CENTRE,
    FAR,
    SOFTNESS,
    TO_SUN,
    compiled,
    inlined,
)
from monopose.data.studio.images.shapes import form_of, hit_form, to_local

MAP_PX = 112
_BLOCK_PX = 8
_BIAS_M = 0.012


class Shadows(NamedTuple):
    """What a light sees of the shapes.

    frame: see FRAME_COLUMNS. heights: towards the light, of the topmost surface, by texel; -FAR
    where there is none. blocks: lowest (0) and highest (1) of a block of texels, which tell most
    points at once.
    """

    frame: np.ndarray
    heights: np.ndarray
    blocks: np.ndarray


# Columns of a frame: two axes across the light (3 + 3), low corner (2), texels per metre.
FRAME_COLUMNS = 9


@compiled
def light_frame(shapes: np.ndarray, bodies: int, light: np.ndarray) -> np.ndarray:
    """Axes across the light and the square, seen from it, that holds the first shapes."""
    frame = np.zeros(FRAME_COLUMNS)
    lx, ly, lz = light[TO_SUN], light[TO_SUN + 1], light[TO_SUN + 2]
    flat = math.sqrt(lx * lx + ly * ly)
    if flat > 1e-6:
        frame[0], frame[1] = -ly / flat, lx / flat
    else:
        frame[0] = 1.0
    frame[3] = ly * frame[2] - lz * frame[1]
    frame[4] = lz * frame[0] - lx * frame[2]
    frame[5] = lx * frame[1] - ly * frame[0]
    low, high = np.full(2, FAR), np.full(2, -FAR)
    for k in range(bodies):
        for ball in (BALL_A, BALL_B):
            for axis in range(2):
                at = 0.0
                for i in range(3):
                    at += frame[3 * axis + i] * shapes[k, ball + i]
                low[axis] = min(low[axis], at - shapes[k, ball + 3] - 0.02)
                high[axis] = max(high[axis], at + shapes[k, ball + 3] + 0.02)
    frame[6], frame[7] = low[0], low[1]
    frame[8] = MAP_PX / max(high[0] - low[0], high[1] - low[1])
    return frame


@compiled
def shadows_of(shapes: np.ndarray, bodies: int, light: np.ndarray) -> Shadows:
    """The shadows of all shapes, as far as they fall on the first ones and the ground near them."""
    frame = light_frame(shapes, bodies, light)
    heights = np.full((MAP_PX, MAP_PX), -FAR)
    for k in range(len(shapes)):
        _add_heights(shapes, k, light, frame, heights)
    return Shadows(frame, heights, _blocks(heights))


@compiled
def _blocks(heights: np.ndarray) -> np.ndarray:
    blocks = np.zeros((2, MAP_PX // _BLOCK_PX, MAP_PX // _BLOCK_PX))
    blocks[0], blocks[1] = FAR, -FAR
    for i in range(MAP_PX):
        for j in range(MAP_PX):
            a, b = i // _BLOCK_PX, j // _BLOCK_PX
            blocks[0, a, b] = min(blocks[0, a, b], heights[i, j])
            blocks[1, a, b] = max(blocks[1, a, b], heights[i, j])
    return blocks


@compiled
def _add_heights(
    s: np.ndarray, k: int, light: np.ndarray, frame: np.ndarray, heights: np.ndarray
) -> None:
    low_a, high_a = _texels(s, k, frame, 0)
    low_b, high_b = _texels(s, k, frame, 1)
    lx, ly, lz = light[TO_SUN], light[TO_SUN + 1], light[TO_SUN + 2]
    start, step, form = 100.0, 1.0 / frame[8], form_of(s, k)
    down = to_local(s, k, -lx, -ly, -lz)
    across = to_local(s, k, step * frame[0], step * frame[1], step * frame[2])
    for i in range(low_b, high_b):
        a, b = frame[6] + (low_a + 0.5) * step, frame[7] + (i + 0.5) * step
        x, y, z = to_local(
            s, k,
            a * frame[0] + b * frame[3] + start * lx - s[k, CENTRE],
            a * frame[1] + b * frame[4] + start * ly - s[k, CENTRE + 1],
            a * frame[2] + b * frame[5] + start * lz - s[k, CENTRE + 2],
        )  # fmt: skip
        for j in range(low_a, high_a):
            n = j - low_a
            o = (x + n * across[0], y + n * across[1], z + n * across[2])
            t = hit_form(form, o, down)
            if t < FAR and heights[i, j] < start - t:
                heights[i, j] = start - t


@inlined
def _texels(s: np.ndarray, k: int, frame: np.ndarray, axis: int) -> tuple[int, int]:
    low, high = FAR, -FAR
    for ball in (BALL_A, BALL_B):
        at = 0.0
        for i in range(3):
            at += frame[3 * axis + i] * s[k, ball + i]
        low, high = min(low, at - s[k, ball + 3]), max(high, at + s[k, ball + 3])
    low = (low - frame[6 + axis]) * frame[8]
    high = (high - frame[6 + axis]) * frame[8] + 1.0
    return int(min(max(low, 0.0), MAP_PX)), int(min(max(high, 0.0), MAP_PX))


@inlined
def sunlit(
    frame: np.ndarray, heights: np.ndarray, blocks: np.ndarray, light: np.ndarray,
    x: float, y: float, z: float,
) -> float:  # fmt: skip
    """Share of the sun that reaches a point, from 9 samples around it (arrays: Shadows)."""
    a = (frame[0] * x + frame[1] * y + frame[2] * z - frame[6]) * frame[8] - 0.5
    b = (frame[3] * x + frame[4] * y + frame[5] * z - frame[7]) * frame[8] - 0.5
    reach = max(light[SOFTNESS] * frame[8], 0.6)
    if a < -reach or b < -reach or a > MAP_PX + reach or b > MAP_PX + reach:
        return 1.0
    height = light[TO_SUN] * x + light[TO_SUN + 1] * y + light[TO_SUN + 2] * z + _BIAS_M
    lowest, highest = _range_around(blocks, a, b, reach)
    if highest <= height or lowest > height:
        return 1.0 if highest <= height else 0.0
    lit = 0.0
    for i in range(-1, 2):
        for j in range(-1, 2):
            lit += _between(heights, a + j * reach, b + i * reach, height)
    return lit / 9.0


@inlined
def _range_around(blocks: np.ndarray, a: float, b: float, reach: float) -> tuple[float, float]:
    """Lowest and highest texel of the blocks that samples around a point fall into."""
    last = MAP_PX // _BLOCK_PX - 1
    left, right = int(a - reach), int(a + reach + 1.0)
    top, bottom = int(b - reach), int(b + reach + 1.0)
    lowest, highest = FAR, -FAR
    if min(left, top) <= 0 or max(right, bottom) >= MAP_PX:
        lowest = -FAR
    for i in range(max(top, 0) // _BLOCK_PX, min(bottom // _BLOCK_PX, last) + 1):
        for j in range(max(left, 0) // _BLOCK_PX, min(right // _BLOCK_PX, last) + 1):
            lowest = min(lowest, blocks[0, i, j])
            highest = max(highest, blocks[1, i, j])
    return lowest, highest


@inlined
def _between(heights: np.ndarray, a: float, b: float, height: float) -> float:
    """Bilinear mean of the four texels' verdicts."""
    i, j = math.floor(b), math.floor(a)
    down, right = b - i, a - j
    lit = 0.0
    for di in range(2):
        for dj in range(2):
            weight = (down if di else 1 - down) * (right if dj else 1 - right)
            inside = 0 <= i + di < MAP_PX and 0 <= j + dj < MAP_PX
            if not inside or heights[i + di, j + dj] <= height:
                lit += weight
    return lit
