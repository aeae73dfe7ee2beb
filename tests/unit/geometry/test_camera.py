import numpy as np
import pytest
from jaxtyping import Float64
from scipy.optimize import fsolve
from scipy.spatial.transform import Rotation

from monopose.errors import InputError
from monopose.geometry.camera import (
    Camera,
    assume_intrinsics,
    camera_to_world,
    distort,
    pixel_rays,
    project,
    undistort,
    world_to_camera,
)

# Three metres south of the origin, looking north: x right is east, y down is -Z, z is north.
LEVEL = Camera(
    "level",
    rotation=np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
    translation_m=np.array([0, 0, 3.0]),
    fx=1000.0,
    fy=1000.0,
    cx=500.0,
    cy=400.0,
    width=1000,
    height=800,
)
LENS = (-0.2, 0.25, 1e-3, -8e-4, -2e-3)


def test_world_axes_fall_where_a_level_camera_sees_them() -> None:
    points_world_m = np.array([[0.0, 0, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]])
    expected = [[0, 0, 3], [1, 0, 3], [0, -1, 3], [0, 0, 4]]
    np.testing.assert_allclose(world_to_camera(points_world_m, LEVEL), expected)


def test_world_and_back() -> None:
    rng = np.random.default_rng(0)
    camera = Camera("c", Rotation.random(rng=rng).as_matrix(), rng.normal(size=3))
    points_m = rng.normal(size=(4, 17, 3))
    back_m = camera_to_world(world_to_camera(points_m, camera), camera)
    np.testing.assert_allclose(back_m, points_m, atol=1e-12)


def test_projection_by_similar_triangles() -> None:
    points_camera_m = np.array([[0.0, 0, 3], [1, 0.5, 4]])
    expected_px = [[500.0, 400.0], [500 + 1000 / 4, 400 + 500 / 4]]
    np.testing.assert_allclose(project(points_camera_m, LEVEL), expected_px)


def test_projection_keeps_single_precision() -> None:
    assert project(np.ones((2, 3), np.float32), LEVEL).dtype == np.float32


def test_distortion_of_one_point_by_hand() -> None:
    # r2 = 0.25: radial = 1 + 0.1*0.25 + 0.2*0.0625 + 0.4*0.015625 = 1.04375
    xy = distort(np.array([0.3, 0.4]), (0.1, 0.2, 0.01, 0.02, 0.4))
    x = 0.3 * 1.04375 + 2 * 0.01 * 0.12 + 0.02 * (0.25 + 2 * 0.09)
    y = 0.4 * 1.04375 + 0.01 * (0.25 + 2 * 0.16) + 2 * 0.02 * 0.12
    np.testing.assert_allclose(xy, [x, y], atol=1e-15)


def test_undistort_agrees_with_a_root_finder() -> None:
    def left_over(
        xy: Float64[np.ndarray, "2"], seen: Float64[np.ndarray, "2"]
    ) -> Float64[np.ndarray, "2"]:
        return distort(xy, LENS) - seen

    for seen in np.random.default_rng(1).uniform(-0.5, 0.5, (10, 2)):
        root = fsolve(left_over, seen, args=(seen,), xtol=1e-13)
        np.testing.assert_allclose(undistort(seen, LENS), root, atol=1e-8)


def test_a_ray_projects_back_to_its_pixel() -> None:
    camera = Camera("c", fx=900.0, fy=950.0, cx=500.0, cy=400.0, distortion=LENS)
    points_px = np.random.default_rng(2).uniform(100, 800, (20, 2))
    rays = pixel_rays(points_px, camera)
    np.testing.assert_allclose(np.linalg.norm(rays, axis=-1), 1)
    np.testing.assert_allclose(project(rays, camera), points_px, atol=1e-5)


def test_assumed_intrinsics_follow_the_image_and_keep_a_calibration() -> None:
    assumed = assume_intrinsics(Camera("phone", width=1000, height=600))
    assert (assumed.fx, assumed.fy, assumed.cx, assumed.cy) == (1200, 1200, 500, 300)
    assert assume_intrinsics(LEVEL) is LEVEL
    with pytest.raises(InputError, match=r"phone: camera has neither .*; give width and height"):
        assume_intrinsics(Camera("phone"))


def test_what_is_not_known_is_refused_with_the_cameras_name() -> None:
    blind = Camera("blind")
    assert not blind.has_extrinsics
    assert not blind.has_intrinsics
    points_m = np.ones((1, 3))
    for call in (world_to_camera, camera_to_world):
        with pytest.raises(InputError, match="blind: camera has no extrinsics"):
            call(points_m, blind)
    with pytest.raises(InputError, match="blind: camera has no intrinsics"):
        project(points_m, blind)
