"""Alignment of predicted poses to their targets: similarity (Procrustes), scale, bone lengths.

All functions are vectorised over leading axes, work in double precision and never divide by
zero: a prediction shrunk to a point is aligned to the best point there is.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float64

# Squared size that a pose collapsed to a point can have by rounding alone.
_VANISHING = 1e-20


def procrustes_align(
    prediction: Float[np.ndarray, "*batch J 3"], target: Float[np.ndarray, "*batch J 3"]
) -> Float64[np.ndarray, "*batch J 3"]:
    """Each predicted pose under the similarity transform that fits its target best.

    Least squares over scale, rotation (never a reflection) and translation; both in one unit.
    Source: Umeyama 1991, as PA-MPJPE is computed by Pavllo et al. 2019 (loss.py, p_mpjpe).
    Deviation: a prediction of zero size becomes the target's centroid, where theirs is NaN.
    """
    target_centre = target.mean(axis=-2, keepdims=True, dtype=np.float64)
    centred = prediction - prediction.mean(axis=-2, keepdims=True, dtype=np.float64)
    u, singular, vt = np.linalg.svd(np.swapaxes(centred, -1, -2) @ (target - target_centre))
    sign = np.where(np.linalg.det(u @ vt) < 0, -1.0, 1.0)
    vt[..., -1, :] *= sign[..., None]
    singular[..., -1] *= sign
    size = (centred**2).sum(axis=(-1, -2))
    scale = _ratio(singular.sum(axis=-1), size)
    return scale[..., None, None] * (centred @ (u @ vt)) + target_centre


def scale_align(
    prediction: Float[np.ndarray, "*batch J 3"], target: Float[np.ndarray, "*batch J 3"]
) -> Float64[np.ndarray, "*batch J 3"]:
    """Each root-relative prediction times the scale <P, G> / <P, P> that fits its target best.

    Source: Rhodin et al. 2018, as N-MPJPE is computed by Pavllo et al. 2019 (loss.py, n_mpjpe).
    """
    across = (prediction * target).sum(axis=(-1, -2), dtype=np.float64)
    scale = _ratio(across, np.square(prediction).sum(axis=(-1, -2), dtype=np.float64))
    return scale[..., None, None] * prediction


def bone_scale_align(
    prediction: Float[np.ndarray, "*batch J 3"],
    target: Float[np.ndarray, "*batch J 3"],
    bones: Sequence[tuple[int, int]],
    *,
    over_frames: bool = False,
) -> Float64[np.ndarray, "*batch J 3"]:
    """Each root-relative prediction scaled to its target's total bone length ("glob. scaled").

    bones: (joint, parent) index pairs. over_frames: one ratio for the whole sequence, the mean of
    the frames' ratios, instead of one per frame.
    Source: the `glob_scaled` protocol of Habibie et al. 2019, who give no formula; this one is
    assumed, because their numbers rule out the least-squares scale of `scale_align`.
    """
    target_length = _total_length(target, bones)
    ratio = _ratio(target_length, _total_length(prediction, bones))
    if over_frames:
        ratio = np.full_like(ratio, ratio.mean())
    return ratio[..., None, None] * prediction


def _total_length(
    pose: Float[np.ndarray, "*batch J 3"], bones: Sequence[tuple[int, int]]
) -> Float64[np.ndarray, "*batch"]:
    joints, parents = np.array(bones).T
    vectors = (pose[..., joints, :] - pose[..., parents, :]).astype(np.float64)
    return np.asarray(np.linalg.norm(vectors, axis=-1).sum(axis=-1))


def _ratio(
    numerator: Float64[np.ndarray, "*batch"] | np.float64,
    denominator: Float64[np.ndarray, "*batch"] | np.float64,
) -> Float64[np.ndarray, "*batch"]:
    """The quotient, and 0 where the denominator is no more than rounding."""
    out = np.zeros(np.shape(denominator))
    np.divide(numerator, denominator, out=out, where=np.asarray(denominator) > _VANISHING)
    return out
