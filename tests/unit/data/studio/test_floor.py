"""Standing on the floor: height, planted support and flight of simple bodies."""

import numpy as np

from monopose.data.studio.floor import stand_on_floor

CLEARANCE_M = np.array([0.1, 0.05, 0.05])


def _two_legged(frames: int) -> np.ndarray:
    """A pelvis with two feet one metre below it, 20 cm apart."""
    pose_m = np.zeros((frames, 3, 3))
    pose_m[:, 1:] = ((0.0, 0.1, -1.0), (0.0, -0.1, -1.0))
    return pose_m


def test_lowest_part_rests_on_the_floor() -> None:
    pose_m = _two_legged(4)
    pose_m[:, 2, 2] += 0.3
    world_m = stand_on_floor(pose_m, CLEARANCE_M)
    np.testing.assert_allclose(world_m[:, 1, 2], 0.05, atol=1e-6)
    np.testing.assert_allclose(world_m[:, 0, 2], 1.05, atol=1e-6)


def test_the_bearing_foot_does_not_slide_while_the_other_swings() -> None:
    pose_m = _two_legged(50)
    pose_m[:, 1, 0] = np.linspace(0.3, -0.3, 50)
    pose_m[:, 2, 0] = np.linspace(-0.3, 0.3, 50)
    pose_m[:, 2, 2] += 0.15
    world_m = stand_on_floor(pose_m, CLEARANCE_M)
    assert np.ptp(world_m[:, 1, :2], axis=0).max() < 1e-6
    np.testing.assert_allclose(world_m[-1, 0, 0] - world_m[0, 0, 0], 0.6, atol=1e-6)


def test_a_known_bearing_foot_is_planted_though_the_other_is_lower() -> None:
    pose_m = _two_legged(20)
    pose_m[:, 1, 0] = np.linspace(0.1, -0.1, 20)
    pose_m[:, 2, 0] = np.linspace(-0.4, 0.4, 20)
    pose_m[:, 2, 2] -= 0.02
    bearing = np.tile([0.0, 1.0, 0.0], (20, 1))
    world_m = stand_on_floor(pose_m, CLEARANCE_M, bearing=bearing)
    assert np.ptp(world_m[:, 1, :2], axis=0).max() < 1e-9
    assert np.abs(world_m[:, 2, 2] - 0.05).max() < 0.01


def test_flight_keeps_the_velocity_of_take_off() -> None:
    pose_m = _two_legged(30)
    pose_m[:, 1:, 0] = -0.02 * np.arange(30)[:, None]
    pose_m[10:20, 1:, 0] = pose_m[10, 1, 0]
    pose_m[20:, 1:, 0] = pose_m[10, 1, 0] - 0.02 * np.arange(10)[:, None]
    lift_m = np.zeros(30)
    lift_m[10:22] = 0.2
    world_m = stand_on_floor(pose_m, CLEARANCE_M, lift_m)
    np.testing.assert_allclose(np.diff(world_m[:, 0, 0]), 0.02, atol=1e-9)
    np.testing.assert_allclose(world_m[15, 1, 2] - world_m[5, 1, 2], 0.2, atol=1e-9)


def test_gliding_averages_the_velocity() -> None:
    pose_m = _two_legged(60)
    pose_m[30:, 1:, 0] = -0.02 * np.arange(30)[:, None]
    steps_m = np.diff(stand_on_floor(pose_m, CLEARANCE_M, glide_frames=10)[:, 0, 0])
    assert steps_m.max() <= 0.02 + 1e-9
    assert np.abs(np.diff(steps_m)).max() < 0.02 / 3
    np.testing.assert_allclose(steps_m[:20], 0.0, atol=1e-9)
    np.testing.assert_allclose(steps_m[40:], 0.02, atol=1e-9)
