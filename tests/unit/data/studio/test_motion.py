"""The curves that actions are made of."""

import numpy as np

from monopose.data.studio.motion import bump, ease, pulses, through, wander

T_S = np.arange(0, 40, 0.02)


def test_ease_is_the_minimum_jerk_curve() -> None:
    s = np.linspace(0, 1, 101)
    curve = ease(s)
    np.testing.assert_allclose(curve[[0, 50, 100]], [0.0, 0.5, 1.0], atol=1e-12)
    # Flash and Hogan: the peak speed is 1.875 times the mean speed, at the middle.
    np.testing.assert_allclose(np.gradient(curve, s).max(), 1.875, atol=2e-3)
    np.testing.assert_allclose(ease(np.array([-3.0, 4.0])), [0.0, 1.0])


def test_bump_peaks_at_its_centre_every_period() -> None:
    phase = np.linspace(0, 2, 2001)
    curve = bump(phase, 0.3, 0.05)
    np.testing.assert_allclose(curve[[300, 1300]], 1.0, atol=1e-12)
    np.testing.assert_allclose(curve[350], np.exp(-0.5), atol=0.01)
    assert curve[800] < 1e-6


def test_through_passes_each_key_pose_on_time_and_comes_back() -> None:
    poses = [{"a": 10.0}, {"a": 30.0, "b": 5.0}, {}]
    curves = through(np.array([0.0, 1.0, 1.5, 3.0, 4.0]), poses, (1.0, 2.0, 1.0))
    # A quarter of the minimum-jerk way: 10/64 - 15/256 + 6/1024.
    quarter = 0.103515625
    np.testing.assert_allclose(curves["a"], [10.0, 30.0, 30 * (1 - quarter), 0.0, 10.0])
    np.testing.assert_allclose(curves["b"][[0, 1, 3, 4]], [0.0, 5.0, 0.0, 0.0])


def test_through_is_smooth() -> None:
    poses = [{"a": 0.0}, {"a": 90.0}, {"a": -20.0}]
    curve = through(T_S, poses, (0.7, 0.9, 0.5), 0.3)["a"]
    assert np.abs(np.diff(curve, 2)).max() / 0.02**2 < 110 * 5.8 / 0.7**2


def test_pulses_rise_and_fall_between_zero_and_one() -> None:
    curve = pulses(T_S, np.random.default_rng(3), period_s=2.0)
    assert curve.min() >= 0.0
    assert 0.8 <= curve.max() <= 1.0
    peaks = [curve[start : start + 100].max() for start in range(0, 1900, 100)]
    assert np.min(peaks) >= 0.75
    assert np.std(peaks) > 0.01
    assert np.abs(np.diff(curve)).max() < 0.06


def test_wander_has_unit_spread_and_no_jumps() -> None:
    curves = np.stack([wander(T_S, np.random.default_rng(seed)) for seed in range(60)])
    assert abs(curves.std() - 1.0) < 0.1
    assert np.abs(np.diff(curves, axis=1)).max() < 0.3
