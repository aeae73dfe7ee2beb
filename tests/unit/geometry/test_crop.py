import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monopose.errors import InputError
from monopose.geometry.camera import Camera, project
from monopose.geometry.crop import camera_to_crop, crop_rotation, crop_to_camera

CAMERA = Camera("c", fx=1100.0, fy=1150.0, cx=510.0, cy=490.0, width=1000, height=1000)


@given(st.floats(-500, 1500), st.floats(-500, 1500))
def test_the_virtual_cameras_axis_is_the_ray_of_the_crops_centre(x: float, y: float) -> None:
    rotation = crop_rotation(np.array([x, y]), CAMERA)
    ray = np.array([(x - 510) / 1100, (y - 490) / 1150, 1.0])
    ray /= np.sqrt(ray @ ray)
    assert np.abs(rotation @ np.array([0.0, 0, 1]) - ray).max() < 1e-9
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_a_centred_crop_needs_no_correction() -> None:
    np.testing.assert_allclose(crop_rotation(np.array([510.0, 490.0]), CAMERA), np.eye(3))


def test_no_roll_the_virtual_x_axis_stays_level() -> None:
    centres_px = np.random.default_rng(0).uniform(0, 1000, (4, 5, 2))
    rotation = crop_rotation(centres_px, CAMERA)
    assert rotation.shape == (4, 5, 3, 3)
    np.testing.assert_allclose(rotation[..., 1, 0], 0, atol=1e-12)


def test_a_point_on_the_virtual_axis_projects_to_the_crops_centre() -> None:
    centre_px = np.array([820.0, 130.0])
    on_axis_m = np.array([[0, 0, 4.0]])
    real_m = crop_to_camera(on_axis_m, crop_rotation(centre_px, CAMERA))
    np.testing.assert_allclose(project(real_m, CAMERA)[0], centre_px, atol=1e-9)


def test_the_lens_is_taken_out_before_the_ray_is() -> None:
    lens = Camera(
        "c", fx=1100.0, fy=1150.0, cx=510.0, cy=490.0, distortion=(-0.2, 0.25, 1e-3, -8e-4, -2e-3)
    )
    point_m = np.array([[0.8, -0.5, 3.0]])
    rotation = crop_rotation(project(point_m, lens)[0], lens)
    np.testing.assert_allclose(rotation[:, 2], point_m[0] / np.linalg.norm(point_m), atol=1e-8)


def test_to_the_crop_and_back_changes_nothing() -> None:
    pose_m = np.random.default_rng(1).normal(size=(6, 17, 3))
    rotation = crop_rotation(np.random.default_rng(2).uniform(0, 1000, (6, 2)), CAMERA)
    there_m = camera_to_crop(pose_m, rotation)
    assert np.abs(there_m - pose_m).max() > 0.1
    np.testing.assert_allclose(crop_to_camera(there_m, rotation), pose_m, atol=1e-12)


def test_a_camera_without_intrinsics_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"porch: camera has no intrinsics; give fx, fy"):
        crop_rotation(np.array([1.0, 2.0]), Camera("porch"))
