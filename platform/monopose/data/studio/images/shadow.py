"""Who stands in the sun: a depth map seen from the light, looked up with soft edges."""

import math

import numpy as np

from monopose.data.studio.images.compiled import BALL_A, BALL_B, FAR, SOFTNESS, TO_SUN, compiled
from monopose.data.studio.images.shapes import hit

MAP_PX = 112
_BIAS_M = 0.012

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
def shadow_map(shapes: np.ndarray, light: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Height towards the light of the topmost surface, by texel; -FAR where there is none."""
    heights = np.full((MAP_PX, MAP_PX), -FAR)
    lx, ly, lz = light[TO_SUN], light[TO_SUN + 1], light[TO_SUN + 2]
    start = 100.0
    for k in range(len(shapes)):
        low_a, high_a = _texels(shapes, k, frame, 0)
        low_b, high_b = _texels(shapes, k, frame, 1)
        for i in range(low_b, high_b):
            for j in range(low_a, high_a):
                a = frame[6] + (j + 0.5) / frame[8]
                b = frame[7] + (i + 0.5) / frame[8]
                ox = a * frame[0] + b * frame[3] + start * lx
                oy = a * frame[1] + b * frame[4] + start * ly
                oz = a * frame[2] + b * frame[5] + start * lz
                t = hit(shapes, k, ox, oy, oz, -lx, -ly, -lz)
                if t < FAR:
                    heights[i, j] = max(heights[i, j], start - t)
    return heights


@compiled
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


@compiled
def sunlit(
    heights: np.ndarray, frame: np.ndarray, light: np.ndarray, x: float, y: float, z: float
) -> float:
    """Share of the sun that reaches a point, from 9 samples around it."""
    a = (frame[0] * x + frame[1] * y + frame[2] * z - frame[6]) * frame[8] - 0.5
    b = (frame[3] * x + frame[4] * y + frame[5] * z - frame[7]) * frame[8] - 0.5
    reach = max(light[SOFTNESS] * frame[8], 0.6)
    if a < -reach or b < -reach or a > MAP_PX + reach or b > MAP_PX + reach:
        return 1.0
    height = light[TO_SUN] * x + light[TO_SUN + 1] * y + light[TO_SUN + 2] * z + _BIAS_M
    lit = 0.0
    for i in range(-1, 2):
        for j in range(-1, 2):
            lit += _between(heights, a + j * reach, b + i * reach, height)
    return lit / 9.0


@compiled
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
