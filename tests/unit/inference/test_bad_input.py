"""What a camera and a detector really deliver: too little, nothing, nonsense."""

from dataclasses import replace

import numpy as np
import pytest
from tests.conformance import parts
from tests.moving_clips import CAMERAS, moving_clip, moving_tensors, tiny_recipe

from monopose.evaluation.evaluate import Provenance, evaluate
from monopose.inference.assess import lift_of
from monopose.inference.predictor import Keypoints2d, Predictor
from monopose.models.estimator import build
from monopose.recipes.parts import KeypointInputs, MultiStrideTcn, SingleStrideTcn
from monopose.training.loop import evaluate_mm

MODELS: dict[str, tuple[SingleStrideTcn | MultiStrideTcn, KeypointInputs]] = {
    "single, 27 frames": (SingleStrideTcn(channels=8, filter_widths=(3, 3, 3)), "xy"),
    "multi, 65 frames": (MultiStrideTcn(channels=8), "xy_mask"),
    "multi, causal": (MultiStrideTcn(channels=8, causal=True), "xy_mask"),
    "single, causal": (SingleStrideTcn(channels=8, causal=True), "xy_score"),
}
ABOUT = Provenance(
    dataset="handmade", dataset_digest="d", synthetic=True, split="val", recipe_name="r",
    recipe_digest="r", code_version="v", date="2026-01-01T00:00:00Z",
)  # fmt: skip


@pytest.fixture(params=MODELS.values(), ids=list(MODELS), scope="module")
def predictor(request: pytest.FixtureRequest) -> Predictor:
    temporal, inputs = request.param
    recipe = tiny_recipe(data__flip=True, encoder__inputs=inputs)
    recipe = recipe.model_copy(update={"temporal": temporal})
    return Predictor(parts.seeded(lambda: build(recipe)), recipe, "m")


def sequence(frames: int) -> Keypoints2d:
    clip = moving_clip(frames=frames, noise_px=3.0)
    assert clip.keypoints_px is not None
    return Keypoints2d(
        clip.keypoints_px[0], np.ones((frames, 17), np.float32), "h36m17", CAMERAS[0]
    )


def without(given: Keypoints2d, frames: slice, joints: slice = slice(None)) -> Keypoints2d:
    score = given.score.copy()
    score[frames, joints] = 0
    return replace(given, score=score)


@pytest.mark.parametrize("frames", [1, 2, 26, 64])
def test_sequences_shorter_than_the_field_are_lifted_with_less_confidence(
    predictor: Predictor, frames: int
) -> None:
    short, long = predictor.estimate([sequence(frames), sequence(200)])
    assert short.pose_m.shape == (frames, 17, 3)
    assert np.isfinite(short.pose_m).all()
    if frames < predictor.estimator.context.before:
        assert short.confidence.max() < 1 - 1e-3
    assert long.confidence[100] == pytest.approx(1.0)


def test_no_frames_give_no_poses(predictor: Predictor) -> None:
    empty, one = predictor.estimate([sequence(0), sequence(1)])
    assert empty.pose_m.shape == (0, 17, 3)
    assert empty.confidence.shape == (0, 17)
    assert one.pose_m.shape == (1, 17, 3)


def test_a_clip_of_which_nothing_was_seen_has_a_finite_pose_and_no_confidence(
    predictor: Predictor,
) -> None:
    (nothing,) = predictor.estimate([without(sequence(90), slice(None))])
    assert np.isfinite(nothing.pose_m).all()
    assert (nothing.confidence == 0).all()


def test_a_frame_a_joint_and_seconds_that_are_missing_are_said(predictor: Predictor) -> None:
    given = sequence(400)
    frame, joint, gap, full = predictor.estimate(
        [
            without(given, slice(200, 201)),
            without(given, slice(None), slice(5, 6)),
            without(given, slice(120, 320)),
            given,
        ]
    )
    for estimate in (frame, joint, gap):
        assert np.isfinite(estimate.pose_m).all()
        assert (estimate.confidence <= full.confidence + 1e-6).all()
    assert frame.confidence[200].max() < 0.6 < 0.9 < frame.confidence[100].min()
    assert joint.confidence[200, 5] < 0.5 < 0.9 < joint.confidence[200, 4]
    # 200 frames are four seconds, longer than any of these models sees.
    assert (gap.confidence[200:250] == 0).all()
    assert gap.confidence[20:60].min() > 0.5


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, -1e9])
def test_coordinates_that_are_none_count_as_missing(predictor: Predictor, value: float) -> None:
    given = sequence(70)
    spoilt_px = given.keypoints_px.astype(np.float64)
    spoilt_px[30:33, 2:6, 1] = value
    spoilt = replace(given, keypoints_px=spoilt_px)
    missing = without(given, slice(30, 33), slice(2, 6))
    one, other = predictor.estimate([spoilt, missing])
    np.testing.assert_array_equal(one.pose_m, other.pose_m)
    np.testing.assert_array_equal(one.confidence, other.confidence)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_scores_that_are_none_count_as_missing(predictor: Predictor, value: float) -> None:
    given = sequence(70)
    score = given.score.copy()
    score[30, 4] = value
    one, other = predictor.estimate(
        [replace(given, score=score), without(given, slice(30, 31), slice(4, 5))]
    )
    np.testing.assert_array_equal(one.pose_m, other.pose_m)
    np.testing.assert_array_equal(one.confidence, other.confidence)


def test_what_a_missing_keypoint_carries_does_not_matter(predictor: Predictor) -> None:
    missing = without(sequence(70), slice(10, 60), slice(0, 9))
    moved = replace(
        missing, keypoints_px=missing.keypoints_px + 300 * (missing.score == 0)[..., None]
    )
    np.testing.assert_array_equal(predictor.lift([missing])[0], predictor.lift([moved])[0])


def test_clips_too_short_or_never_seen_can_be_evaluated(predictor: Predictor) -> None:
    unseen = np.zeros((2, 12, 17), np.float32)
    clips = [
        moving_clip("set/S1/one", frames=1),
        moving_clip("set/S1/unseen", frames=12, keypoint_score=unseen),
        moving_clip("set/S1/whole", frames=80),
    ]
    results = evaluate(
        lift_of(predictor), clips, joint_set="h36m17", mask_shares=(0.0, 1.0), provenance=ABOUT
    )
    for result in results:
        assert len(result.clips) == 6
        assert all(np.isfinite(clip.mpjpe_mm) for clip in result.clips)
        assert all(np.isfinite(score.value) for score in result.scores)


def test_training_evaluates_them_too(predictor: Predictor) -> None:
    tensors = moving_tensors(1, 2, 30, keypoint_score=None)
    tensors = replace(tensors, score=tensors.score * 0)
    assert np.isfinite(evaluate_mm(predictor.estimator, tensors, predictor.recipe))
