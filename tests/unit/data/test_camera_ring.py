"""The ring of studio cameras."""

import numpy as np
import pytest
from tests.present import present

from monopose.data.camera_ring import looking_at, studio_cameras
from monopose.geometry.camera import camera_to_world, project, world_to_camera


@pytest.mark.parametrize("seed", range(5))
def test_cameras_stand_around_the_room_and_look_in(seed: int) -> None:
    cameras = studio_cameras(np.random.default_rng(seed))
    positions = np.stack([camera_to_world(np.zeros(3), camera) for camera in cameras])
    assert np.all((positions[:, 2] > 1.2) & (positions[:, 2] < 1.9))
    assert np.all(np.abs(np.linalg.norm(positions[:, :2], axis=1) - 7.5) < 0.7)
    azimuth_deg = np.sort(np.degrees(np.arctan2(positions[:, 1], positions[:, 0])) % 360)
    gaps_deg = np.diff([*azimuth_deg, azimuth_deg[0] + 360])
    assert np.all(np.abs(gaps_deg - 90) < 31)
    for camera in cameras:
        assert np.linalg.det(present(camera.rotation)) == pytest.approx(1.0)
        middle_px = project(world_to_camera(np.array([0.0, 0.0, 0.93]), camera), camera)
        assert np.abs(middle_px - 500).max() < 100
        above_px = project(world_to_camera(np.array([0.0, 0.0, 1.5]), camera), camera)
        assert above_px[1] < middle_px[1] - 60


def test_no_two_labs_are_alike() -> None:
    first, second = (studio_cameras(np.random.default_rng(seed))[0] for seed in (0, 1))
    assert np.abs(present(first.rotation) - present(second.rotation)).max() > 1e-3
    assert first.fx != second.fx


def test_lens_distortion_is_small_and_only_on_request() -> None:
    plain = studio_cameras(np.random.default_rng(2))
    bent = studio_cameras(np.random.default_rng(2), lens_distortion=True)
    assert all(camera.distortion is None for camera in plain)
    for camera in bent:
        assert camera.distortion is not None
        corner_m = np.array([0.43, 0.43, 1.0])
        straight_px = corner_m[:2] * (camera.fx, camera.fy) + (camera.cx, camera.cy)
        assert 0.01 < np.linalg.norm(project(corner_m, camera) - straight_px) < 40


def test_a_level_camera_on_the_x_axis() -> None:
    rotation = looking_at(np.array([5.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0]))
    # Looking along -x, the picture's right is +y and its down is -z.
    np.testing.assert_allclose(rotation, [[0, 1, 0], [0, 0, -1], [-1, 0, 0]], atol=1e-12)


def test_positive_roll_turns_the_x_axis_down() -> None:
    rotation = looking_at(np.array([5.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0]), roll_deg=10.0)
    assert rotation[0, 2] == pytest.approx(-np.sin(np.radians(10)))
