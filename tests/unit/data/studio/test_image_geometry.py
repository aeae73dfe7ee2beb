"""The renderer's geometry against closed forms: silhouettes, hits, bounds, shadows."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monopose.data.camera_ring import looking_at
from monopose.data.studio.images import compiled as columns
from monopose.data.studio.images.lens import lens_of, ray_through
from monopose.data.studio.images.render import depth_buffer
from monopose.data.studio.images.shadow import shadows_of, sunlit
from monopose.data.studio.images.shape_rows import ShapeRows
from monopose.data.studio.images.shapes import distance, hit
from monopose.geometry.camera import Camera, project, world_to_camera

SIZE_PX = 96
BOX_PX = np.array([300.0, 250.0, 420.0, 420.0])


def camera_at(x: float, y: float, z: float, **more: Any) -> Camera:
    position_m = np.array([x, y, z])
    rotation = looking_at(position_m, np.array([0.0, 0.0, 1.0]), roll_deg=5.0)
    return Camera("c", rotation, -rotation @ position_m, 900.0, 905.0, 500.0, 480.0, **more)


def ball(centre_m: tuple[float, float, float], radius_m: float) -> np.ndarray:
    rows = ShapeRows(1)
    rows.ellipsoid(np.array([centre_m]), np.eye(3)[None], (radius_m,) * 3, material=0, part="head")
    return rows.rows()[0]


def cone(r1: float, r2: float, length_m: float, wide: float = 1.0) -> np.ndarray:
    """A round cone from the origin up, widened along x."""
    rows = ShapeRows(1)
    start, end = np.zeros((1, 3)), np.array([[0.0, 0.0, length_m]])
    rows.cone(start, end, (r1, r2), np.array([[1.0, 0, 0]]), material=0, part="torso",
              widen=(wide, 1.0))  # fmt: skip
    return rows.rows()[0]


def test_a_balls_silhouette_has_the_area_of_its_tangent_cone() -> None:
    camera = Camera("c", np.eye(3), np.zeros(3), 500.0, 500.0, 100.0, 100.0)
    lens = lens_of(camera, np.array([0.0, 0.0, 200.0, 200.0]))
    depth, number = depth_buffer(ball((0, 0, 3.0), 0.4), lens, 400)
    expected_px = math.pi * (500 * 0.4) ** 2 / (3.0**2 - 0.4**2) * 4
    assert (number >= 0).sum() == pytest.approx(expected_px, rel=0.005)
    assert depth.min() == pytest.approx(2.6, abs=1e-4)


@pytest.mark.parametrize("distortion", [None, (-0.2, 0.05, 0.002, -0.001, 0.0)])
def test_a_balls_picture_is_where_its_centre_projects(distortion: Any) -> None:
    camera = camera_at(3.0, 2.0, 1.6, distortion=distortion)
    for centre_m in ((0.2, 0.1, 1.1), (-0.3, 0.4, 0.7), (0.0, -0.3, 1.6)):
        _, number = depth_buffer(ball(centre_m, 0.03), lens_of(camera, BOX_PX), SIZE_PX * 4)
        rows, places = np.nonzero(number >= 0)
        pixel = project(world_to_camera(np.array(centre_m), camera), camera)
        expected = (pixel - BOX_PX[:2]) / BOX_PX[2:] * SIZE_PX * 4
        np.testing.assert_allclose((places.mean() + 0.5, rows.mean() + 0.5), expected, atol=0.4)


@pytest.mark.parametrize("distortion", [None, (-0.2, 0.05, 0.002, -0.001, 0.0)])
def test_bounds_miss_no_pixel(distortion: Any) -> None:
    camera = camera_at(1.2, -0.9, 1.4, distortion=distortion)
    lens = lens_of(camera, BOX_PX)
    for shape in (cone(0.2, 0.05, 1.5, 1.8), ball((0.9, -0.5, 1.3), 0.2), ball((0, 0, 5.0), 0.5)):
        _, number = depth_buffer(shape, lens, SIZE_PX)
        for i in range(0, SIZE_PX, 3):
            for j in range(0, SIZE_PX, 3):
                ray = ray_through(lens, j + 0.5, i + 0.5, SIZE_PX)
                seen = hit(shape, 0, 1.2, -0.9, 1.4, *ray) < columns.FAR
                assert seen == (number[i, j] >= 0), (i, j)


def test_hits_of_a_capsule_and_an_ellipsoid_are_where_they_must_be() -> None:
    assert hit(cone(0.1, 0.1, 1.0), 0, 2, 0, 0.5, -1, 0, 0) == pytest.approx(1.9)
    assert hit(cone(0.1, 0.1, 1.0, 2.0), 0, 2, 0, 0.5, -1, 0, 0) == pytest.approx(1.8)
    assert hit(cone(0.1, 0.05, 1.0), 0, 0, 0, 3, 0, 0, -1) == pytest.approx(1.95)
    assert hit(cone(0.1, 0.05, 1.0), 0, 2, 0, 1.5, -1, 0, 0) == columns.FAR
    rows = ShapeRows(1)
    rows.box(np.zeros((1, 3)), np.eye(3)[None], (0.5, 0.25, 1.0), material=0)
    assert hit(rows.rows()[0], 0, 0, 3, 0, 0, -1, 0) == pytest.approx(2.75)


numbers = st.floats(-1.0, 1.0)


@settings(max_examples=200, deadline=None)
@given(st.floats(0.02, 0.4), st.floats(0.02, 0.4), st.floats(0.0, 1.0), numbers, numbers, numbers)
def test_a_hit_is_on_the_surface_and_nothing_lies_before_it(
    r1: float, r2: float, length_m: float, x: float, y: float, z: float
) -> None:
    shape = cone(r1, r2, length_m)
    origin, aim = np.array([2.5, 0.3, 0.4]), np.array([0.3 * x, 0.3 * y, 0.4 + 0.6 * z])
    ray = aim - origin
    t = hit(shape, 0, *origin, *ray)
    samples = np.linspace(0, 2, 400)
    along = origin + samples[:, None] * ray
    gap_m = np.array([distance(shape, 0, *point)[0] for point in along])
    if t == columns.FAR:
        assert gap_m.min() > -1e-6
        return
    assert distance(shape, 0, *(origin + t * ray))[0] == pytest.approx(0.0, abs=1e-6)
    assert (gap_m[samples < t] > -1e-6).all()


@settings(max_examples=100, deadline=None)
@given(numbers, numbers, numbers)
def test_distance_to_a_round_cone_is_that_to_the_balls_it_spans(
    x: float, y: float, z: float
) -> None:
    """A round cone is the union of balls whose radius goes evenly from one end to the other."""
    share = np.linspace(0, 1, 4001)
    centres, radii = share * 0.8, 0.25 + share * (0.1 - 0.25)
    expected_m = (np.sqrt(x * x + y * y + (z - centres) ** 2) - radii).min()
    if expected_m > 0:
        found_m = distance(cone(0.25, 0.1, 0.8), 0, x, y, z)[0]
        assert found_m == pytest.approx(expected_m, abs=1e-4)


def test_a_balls_shadow_lies_where_the_suns_ray_through_its_centre_meets_the_ground() -> None:
    centre_m, radius_m = np.array([0.4, -0.2, 1.5]), 0.25
    to_sun = np.array([0.4, 0.2, 0.8]) / np.linalg.norm([0.4, 0.2, 0.8])
    light = np.zeros(columns.LIGHT_COLUMNS)
    light[columns.TO_SUN : columns.SUN] = to_sun
    shapes = ball((0.4, -0.2, 1.5), radius_m)
    shadows = shadows_of(shapes, 1, light)
    steps_m = np.arange(-1.5, 1.5, 0.02)
    dark = np.array(
        [(x, y, 1 - sunlit(*shadows, light, x, y, 0.0)) for x in steps_m for y in steps_m]
    )
    place_m = (dark[:, :2] * dark[:, 2:]).sum(axis=0) / dark[:, 2].sum()
    expected_m = centre_m - to_sun * centre_m[2] / to_sun[2]
    np.testing.assert_allclose(place_m, expected_m[:2], atol=0.01)
    area_m2 = dark[:, 2].sum() * 0.02**2
    assert area_m2 == pytest.approx(math.pi * radius_m**2 / to_sun[2], rel=0.03)
    # Above the ball the sun shines.
    assert sunlit(*shadows, light, 0.4, -0.2, 1.9) == pytest.approx(1.0)
