import numpy as np
import pytest
from jaxtyping import Float64
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from monopose.geometry.alignment import bone_scale_align, procrustes_align, scale_align
from monopose.skeleton import joint_set


def umeyama(
    prediction: Float64[np.ndarray, "J 3"], target: Float64[np.ndarray, "J 3"]
) -> Float64[np.ndarray, "J 3"]:
    """Umeyama 1991, eqs. (34)-(43), one pose at a time, column vectors."""
    mean_p, mean_t = prediction.mean(0), target.mean(0)
    covariance = (target - mean_t).T @ (prediction - mean_p) / len(target)
    u, d, vt = np.linalg.svd(covariance)
    s = np.eye(3)
    if np.linalg.det(u) * np.linalg.det(vt) < 0:
        s[2, 2] = -1
    rotation = u @ s @ vt
    scale = np.trace(np.diag(d) @ s) / ((prediction - mean_p) ** 2).sum(1).mean()
    return np.array([scale * rotation @ p + mean_t - scale * rotation @ mean_p for p in prediction])


def test_procrustes_undoes_any_similarity_transform() -> None:
    rng = np.random.default_rng(1)
    target = rng.normal(size=(8, 17, 3))
    turned = target @ Rotation.random(8, rng=rng).as_matrix()
    prediction = turned * rng.uniform(0.1, 5, (8, 1, 1)) + rng.normal(size=(8, 1, 3))
    np.testing.assert_allclose(procrustes_align(prediction, target), target, atol=1e-12)


def test_procrustes_agrees_with_umeyama_one_pose_at_a_time() -> None:
    rng = np.random.default_rng(2)
    prediction, target = rng.normal(size=(2, 30, 14, 3))
    slow = np.stack([umeyama(p, t) for p, t in zip(prediction, target, strict=True)])
    np.testing.assert_allclose(procrustes_align(prediction, target), slow, atol=1e-10)


def test_procrustes_agrees_with_scipy_where_no_reflection_is_needed() -> None:
    rng = np.random.default_rng(3)
    target = rng.normal(size=(17, 3))
    prediction = target + 0.2 * rng.normal(size=(17, 3))
    _, second, disparity = procrustes(target, prediction)
    aligned = procrustes_align(prediction, target)
    size = np.linalg.norm(target - target.mean(0))
    assert ((aligned - target) ** 2).sum() / size**2 == pytest.approx(disparity, rel=1e-9)
    np.testing.assert_allclose((aligned - target.mean(0)) / size, second, atol=1e-9)


def test_procrustes_never_reflects() -> None:
    target = np.random.default_rng(4).normal(size=(5, 17, 3))
    mirrored = target * np.array([-1.0, 1, 1])
    error = np.linalg.norm(procrustes_align(mirrored, target) - target, axis=-1)
    assert (error.mean(axis=-1) > 0.1).all()


def test_a_pose_of_zero_size_becomes_the_targets_centroid() -> None:
    target = np.random.default_rng(5).normal(size=(2, 17, 3)).astype(np.float32)
    aligned = procrustes_align(np.full_like(target, 0.1), target)
    centroid = np.broadcast_to(target.mean(axis=1, keepdims=True), target.shape)
    np.testing.assert_allclose(aligned, centroid, atol=1e-6)
    zero = np.zeros_like(target)
    assert np.isfinite(procrustes_align(zero, zero)).all()


def test_collinear_and_planar_poses_stay_finite_and_exact() -> None:
    line = np.linspace(0, 1, 17)[:, None] * np.array([[1.0, 2, 3]])
    np.testing.assert_allclose(procrustes_align(line[:, [2, 0, 1]] * 4 - 1, line), line, atol=1e-9)
    plane = np.random.default_rng(6).normal(size=(17, 3)) * np.array([1.0, 1, 0])
    np.testing.assert_allclose(procrustes_align(plane[:, [2, 0, 1]] * 3, plane), plane, atol=1e-9)


def test_scale_is_the_least_squares_one() -> None:
    rng = np.random.default_rng(7)
    prediction, target = rng.normal(size=(2, 6, 17, 3))
    aligned = scale_align(prediction, target)
    for p, t, a in zip(prediction, target, aligned, strict=True):
        solution = np.linalg.lstsq(p.reshape(-1, 1), t.ravel(), rcond=None)[0]
        np.testing.assert_allclose(a, solution * p, atol=1e-12)
    np.testing.assert_array_equal(scale_align(np.zeros((17, 3)), target[0]), np.zeros((17, 3)))


def test_bone_scale_gives_the_targets_total_bone_length() -> None:
    skeleton = joint_set("h36m17")
    target = np.random.default_rng(8).normal(size=(3, 17, 3))
    prediction = target * np.array([0.5, 2, 4])[:, None, None]
    aligned = bone_scale_align(prediction, target, skeleton.bones)
    np.testing.assert_allclose(aligned, target, atol=1e-12)


def test_bone_scale_over_frames_is_the_mean_of_the_frames_ratios() -> None:
    skeleton = joint_set("h36m17")
    target = np.random.default_rng(9).normal(size=(2, 17, 3))
    prediction = target / np.array([2.0, 4])[:, None, None]
    aligned = bone_scale_align(prediction, target, skeleton.bones, over_frames=True)
    np.testing.assert_allclose(aligned, 3 * prediction, atol=1e-12)
    zero = bone_scale_align(np.zeros_like(target), target, skeleton.bones)
    np.testing.assert_array_equal(zero, np.zeros_like(target))
