"""One image: what each pixel sees, how much light comes from there, and the film it falls on.

Shapes are drawn one after the other into a depth buffer, each ray meeting the exact surface;
pixels at an edge are then looked at again with four rays.
"""

import math
from typing import NamedTuple

import numpy as np

from monopose.data.studio.images.compiled import (
    BALL_A,
    CENTRE,
    FAR,
    MATERIAL,
    PART,
    compiled,
    inlined,
)
from monopose.data.studio.images.lens import BOX, FOCAL, POSITION, Ray, bounds, ray_through
from monopose.data.studio.images.shading import background_colour, shape_colour
from monopose.data.studio.images.shadow import shadows_of
from monopose.data.studio.images.shapes import form_of, hit_form, to_local
from monopose.data.studio.images.textures import hashed


class View(NamedTuple):
    """Everything one image is made of, as plain arrays (columns: compiled.py, lens.py).

    shapes: S x 30, the body's first, `bodies` of them. neighbours: for each of the body's
    shapes N others, -1 for none.
    materials: M x 12. walls: W x 5 (normal into the room, offset, material). pictures: P x 6
    (wall, u0, v0, u1, v1, material). ground: material of the plane z = 0. contact: balls
    whose nearness darkens the ground, rows x, y, z above 0 and 1.3 r^2. lens: 25. light: 20.
    """

    shapes: np.ndarray
    bodies: int
    neighbours: np.ndarray
    materials: np.ndarray
    walls: np.ndarray
    pictures: np.ndarray
    ground: int
    contact: np.ndarray
    lens: np.ndarray
    light: np.ndarray


@compiled
def depth_buffer(shapes: np.ndarray, lens: np.ndarray, size_px: int) -> tuple[np.ndarray, ...]:
    """Depth in metres (FAR where there is no shape) and the number of the nearest shape (or -1)."""
    depth = np.full((size_px, size_px), FAR)
    number = np.full((size_px, size_px), -1, np.int32)
    rays = np.zeros((size_px, size_px, 3))
    for i in range(size_px):
        for j in range(size_px):
            ray = ray_through(lens, j + 0.5, i + 0.5, size_px)
            rays[i, j, 0], rays[i, j, 1], rays[i, j, 2] = ray
    for k in range(len(shapes)):
        _draw(shapes, k, lens, rays, depth, number)
    return depth, number


@compiled
def _draw(shapes: np.ndarray, k: int, lens: np.ndarray, rays: np.ndarray, depth: np.ndarray,
          number: np.ndarray) -> None:  # fmt: skip
    balls = shapes[k, BALL_A : BALL_A + 8].reshape((2, 4))
    left, right, top, bottom = bounds(lens, balls, len(depth))
    form, origin = form_of(shapes, k), _seen_from(shapes, k, lens)
    for i in range(top, bottom):
        for j in range(left, right):
            d = to_local(shapes, k, rays[i, j, 0], rays[i, j, 1], rays[i, j, 2])
            t = hit_form(form, origin, d)
            if t < depth[i, j]:
                depth[i, j] = t
                number[i, j] = k


@inlined
def _seen_from(shapes: np.ndarray, k: int, lens: np.ndarray) -> Ray:
    """Where the camera is, in the shape's own units."""
    return to_local(
        shapes, k,
        lens[POSITION] - shapes[k, CENTRE],
        lens[POSITION + 1] - shapes[k, CENTRE + 1],
        lens[POSITION + 2] - shapes[k, CENTRE + 2],
    )  # fmt: skip


@compiled
def parts_of(shapes: np.ndarray, number: np.ndarray) -> np.ndarray:
    """The part of each pixel's shape, -1 for the background."""
    parts = np.full(number.shape, -1, np.int32)
    for i in range(number.shape[0]):
        for j in range(number.shape[1]):
            if number[i, j] >= 0:
                parts[i, j] = int(shapes[number[i, j], PART])
    return parts


@compiled
def _edges(shapes: np.ndarray, number: np.ndarray) -> np.ndarray:
    """True where a pixel beside shows another surface: another part or material, or none."""
    surface = np.full(len(shapes) + 1, -1, np.int32)  # the last one is read for number -1
    for k in range(len(shapes)):
        surface[k] = int(shapes[k, PART]) * 1024 + int(shapes[k, MATERIAL])
    height, width = number.shape
    edges = np.zeros(number.shape, np.bool_)
    for i in range(height):
        for j in range(width):
            here = surface[number[i, j]]
            if j + 1 < width and surface[number[i, j + 1]] != here:
                edges[i, j] = edges[i, j + 1] = True
            if i + 1 < height and surface[number[i + 1, j]] != here:
                edges[i, j] = edges[i + 1, j] = True
    return edges


@inlined
def _around(number: np.ndarray, i: int, j: int, found: np.ndarray) -> int:
    """Collects the different shapes of a pixel and its eight neighbours; returns how many."""
    count = 0
    for a in range(max(i - 1, 0), min(i + 2, number.shape[0])):
        for b in range(max(j - 1, 0), min(j + 2, number.shape[1])):
            known = False
            for c in range(count):
                known = known or found[c] == number[a, b]
            if not known:
                found[count] = number[a, b]
                count += 1
    return count


@inlined
def _covered(shapes: np.ndarray, lens: np.ndarray, found: np.ndarray, count: int, i: int, j: int,
             size_px: int, share: np.ndarray, where: np.ndarray) -> None:  # fmt: skip
    """How much of a pixel each candidate fills, by four rays, and one ray that meets it."""
    for c in range(count):
        share[c] = 0.0
    for ray in range(4):
        # A rotated grid: no two of the four rays share a row or a column.
        column, row = j + 0.125 + 0.25 * ray, i + 0.125 + 0.25 * ((2 * ray + 1) % 5)
        dx, dy, dz = ray_through(lens, column, row, size_px)
        nearest, best = FAR, -1
        for c in range(count):
            if found[c] < 0:
                best = c if nearest == FAR else best
                continue
            k = found[c]
            d = to_local(shapes, k, dx, dy, dz)
            t = hit_form(form_of(shapes, k), _seen_from(shapes, k, lens), d)
            if t < nearest:
                nearest, best = t, c
        if best >= 0:
            share[best] += 0.25
            where[best, 0], where[best, 1], where[best, 2] = column, row, nearest


@compiled
def render(view: View, size_px: int) -> np.ndarray:
    """The image in linear light, size x size x 3, float32."""
    shapes, lens, light = view.shapes, view.lens, view.light
    neighbours, materials, walls = view.neighbours, view.materials, view.walls
    pictures, ground, contact = view.pictures, view.ground, view.contact
    depth, number = depth_buffer(shapes, lens, size_px)
    edges = _edges(shapes, number)
    frame, heights, blocks = shadows_of(shapes, view.bodies, light)
    pixel = lens[BOX + 2] / (size_px * lens[FOCAL])
    image = np.zeros((size_px, size_px, 3), np.float32)
    found, share, where = np.zeros(9, np.int32), np.zeros(9), np.zeros((9, 3))
    o = (lens[POSITION], lens[POSITION + 1], lens[POSITION + 2])
    for i in range(size_px):
        for j in range(size_px):
            count, found[0], share[0] = 1, number[i, j], 1.0
            where[0, 0], where[0, 1], where[0, 2] = j + 0.5, i + 0.5, depth[i, j]
            if edges[i, j]:
                count = _around(number, i, j, found)
                _covered(shapes, lens, found, count, i, j, size_px, share, where)
            total = 0.0
            for c in range(count):
                if share[c] == 0.0:
                    continue
                dx, dy, dz = ray_through(lens, where[c, 0], where[c, 1], size_px)
                k, t, length = found[c], where[c, 2], math.sqrt(dx * dx + dy * dy + dz * dz)
                d = (dx / length, dy / length, dz / length)
                if k < 0:
                    r, g, b = background_colour(walls, pictures, materials, ground, contact, o, d,
                                                pixel, light, frame, heights, blocks)  # fmt: skip
                else:
                    p = (o[0] + t * dx, o[1] + t * dy, o[2] + t * dz)
                    near = pixel * t * length
                    r, g, b = shape_colour(shapes, neighbours, materials, k, p, d, near, light,
                                           frame, heights, blocks)  # fmt: skip
                image[i, j, 0] += share[c] * r
                image[i, j, 1] += share[c] * g
                image[i, j, 2] += share[c] * b
                total += share[c]
            for channel in range(3):
                image[i, j, channel] /= max(total, 0.25)
    return image


# x ** (1 / 2.2) as a table over the square root of x, where it is nearly straight.
_GAMMA_STEPS = 1024
_GAMMA = (np.arange(_GAMMA_STEPS + 1) / _GAMMA_STEPS) ** (2 / 2.2)


@compiled
def develop(image: np.ndarray, exposure: float, noise: float, seed: int) -> np.ndarray:
    """8-bit sRGB of linear light: exposure, a soft shoulder, sensor noise (sigma in 0..1)."""
    out = np.zeros(image.shape, np.uint8)
    height, width, channels = image.shape
    for i in range(height):
        for j in range(width):
            for c in range(channels):
                value = max(image[i, j, c] * exposure, 0.0)
                value = value / math.sqrt(1.0 + 0.25 * value * value)
                value = _GAMMA[int(math.sqrt(min(value, 1.0)) * _GAMMA_STEPS + 0.5)]
                bits = int(hashed(i, j, seed + c) * 16777216.0)
                three = (bits & 255) + ((bits >> 8) & 255) + (bits >> 16)
                random = three / 256.0 - 1.494  # uniform numbers: variance 3 / 12
                value += 2.0 * noise * (1.2 - 0.5 * value) * random
                out[i, j, c] = int(min(max(255.0 * value + 0.5, 0.0), 255.0))
    return out
