"""Stretches of frames that belong together."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Shaped


def runs(
    kept: Bool[np.ndarray, " T"], *labels: Shaped[np.ndarray, " T"]
) -> Iterator[tuple[int, int]]:
    """(first, end) of each longest stretch of kept frames over which no label changes."""
    breaks = np.flatnonzero(np.any(np.diff(np.stack([kept, *labels]).astype(np.int64)), axis=0))
    edges = [0, *(int(place) + 1 for place in breaks), len(kept)]
    for first, end in pairwise(edges):
        if end > first and kept[first]:
            yield first, end
