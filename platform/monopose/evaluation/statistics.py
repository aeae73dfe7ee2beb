"""Intervals by the bootstrap over clips, and whether two models can be told apart.

Frames of one clip resemble each other, so clips are what is resampled, never frames.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64
from scipy.special import ndtr, stdtrit

Interval = tuple[float | None, float | None]


@dataclass(frozen=True)
class Difference:
    """Mean of a - b over the same clips, with its interval (None for fewer than two clips).

    distinguishable is True when the interval leaves out zero.
    """

    mean: float
    low: float | None
    high: float | None
    distinguishable: bool


def weighted_mean(
    values_per_clip: Float[np.ndarray, " clips"], weights: Float[np.ndarray, " clips"]
) -> float:
    """Mean of the clips' values, each counted by its weight (its frames, for a pooled mean)."""
    return float(np.average(values_per_clip, weights=weights))


def bootstrap_interval(
    values_per_clip: Float[np.ndarray, " clips"],
    weights: Float[np.ndarray, " clips"],
    *,
    seed: int,
    level: float = 0.95,
    resamples: int = 2000,
) -> Interval:
    """(low, high) of the weighted mean of the clips' values, by resampling clips.

    The percentile interval with its tails widened for few clips (Hesterberg 2015, section 4.3:
    "expanded percentile"); (None, None) for fewer than two clips, which say nothing of spread.
    """
    clips = len(values_per_clip)
    if clips < 2:
        return None, None
    draws = np.random.default_rng(seed).multinomial(clips, np.full(clips, 1 / clips), resamples)
    means = (draws @ (values_per_clip * weights)) / (draws @ weights)
    tail = _expanded_tail((1 - level) / 2, clips)
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def paired_bootstrap(
    a: Float[np.ndarray, " clips"],
    b: Float[np.ndarray, " clips"],
    weights: Float[np.ndarray, " clips"],
    *,
    seed: int,
    level: float = 0.95,
    resamples: int = 2000,
) -> Difference:
    """How far two models' values on the same clips, in the same order, lie apart: a - b."""
    difference: Float64[np.ndarray, " clips"] = np.subtract(a, b, dtype=np.float64)
    low, high = bootstrap_interval(difference, weights, seed=seed, level=level, resamples=resamples)
    apart = low is not None and high is not None and (low > 0 or high < 0)
    return Difference(weighted_mean(difference, weights), low, high, apart)


def _expanded_tail(tail: float, clips: int) -> float:
    """The normal tail as far out as Student's t reaches, with the n / (n - 1) of the variance."""
    reach = np.sqrt(clips / (clips - 1)) * stdtrit(clips - 1, tail)
    return float(ndtr(reach))
