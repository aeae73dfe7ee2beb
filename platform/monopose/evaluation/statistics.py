"""Means over clips, and their intervals by the bootstrap.

Frames of one clip resemble each other, so clips are what is resampled, never frames.
"""

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr, stdtrit

Interval = tuple[float | None, float | None]


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


def _expanded_tail(tail: float, clips: int) -> float:
    """The normal tail as far out as Student's t reaches, with the n / (n - 1) of the variance."""
    reach = np.sqrt(clips / (clips - 1)) * stdtrit(clips - 1, tail)
    return float(ndtr(reach))
