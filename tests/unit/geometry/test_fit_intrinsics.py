"""Intrinsics from 3D and 2D of the same points."""

import numpy as np
from tests.present import present

from monopose.geometry.camera import Camera, project
from monopose.geometry.fit_intrinsics import fit_intrinsics

POINTS = np.random.default_rng(0).uniform((-1, -1, 3), (1, 1, 5), (200, 3))
CAMERA = Camera("a", fx=1500.0, fy=1450.0, cx=1010.0, cy=990.0)


def test_the_camera_is_found_exactly() -> None:
    fit = present(fit_intrinsics(POINTS, project(POINTS, CAMERA)))
    np.testing.assert_allclose((fit.fx, fit.fy, fit.cx, fit.cy), (1500, 1450, 1010, 990))
    assert fit.residual_px < 1e-9


def test_points_behind_the_camera_do_not_count() -> None:
    points = np.concatenate([POINTS, -POINTS])
    seen = np.concatenate([project(POINTS, CAMERA), np.zeros((200, 2))])
    assert present(fit_intrinsics(points, seen)).residual_px < 1e-9


def test_what_no_pinhole_camera_sees_leaves_a_residual() -> None:
    scaled = POINTS.mean(axis=0) + 1.1 * (POINTS - POINTS.mean(axis=0))
    pixels = project(POINTS, CAMERA) + 30 * np.sin(40 * POINTS[:, :2])
    assert present(fit_intrinsics(scaled, pixels)).residual_px > 5


def test_no_camera_is_no_answer() -> None:
    assert fit_intrinsics(-POINTS, project(POINTS, CAMERA)) is None
    assert fit_intrinsics(POINTS[:1], project(POINTS[:1], CAMERA)) is None
    assert fit_intrinsics(POINTS, -project(POINTS, CAMERA)) is None
