import numpy as np
import pytest
from jaxtyping import Float64
from scipy.stats import bootstrap

from monopose.evaluation.statistics import (
    Interval,
    bootstrap_interval,
    weighted_mean,
)


def ends(interval: Interval) -> tuple[float, float]:
    """Low and high of an interval that must be there."""
    low, high = interval
    assert low is not None
    assert high is not None
    return low, high


def test_the_pooled_mean_counts_frames() -> None:
    assert weighted_mean(np.array([10.0, 40.0]), np.array([2.0, 1.0])) == pytest.approx(20)


def test_the_interval_covers_the_true_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        clips = rng.gamma(4, 15, 15)  # mean 60, skewed as errors are
        weights = rng.uniform(200, 900, 15)
        low, high = ends(bootstrap_interval(clips, weights, seed=seed, resamples=1000))
        covered += low <= 60 <= high
    # 95 % of 200 draws is 190, with a standard deviation of 3.1; skewness costs a few draws
    assert 180 <= covered <= 199


def pooled(
    values: Float64[np.ndarray, "*draws clips"],
    weights: Float64[np.ndarray, "*draws clips"],
    axis: int,
) -> Float64[np.ndarray, "*draws"]:
    return (values * weights).sum(axis) / weights.sum(axis)


def test_with_many_clips_it_agrees_with_scipys_percentile_interval() -> None:
    values = np.random.default_rng(1).normal(60, 10, 400)
    weights = values**2  # harder clips are longer, so the weights move the mean by 3 mm
    expected = bootstrap(
        (values, weights),
        pooled,
        paired=True,
        method="percentile",
        n_resamples=5000,
        rng=np.random.default_rng(2),
    ).confidence_interval
    interval = ends(bootstrap_interval(values, weights, seed=3, resamples=5000))
    np.testing.assert_allclose(interval, [expected.low, expected.high], atol=0.1)


def test_the_interval_is_reproducible_and_widens_with_the_level() -> None:
    values, weights = np.array([50.0, 60, 75, 80]), np.array([100.0, 300, 200, 100])
    narrow = ends(bootstrap_interval(values, weights, seed=1, level=0.5))
    wide = ends(bootstrap_interval(values, weights, seed=1, level=0.95))
    assert wide == bootstrap_interval(values, weights, seed=1)
    assert wide[0] < narrow[0] < weighted_mean(values, weights) < narrow[1] < wide[1]


def test_one_clip_has_no_interval() -> None:
    assert bootstrap_interval(np.array([50.0]), np.array([10.0]), seed=0) == (None, None)
