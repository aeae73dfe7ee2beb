import numpy as np
import pytest
from jaxtyping import Float64
from scipy.stats import bootstrap

from monopose.evaluation.statistics import (
    Interval,
    bootstrap_interval,
    paired_bootstrap,
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
    alone = paired_bootstrap(np.array([50.0]), np.array([40.0]), np.array([10.0]), seed=0)
    assert (alone.mean, alone.low, alone.high, alone.distinguishable) == (10, None, None, False)


def test_pairing_shows_a_small_difference_that_clips_would_hide() -> None:
    rng = np.random.default_rng(4)
    difficulty = rng.normal(60, 20, 30)
    b = difficulty + rng.normal(0, 0.5, 30)
    difference = paired_bootstrap(difficulty + 1, b, np.ones(30), seed=0)
    assert difference.distinguishable
    low, high = ends((difference.low, difference.high))
    assert low < 1 < high
    assert difference.mean == pytest.approx(np.mean(difficulty + 1 - b))
    reverse = paired_bootstrap(b, difficulty + 1, np.ones(30), seed=0)
    assert reverse.distinguishable
    assert reverse.mean == pytest.approx(-difference.mean)


def test_models_that_differ_by_chance_are_not_distinguishable() -> None:
    a = np.array([50.0, 60, 70, 80])
    difference = paired_bootstrap(a, a[::-1], np.ones(4), seed=0)
    assert not difference.distinguishable
    low, high = ends((difference.low, difference.high))
    assert low < 0 < high
    same = paired_bootstrap(a, a, np.ones(4), seed=0)
    assert (same.low, same.high, same.distinguishable) == (0, 0, False)
