import numpy as np
import pytest
from jaxtyping import Float64

from monopose.evaluation.seeds import (
    Statistic,
    difference_of,
    estimate,
    interval_over_seeds,
    mean_of,
    ratio_of,
)
from monopose.evaluation.statistics import Interval, bootstrap_interval

CLIPS = 15


def ends(interval: Interval) -> tuple[float, float]:
    """Low and high of an interval that must be there."""
    low, high = interval
    assert low is not None
    assert high is not None
    return low, high


def table(
    rng: np.random.Generator, seeds: int, spread: tuple[float, float, float], mean: float = 5.0
) -> Float64[np.ndarray, "S C"]:
    """Values around `mean` that vary by seed, by clip and by both, with these deviations."""
    by_seed, by_clip, rest = spread
    effects = by_seed * rng.standard_normal((seeds, 1)) + by_clip * rng.standard_normal((1, CLIPS))
    return np.asarray(mean + effects + rest * rng.standard_normal((seeds, CLIPS)))


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("spread", [(3.0, 0.0, 0.1), (1.0, 5.0, 1.0), (0.0, 5.0, 0.5)])
def test_the_interval_covers_the_true_mean_as_often_as_it_says(
    seeds: int, spread: tuple[float, float, float]
) -> None:
    rng = np.random.default_rng(seeds)
    covered = 0
    for seed in range(150):
        weights = rng.uniform(200, 900, CLIPS)
        statistic = mean_of(table(rng, seeds, spread), weights)
        low, high = ends(interval_over_seeds(statistic, seeds, CLIPS, seed=seed, resamples=400))
        covered += low <= 5 <= high
    # 95 % of 150 is 142.5 with a deviation of 2.7; plain resampling of 3 seeds would cover 108.
    assert covered >= 135


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_statistic_without_seeds_in_it_has_the_interval_over_clips(seeds: int) -> None:
    rng = np.random.default_rng(0)
    values, weights = rng.gamma(4, 15, 40), rng.uniform(200, 900, 40)
    same = np.tile(values, (seeds, 1))
    low, high = ends(interval_over_seeds(mean_of(same, weights), seeds, 40, seed=1, resamples=8000))
    expected = ends(bootstrap_interval(values, weights, seed=2, resamples=8000))
    np.testing.assert_allclose([low, high], expected, rtol=0.01)


def test_three_seeds_that_disagree_reach_as_far_as_students_t() -> None:
    """Clips alike: the mean of three numbers, t(0.975, 2) = 4.303."""
    by_seed = np.array([[4.0], [5.0], [6.0]])
    statistic = mean_of(np.tile(by_seed, (1, CLIPS)), np.ones(CLIPS))
    low, high = ends(interval_over_seeds(statistic, 3, CLIPS, seed=0))
    student = 4.303 / np.sqrt(3)
    assert 0.9 * student < 5 - low < 1.2 * student
    assert 0.9 * student < high - 5 < 1.2 * student


def test_differences_and_ratios_pair_seeds_and_clips() -> None:
    rng = np.random.default_rng(3)
    hard = table(rng, 3, (2.0, 20.0, 0.0), mean=60.0)
    of, against = mean_of(1.1 * hard, np.ones(CLIPS)), mean_of(hard, np.ones(CLIPS))
    difference, ratio = difference_of(of, against), ratio_of(of, against)
    assert estimate(difference, 3, CLIPS) == pytest.approx(0.1 * hard.mean())
    assert estimate(ratio, 3, CLIPS) == pytest.approx(1.1)
    assert ends(interval_over_seeds(ratio, 3, CLIPS, seed=0)) == pytest.approx((1.1, 1.1))
    alone = [ends(interval_over_seeds(each, 3, CLIPS, seed=0)) for each in (of, against)]
    assert alone[0][0] < alone[1][1]  # the two intervals overlap, the paired one leaves out zero
    assert ends(interval_over_seeds(difference, 3, CLIPS, seed=0))[0] > 0


def test_weights_count_clips() -> None:
    statistic = mean_of(np.array([[10.0, 40.0], [20.0, 50.0]]), np.array([2.0, 1.0]))
    assert estimate(statistic, 2, 2) == pytest.approx(25)


def test_one_clip_has_no_interval_and_the_same_seed_gives_the_same() -> None:
    statistic: Statistic = mean_of(np.array([[10.0], [12.0]]), np.ones(1))
    assert interval_over_seeds(statistic, 2, 1, seed=0) == (None, None)
    many = mean_of(table(np.random.default_rng(1), 3, (1.0, 1.0, 1.0)), np.ones(CLIPS))
    first = interval_over_seeds(many, 3, CLIPS, seed=4)
    assert first == interval_over_seeds(many, 3, CLIPS, seed=4)
    assert first != interval_over_seeds(many, 3, CLIPS, seed=5)
