"""A lift without depth on real motion, against scipy and plain loops, frame by frame."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float32, Float64
from scipy.spatial.transform import Rotation

from monopose.data.clip import Clip
from monopose.data.importers.videopose3d import videopose3d_clips
from monopose.evaluation.evaluate import Provenance, evaluate
from monopose.geometry.camera import Camera

CMU17 = Path(__file__).parents[3] / "../shared/data/cmu17"
DEPTH_M = 4.0
PROVENANCE = Provenance(
    dataset="cmu17",
    dataset_digest="d",
    synthetic=False,
    split="val",
    recipe_name="flat",
    recipe_digest="r",
    code_version="v",
    date="2026-01-01T00:00:00Z",
)

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not CMU17.is_dir(), reason="the shared real motion is not here"),
]


def flat(
    keypoints_px: Float32[np.ndarray, "T J 2"],
    score: Float32[np.ndarray, "T J"],
    camera: Camera,
    _: object = None,
) -> Float32[np.ndarray, "T J 3"]:
    """Every joint on the plane four metres away."""
    focal = np.array([camera.fx, camera.fy], np.float32)
    pose_m = np.zeros((*score.shape, 3), np.float32)
    pose_m[..., :2] = keypoints_px / focal * DEPTH_M
    return pose_m - pose_m[:, :1]


def aligned(
    prediction: Float64[np.ndarray, "J 3"], target: Float64[np.ndarray, "J 3"]
) -> Float64[np.ndarray, "J 3"]:
    """Kabsch's rotation by scipy, then the scale by least squares."""
    p, t = prediction - prediction.mean(0), target - target.mean(0)
    turned = Rotation.align_vectors(t, p)[0].apply(p)
    return np.linalg.lstsq(turned.reshape(-1, 1), t.ravel(), rcond=None)[0] * turned


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    val = (c for c in videopose3d_clips([CMU17], detections="det") if c.split == "val")
    return list(islice(val, 2))


def test_scores_agree_with_scipy_and_plain_loops_on_real_motion(clips: list[Clip]) -> None:
    (evaluation,) = evaluate(
        flat, clips, joint_set="h36m17", mask_shares=(0.0,), provenance=PROVENANCE
    )
    plain, procrustes, below = [], [], []
    for clip in clips:
        poses_m = clip.camera_poses_m()
        assert poses_m is not None
        assert clip.keypoints_px is not None
        assert clip.keypoint_score is not None
        for view, camera in enumerate(clip.cameras):
            predictions_m = flat(clip.keypoints_px[view], clip.keypoint_score[view], camera)
            for prediction, target in zip(
                predictions_m.astype(float), poses_m[view].astype(float), strict=True
            ):
                target = target - target[0]
                error_mm = 1000 * np.sqrt(((prediction - target) ** 2).sum(1))
                plain.append(np.mean(error_mm))
                left = target - target.mean(0) - aligned(prediction, target)
                procrustes.append(1000 * np.mean(np.sqrt((left**2).sum(1))))
                below.append(
                    np.mean([e < 150 for j, e in enumerate(error_mm) if j not in (0, 7, 9)])
                )
    assert evaluation.score("h36m17/mpjpe/pooled").value == pytest.approx(np.mean(plain))
    assert evaluation.score("h36m17/pa_mpjpe/pooled").value == pytest.approx(np.mean(procrustes))
    pck = evaluation.score("mpi_inf_3dhp_14/pck150/pooled").value
    assert pck == pytest.approx(100 * np.mean(below))
    assert evaluation.score("h36m17/mpjpe/pooled").frames == len(plain)
