"""Errors of predicted 3D poses: plain functions that do not aggregate over frames.

Poses are root-relative, metres, in the camera's frame; errors are millimetres. Formulas follow
Pavllo et al. 2019 (VideoPose3D, loss.py) and the official MPI-INF-3DHP evaluation.
"""

import numpy as np
from jaxtyping import Float, Float64

from monopose.geometry.alignment import procrustes_align, scale_align

PCK_THRESHOLD_MM = 150.0
# The 31 thresholds of MPI-INF-3DHP. No error is below 0, so a perfect AUC is 30 / 31 = 96.774 %.
AUC_THRESHOLDS_MM = np.arange(0.0, 151.0, 5.0)
_MM_PER_M = 1000.0


def joint_error_mm(
    prediction_m: Float[np.ndarray, "*batch J 3"], target_m: Float[np.ndarray, "*batch J 3"]
) -> Float64[np.ndarray, "*batch J"]:
    """Distance of each joint to its target, mm."""
    difference_m = np.subtract(prediction_m, target_m, dtype=np.float64)
    return np.sqrt(np.einsum("...c,...c->...", difference_m, difference_m)) * _MM_PER_M


def mpjpe_mm(
    prediction_m: Float[np.ndarray, "*batch J 3"], target_m: Float[np.ndarray, "*batch J 3"]
) -> Float64[np.ndarray, "*batch"]:
    """Mean error over the joints of each frame, mm; the root counts as a joint."""
    return np.asarray(joint_error_mm(prediction_m, target_m).mean(axis=-1))


def pa_mpjpe_mm(
    prediction_m: Float[np.ndarray, "*batch J 3"], target_m: Float[np.ndarray, "*batch J 3"]
) -> Float64[np.ndarray, "*batch"]:
    """MPJPE after the best similarity transform of each frame, mm."""
    return mpjpe_mm(procrustes_align(prediction_m, target_m), target_m)


def n_mpjpe_mm(
    prediction_m: Float[np.ndarray, "*batch J 3"], target_m: Float[np.ndarray, "*batch J 3"]
) -> Float64[np.ndarray, "*batch"]:
    """MPJPE after the best scale of each frame, mm."""
    return mpjpe_mm(scale_align(prediction_m, target_m), target_m)


def mpjve_mm(
    prediction_m: Float[np.ndarray, "T J 3"], target_m: Float[np.ndarray, "T J 3"]
) -> Float64[np.ndarray, " steps"]:
    """Mean error over the joints of each step between frames, mm per frame (not per second).

    Both arguments are one sequence seen by one camera; T - 1 values come back.
    """
    return mpjpe_mm(np.diff(prediction_m, axis=0), np.diff(target_m, axis=0))


def pck(
    error_mm: Float[np.ndarray, "*batch J"], threshold_mm: float = PCK_THRESHOLD_MM
) -> Float64[np.ndarray, "*batch"]:
    """Percentage of each frame's joints whose error is strictly below the threshold."""
    return np.asarray(100.0 * (error_mm < threshold_mm).mean(axis=-1))


def auc(error_mm: Float[np.ndarray, "*batch J"]) -> Float64[np.ndarray, "*batch"]:
    """Mean PCK of each frame over the thresholds 0, 5, ... 150 mm; at most 96.774."""
    below = error_mm[..., None] < AUC_THRESHOLDS_MM
    return np.asarray(100.0 * below.mean(axis=(-1, -2)))
