import numpy as np
import pytest
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from monopose.evaluation import metrics

Poses = Float64[np.ndarray, "T 17 3"]


@pytest.fixture
def target_m() -> Poses:
    return np.random.default_rng(0).normal(size=(6, 17, 3)) * 0.3


def test_a_shift_of_3_4_12_mm_is_an_error_of_13_mm(target_m: Poses) -> None:
    prediction_m = target_m + np.array([0.003, -0.004, 0.012])
    np.testing.assert_allclose(metrics.joint_error_mm(prediction_m, target_m), 13)
    np.testing.assert_allclose(metrics.mpjpe_mm(prediction_m, target_m), np.full(6, 13))


def test_leading_axes_are_kept_and_single_precision_is_accepted(target_m: Poses) -> None:
    poses_m = target_m.reshape(2, 3, 17, 3).astype(np.float32)
    assert metrics.joint_error_mm(poses_m, poses_m).shape == (2, 3, 17)
    assert metrics.mpjpe_mm(poses_m, poses_m).shape == (2, 3)
    assert metrics.pa_mpjpe_mm(poses_m[0, 0], poses_m[0, 0]).shape == ()


def test_mpjpe_counts_the_root_among_the_joints() -> None:
    target_m = np.zeros((1, 17, 3))
    target_m[:, 1:, 0] = 0.017
    zero = np.zeros_like(target_m)
    np.testing.assert_allclose(metrics.mpjpe_mm(zero, target_m), 17 * 16 / 17)


def test_pa_mpjpe_of_a_similar_pose_is_zero_and_of_a_mirrored_one_is_not(target_m: Poses) -> None:
    rotation = Rotation.random(rng=np.random.default_rng(1)).as_matrix()
    similar_m = 1.7 * target_m @ rotation + np.array([0.1, 2, -3])
    np.testing.assert_allclose(metrics.pa_mpjpe_mm(similar_m, target_m), 0, atol=1e-9)
    mirrored_m = target_m * np.array([-1.0, 1, 1])
    assert (metrics.pa_mpjpe_mm(mirrored_m, target_m) > 10).all()


def test_n_mpjpe_takes_out_scale_alone(target_m: Poses) -> None:
    np.testing.assert_allclose(metrics.n_mpjpe_mm(0.4 * target_m, target_m), 0, atol=1e-9)
    turned_m = target_m[..., [1, 2, 0]]
    assert (metrics.n_mpjpe_mm(turned_m, target_m) > 10).all()


def test_mpjve_ignores_a_constant_offset(target_m: Poses) -> None:
    velocity = metrics.mpjve_mm(target_m + np.array([0.5, 0, 1]), target_m)
    np.testing.assert_allclose(velocity, np.zeros(5), atol=1e-9)


def test_mpjve_of_a_drift_is_its_speed_in_mm_per_frame(target_m: Poses) -> None:
    drift_m = np.arange(6)[:, None, None] * np.array([0.003, 0.004, 0])
    np.testing.assert_allclose(metrics.mpjve_mm(target_m + drift_m, target_m), np.full(5, 5))


def test_mpjve_of_one_frame_has_no_values(target_m: Poses) -> None:
    assert metrics.mpjve_mm(target_m[:1], target_m[:1]).shape == (0,)


def test_pck_is_strict_at_the_threshold() -> None:
    error_mm = np.array([[0.0, 149.999, 150.0, 150.001]])
    np.testing.assert_allclose(metrics.pck(error_mm), [50.0])
    np.testing.assert_allclose(metrics.pck(error_mm, threshold_mm=151.0), [100.0])


def test_a_perfect_auc_is_96_774() -> None:
    np.testing.assert_allclose(metrics.auc(np.zeros((2, 14))), 96.774, atol=5e-4)
    assert len(metrics.AUC_THRESHOLDS_MM) == 31


@pytest.mark.parametrize(("error_mm", "passed"), [(2.0, 30), (5.0, 29), (147.0, 1), (150.0, 0)])
def test_auc_counts_the_thresholds_above_an_error(error_mm: float, passed: int) -> None:
    np.testing.assert_allclose(metrics.auc(np.full((1, 14), error_mm)), 100 * passed / 31)
