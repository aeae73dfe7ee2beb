import numpy as np
import pytest

from monopose.geometry.camera import Camera, project
from monopose.geometry.weak_perspective import fit_weak_perspective, project_weak


def test_the_fit_recovers_the_projection_it_came_from() -> None:
    rng = np.random.default_rng(0)
    pose_m = rng.normal(size=(5, 17, 3))
    scale, shift_px = rng.uniform(50, 500, 5), rng.uniform(0, 1000, (5, 2))
    keypoints_px = project_weak(pose_m, scale, shift_px)
    fitted_scale, fitted_shift_px = fit_weak_perspective(pose_m, keypoints_px, np.ones((5, 17)))
    np.testing.assert_allclose(fitted_scale, scale, rtol=1e-12)
    np.testing.assert_allclose(fitted_shift_px, shift_px, rtol=1e-12)


def test_the_fit_is_the_weighted_least_squares_solution() -> None:
    rng = np.random.default_rng(1)
    pose_m, keypoints_px = rng.normal(size=(17, 3)), rng.normal(size=(17, 2)) * 100
    weight = rng.uniform(size=17)
    columns = np.zeros((17, 2, 3))
    columns[..., 0] = pose_m[:, :2]
    columns[:, 0, 1] = columns[:, 1, 2] = 1
    root = np.sqrt(np.repeat(weight, 2))
    matrix, values = columns.reshape(34, 3) * root[:, None], keypoints_px.ravel() * root
    expected = np.linalg.lstsq(matrix, values, rcond=None)[0]
    scale, shift_px = fit_weak_perspective(pose_m, keypoints_px, weight)
    np.testing.assert_allclose([scale, *shift_px], expected, rtol=1e-10)


def test_a_keypoint_of_weight_zero_does_not_count() -> None:
    pose_m = np.random.default_rng(2).normal(size=(17, 3))
    keypoints_px = project_weak(pose_m, np.array(200.0), np.array([3.0, 4.0]))
    keypoints_px[5] = 1e6
    weight = np.ones(17)
    weight[5] = 0
    scale, shift_px = fit_weak_perspective(pose_m, keypoints_px, weight)
    assert scale == pytest.approx(200)
    np.testing.assert_allclose(shift_px, [3, 4], atol=1e-9)


def test_without_weighted_joints_or_spread_the_scale_is_zero() -> None:
    pose_m, keypoints_px = np.full((2, 17, 3), 0.1), np.full((2, 17, 2), 7.0)
    weight = np.stack([np.zeros(17), np.ones(17)])
    scale, shift_px = fit_weak_perspective(pose_m, keypoints_px, weight)
    np.testing.assert_array_equal(scale, [0, 0])
    np.testing.assert_allclose(shift_px, [[0, 0], [7, 7]])


def test_a_far_person_is_seen_in_weak_perspective() -> None:
    camera = Camera("c", fx=100_000.0, fy=100_000.0, cx=500.0, cy=400.0)
    pose_m = np.random.default_rng(3).uniform(-1, 1, (17, 3))
    keypoints_px = project(pose_m + np.array([0, 0, 1000.0]), camera)
    scale, shift_px = fit_weak_perspective(pose_m, keypoints_px, np.ones(17))
    assert scale == pytest.approx(100.0, rel=1e-3)
    np.testing.assert_allclose(shift_px, [500, 400], atol=0.1)
