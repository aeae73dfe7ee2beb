"""Intervals over clips and seeds: how far two recipes lie apart, not two trained models.

Every seed's model is asked on the same clips, so values form a table of seeds by clips whose rows
and columns are both samples. Both are resampled (the two-way bootstrap of Owen 2007, "The
pigeonhole bootstrap"), and a resample's deviation is split into that of its seeds, that of its
clips and the rest. The first two are stretched for small numbers by Student's t over the normal
quantile and sqrt(n / (n - 1)): the "expanded percentile" of Hesterberg 2015 (section 4.3) as a
factor, because the outermost quantiles of three resampled seeds are just the three seeds. It errs
to the wide side where the rest is large. A single seed says nothing of other seeds: its interval
is over clips alone.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float64
from scipy.special import ndtri, stdtrit

from monopose.evaluation.statistics import Interval

SeedCounts = Float64[np.ndarray, "R S"]
ClipCounts = Float64[np.ndarray, "R C"]
Statistic = Callable[[SeedCounts, ClipCounts], Float64[np.ndarray, " R"]]
"""(how often each seed counts, how often each clip counts) -> one value for each resample R."""


def mean_of(values: Float[np.ndarray, "S C"], weights: Float[np.ndarray, " C"]) -> Statistic:
    """The clips' weighted mean, averaged over seeds."""
    weighted = np.asarray(values * weights, np.float64)

    def mean(seeds: SeedCounts, clips: ClipCounts) -> Float64[np.ndarray, " R"]:
        total = np.einsum("rs,sc,rc->r", seeds, weighted, clips, optimize=True)
        return np.asarray(total / (seeds.sum(axis=1) * (clips @ weights)))

    return mean


def difference_of(a: Statistic, b: Statistic) -> Statistic:
    """How far a lies above b, for the same seeds and clips."""
    return lambda seeds, clips: a(seeds, clips) - b(seeds, clips)


def ratio_of(a: Statistic, b: Statistic) -> Statistic:
    """How many times b is a, for the same seeds and clips."""
    return lambda seeds, clips: a(seeds, clips) / b(seeds, clips)


def estimate(statistic: Statistic, seeds: int, clips: int) -> float:
    """The statistic of all seeds and clips."""
    return float(statistic(np.ones((1, seeds)), np.ones((1, clips)))[0])


def interval_over_seeds(
    statistic: Statistic,
    seeds: int,
    clips: int,
    *,
    seed: int,
    level: float = 0.95,
    resamples: int = 2000,
) -> Interval:
    """(low, high) of the statistic; (None, None) for fewer than two clips."""
    if clips < 2:
        return None, None
    rng = np.random.default_rng(seed)
    all_seeds, all_clips = np.ones((resamples, seeds)), np.ones((resamples, clips))
    drawn_clips, drawn_seeds = _drawn(rng, clips, resamples), _drawn(rng, seeds, resamples)
    centre = estimate(statistic, seeds, clips)
    by_clip = statistic(all_seeds, drawn_clips) - centre
    by_seed = statistic(drawn_seeds, all_clips) - centre
    rest = statistic(drawn_seeds, drawn_clips) - centre - by_clip - by_seed
    deviation = _stretch(clips, level) * by_clip + rest
    if seeds > 1:
        deviation += _stretch(seeds, level) * by_seed
    low, high = np.quantile(deviation, [(1 - level) / 2, (1 + level) / 2])
    return centre + float(low), centre + float(high)


def _drawn(rng: np.random.Generator, of: int, resamples: int) -> Float64[np.ndarray, "R N"]:
    return rng.multinomial(of, np.full(of, 1 / of), resamples).astype(np.float64)


def _stretch(of: int, level: float) -> float:
    """How much further Student's t and the n - 1 of the variance reach than the bootstrap."""
    tail = (1 - level) / 2
    return float(np.sqrt(of / (of - 1)) * stdtrit(of - 1, tail) / ndtri(tail))
