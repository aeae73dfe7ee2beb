from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from jaxtyping import Bool, Float32

from monopose.data.clip import Clip
from monopose.errors import InputError
from monopose.evaluation.evaluate import (
    Evaluation,
    Lift,
    Provenance,
    evaluate,
    mask_keypoints,
    take_values,
)
from monopose.geometry.camera import Camera
from monopose.skeleton import conversion

KeypointsPx = Float32[np.ndarray, "T J 2"]
Scores = Float32[np.ndarray, "T J"]
PoseM = Float32[np.ndarray, "T J 3"]

PROVENANCE = Provenance(
    dataset="handmade",
    dataset_digest="d1",
    synthetic=True,
    split="val",
    recipe_name="zero",
    recipe_digest="r1",
    code_version="v1",
    date="2026-01-01T00:00:00Z",
)
CAMERAS = (Camera("left", width=1000, height=800), Camera("right", width=1000, height=800))


def make_clip(
    clip_id: str, radius_m: float, frames: int, step_m: float = 0.0, **changes: Any
) -> Clip:
    """Every joint but the pelvis at `radius_m` from it, in alternating directions."""
    pose_m = np.zeros((2, frames, 17, 3), np.float32)
    pose_m[:, :, 1::2, 0] = radius_m
    pose_m[:, :, 2::2, 1] = -radius_m
    pose_m[:, :, 1:, 2] = step_m * np.arange(frames)[:, None]
    pose_m += np.array([0.3, 0.1, 4.0], np.float32)
    keypoints_px = np.full((2, frames, 17, 2), 100.0, np.float32)
    clip = Clip(
        clip_id, "handmade", "S1", "walk", "val", 50.0, "h36m17", CAMERAS,
        pose_camera_m=pose_m, keypoints_px=keypoints_px,
        keypoint_score=np.ones((2, frames, 17), np.float32),
    )  # fmt: skip
    return replace(clip, **changes)


def zero(keypoints_px: KeypointsPx, score: Scores, camera: Camera, _: object = None) -> PoseM:
    return np.zeros((*score.shape, 3), np.float32)


def run(lift: Lift, clips: Iterable[Clip], **options: Any) -> tuple[Evaluation, ...]:
    defaults: dict[str, Any] = {
        "joint_set": "h36m17",
        "mask_shares": (0.0,),
        "provenance": PROVENANCE,
    }
    return evaluate(lift, clips, **(defaults | options))


def value(evaluation: Evaluation, protocol_id: str) -> float:
    return evaluation.score(protocol_id).value


def test_a_lift_that_answers_zero_has_the_poses_own_size_as_error() -> None:
    clips = [make_clip("a", 0.102, 4), make_clip("b", 0.2, 12, subject="S2", action="run")]
    (evaluation,) = run(zero, clips)
    pooled = (4 * 102 + 12 * 200) / 16
    mpjpe = evaluation.score("h36m17/mpjpe/pooled")
    assert mpjpe.value == pytest.approx(pooled * 16 / 17, rel=1e-5)
    assert (mpjpe.joints, mpjpe.clips, mpjpe.frames, mpjpe.unit) == (17, 2, 32, "mm")
    assert mpjpe.low == pytest.approx(102 * 16 / 17, rel=1e-5)
    assert mpjpe.high == pytest.approx(200 * 16 / 17, rel=1e-5)
    assert value(evaluation, "h36m17/n_mpjpe/pooled") == pytest.approx(mpjpe.value)
    assert value(evaluation, "mpi_inf_3dhp_14/pck150/pooled") == pytest.approx(100 * 4 / 16)
    # 102 mm is below 105, 110 ... 150: 10 of 31 thresholds; 200 mm below none
    auc = value(evaluation, "mpi_inf_3dhp_14/auc/pooled")
    assert auc == pytest.approx(100 * 10 / 31 * 4 / 16)


def test_a_perfect_lift_is_perfect_under_every_protocol() -> None:
    clip = make_clip("a", 0.1, 6, step_m=0.01)
    assert clip.pose_camera_m is not None
    root_relative_m = clip.pose_camera_m[0] - clip.pose_camera_m[0][:, :1]
    (evaluation,) = run(lambda *_: root_relative_m, [clip])
    for score in evaluation.scores:
        best = {"mpi_inf_3dhp_14/pck150/pooled": 100.0, "mpi_inf_3dhp_14/auc/pooled": 3000 / 31}
        assert score.value == pytest.approx(best.get(score.protocol, 0.0), abs=1e-3)


def test_breakdowns_by_joint_action_camera_and_subject() -> None:
    clips = [make_clip("a", 0.1, 4), make_clip("b", 0.2, 12, subject="S2", action="run")]
    (evaluation,) = run(zero, clips)
    assert evaluation.by_joint["pelvis"] == 0
    assert evaluation.by_joint["left_wrist"] == pytest.approx(175, rel=1e-5)
    assert evaluation.by_action == pytest.approx({"walk": 1600 / 17, "run": 3200 / 17}, rel=1e-5)
    assert evaluation.by_subject == pytest.approx({"S1": 1600 / 17, "S2": 3200 / 17}, rel=1e-5)
    assert set(evaluation.by_camera) == {"left", "right"}
    assert evaluation.by_camera["left"] == pytest.approx(175 * 16 / 17, rel=1e-5)


def test_the_worst_sequences_can_be_found() -> None:
    clips = [make_clip(name, size, 4) for name, size in (("a", 0.1), ("b", 0.3), ("c", 0.2))]
    (evaluation,) = run(zero, clips)
    assert [clip.clip_id for clip in evaluation.worst(3)] == ["b", "b", "c"]
    assert len(evaluation.clips) == 6


def test_velocity_is_taken_inside_one_sequence_only() -> None:
    clips = [make_clip("a", 0.1, 5, step_m=0.017), make_clip("b", 5.0, 1)]
    (evaluation,) = run(zero, clips)
    velocity = evaluation.score("h36m17/mpjve/pooled")
    assert velocity.value == pytest.approx(17 * 16 / 17, rel=1e-4)
    assert velocity.clips == 1
    assert (velocity.low, velocity.high) == (None, None)


def test_photos_alone_have_no_velocity_score() -> None:
    (evaluation,) = run(zero, [make_clip("a", 0.1, 1)])
    assert "h36m17/mpjve/pooled" not in {score.protocol for score in evaluation.scores}
    with pytest.raises(InputError, match="no score under protocol 'h36m17/mpjve/pooled'; there"):
        evaluation.score("h36m17/mpjve/pooled")


def test_the_mean_of_actions_does_not_count_their_frames() -> None:
    clips = [
        make_clip("a", 0.1, 4),
        make_clip("b", 0.2, 12),
        make_clip("c", 0.4, 100, action="run"),
    ]
    (evaluation,) = run(zero, clips, protocols=("h36m17/mpjpe/action_mean",))
    expected = (175 + 400) / 2 * 16 / 17
    assert value(evaluation, "h36m17/mpjpe/action_mean") == pytest.approx(expected, rel=1e-5)


def test_an_actions_takes_count_as_one_action() -> None:
    """Human3.6M's tables average 15 actions, each of two takes; HumanEva cuts takes to chunks."""
    clips = [
        make_clip("a", 0.1, 4, action="Walking"),
        make_clip("b", 0.2, 8, action="Walking 1"),
        make_clip("c", 0.4, 4, action="Walking 1 chunk0 validate"),
        make_clip("d", 0.6, 50, action="WalkTogether 2"),
    ]
    (evaluation,) = run(zero, clips, protocols=("h36m17/mpjpe/action_mean",))
    walking = (4 * 100 + 8 * 200 + 4 * 400) / 16
    expected = (walking + 600) / 2 * 16 / 17
    assert value(evaluation, "h36m17/mpjpe/action_mean") == pytest.approx(expected, rel=1e-5)
    assert evaluation.by_action == pytest.approx(
        {"WalkTogether": 600 * 16 / 17, "Walking": walking * 16 / 17}, rel=1e-5
    )


def test_the_mean_of_sequences_counts_each_take_once() -> None:
    clips = [make_clip("a", 0.1, 4), make_clip("b", 0.2, 12), make_clip("c", 0.6, 100)]
    (evaluation,) = run(zero, clips, protocols=("h36m17/mpjpe/sequence_mean",))
    expected = (100 + 200 + 600) / 3 * 16 / 17
    assert value(evaluation, "h36m17/mpjpe/sequence_mean") == pytest.approx(expected, rel=1e-5)


def test_values_of_takes_are_those_the_scores_are_made_of() -> None:
    clips = [make_clip("a", 0.102, 4), make_clip("b", 0.2, 12), make_clip("b", 0.1, 4)]
    names = ("h36m17/mpjpe/pooled", "h36m17/mpjve/pooled")
    values = take_values(zero, clips, joint_set="h36m17", protocols=names)
    first, second = values["h36m17/mpjpe/pooled"]
    assert (first.clip_id, first.count, first.joints) == ("a", 8, 17)
    assert first.value == pytest.approx(102 * 16 / 17, rel=1e-5)
    assert (second.clip_id, second.count) == ("b", 32)
    assert second.value == pytest.approx((12 * 200 + 4 * 100) / 16 * 16 / 17, rel=1e-5)
    assert [take.count for take in values["h36m17/mpjve/pooled"]] == [6, 28]
    assert take_values(zero, [], joint_set="h36m17", protocols=names[:1]) == {names[0]: ()}


def test_pieces_of_one_take_are_one_clip_for_the_interval() -> None:
    pieces = [make_clip("a", 0.1, 4), make_clip("a", 0.2, 4, start_frame=4)]
    (evaluation,) = run(zero, pieces)
    score = evaluation.score("h36m17/mpjpe/pooled")
    assert (score.clips, score.low) == (1, None)
    assert score.value == pytest.approx(150 * 16 / 17, rel=1e-5)


def test_clips_without_labels_are_skipped_and_counted() -> None:
    clips = [
        make_clip("a", 0.1, 4),
        make_clip("b", 0.9, 4, pose_camera_m=None),
        make_clip("c", 0.9, 4, keypoints_px=None, keypoint_score=None),
    ]
    (evaluation,) = run(zero, clips)
    assert evaluation.skipped_clips == 2
    assert value(evaluation, "h36m17/mpjpe/pooled") == pytest.approx(1600 / 17, rel=1e-5)
    with pytest.raises(InputError, match=r"handmade, split 'val': no clip has both 3D .* and 2D"):
        run(zero, clips[1:])


def test_clips_of_another_joint_set_are_converted_by_name() -> None:
    clip = make_clip("a", 0.1, 4)
    assert clip.pose_camera_m is not None
    assert clip.keypoints_px is not None
    assert clip.keypoint_score is not None
    to_3dhp = conversion("h36m17", "mpi_inf_3dhp_17")
    converted = replace(
        clip,
        joint_set="mpi_inf_3dhp_17",
        pose_camera_m=to_3dhp.apply(clip.pose_camera_m),
        keypoints_px=to_3dhp.apply(clip.keypoints_px),
        keypoint_score=to_3dhp.apply_score(clip.keypoint_score),
    )
    assert run(zero, [converted])[0].scores == run(zero, [clip])[0].scores


def test_joints_that_the_data_lack_are_left_out_and_the_score_says_so() -> None:
    """HumanEva has no spine and no head top, so 15 of the 17 joints remain."""
    pose_m = np.zeros((1, 3, 15, 3), np.float32)
    pose_m[:, :, 1:, 0] = 0.1
    clip = Clip(
        "h", "humaneva", "S1", "Box", "val", 60.0, "humaneva15", (Camera("C1"),),
        pose_camera_m=pose_m, keypoints_px=np.ones((1, 3, 15, 2), np.float32),
    )  # fmt: skip
    seen: list[tuple[KeypointsPx, Scores, Camera]] = []

    def lift(keypoints_px: KeypointsPx, score: Scores, camera: Camera, _: object) -> PoseM:
        seen.append((keypoints_px, score, camera))
        return zero(keypoints_px, score, camera)

    (evaluation,) = run(lift, [clip])
    score = evaluation.score("h36m17/mpjpe/pooled")
    assert score.joints == 15
    assert score.value == pytest.approx(100 * 14 / 15, rel=1e-5)
    assert "spine" not in evaluation.by_joint
    assert "head_top" not in evaluation.by_joint
    ((keypoints_px, keypoint_score, camera),) = seen
    assert camera.camera_id == "C1"
    assert keypoint_score.sum() == 3 * 15
    assert (keypoints_px[keypoint_score == 0] == 0).all()


def test_every_share_of_masked_keypoints_has_its_evaluation() -> None:
    seen: dict[float, list[Scores]] = {0.0: [], 0.25: []}

    def lift(keypoints_px: KeypointsPx, score: Scores, camera: Camera, _: object) -> PoseM:
        share = 0.25 if (score == 0).any() else 0.0
        assert ((keypoints_px == 0).all(axis=-1) == (score == 0)).all()
        seen[share].append(score)
        return zero(keypoints_px, score, camera)

    evaluations = run(lift, [make_clip("a", 0.1, 400)], mask_shares=(0.0, 0.25))
    assert [evaluation.mask_share for evaluation in evaluations] == [0.0, 0.25]
    left, right = seen[0.25]
    assert len(seen[0.0]) == 2
    assert (left != right).any()
    assert 1 - np.mean([left, right]) == pytest.approx(0.25, abs=0.02)


def test_every_model_sees_the_same_masks_and_every_clip_another() -> None:
    def masks_seen(answer_m: float, seed: int = 0) -> Bool[np.ndarray, "sequences T J"]:
        masks: list[Bool[np.ndarray, "T J"]] = []

        def lift(keypoints_px: KeypointsPx, score: Scores, camera: Camera, _: object) -> PoseM:
            masks.append(score == 0)
            return np.full((*score.shape, 3), answer_m, np.float32)

        clips = [make_clip("a", 0.1, 50), make_clip("b", 0.1, 50)]
        run(lift, clips, mask_shares=(0.3,), seed=seed)
        return np.stack(masks)

    masks = masks_seen(0.0)
    np.testing.assert_array_equal(masks_seen(1.0), masks)
    assert (masks_seen(0.0, seed=1) != masks).any()
    assert (masks[:2] != masks[2:]).any()


def test_masks_depend_on_the_clip_and_the_seed_not_on_the_model() -> None:
    keypoints_px, score = np.ones((50, 17, 2), np.float32), np.ones((50, 17), np.float32)
    masked_px, masked = mask_keypoints(keypoints_px, score, 0.5, "0/a")
    again_px, again = mask_keypoints(2 * keypoints_px, score / 2, 0.5, "0/a")
    np.testing.assert_array_equal(masked_px, again_px / 2)
    np.testing.assert_array_equal(masked, again * 2)
    assert (mask_keypoints(keypoints_px, score, 0.5, "0/b")[1] != masked).any()
    assert (mask_keypoints(keypoints_px, score, 1.0, "0/a")[0] == 0).all()
    with pytest.raises(InputError, match=r"mask share is 30.0, outside 0..1; give a share such as"):
        mask_keypoints(keypoints_px, score, 30.0, "0/a")


def test_a_model_that_answers_nonsense_is_named_with_the_clip() -> None:
    clip = make_clip("a", 0.1, 4)
    with pytest.raises(InputError, match=r"clip 'a', camera 'left': .* shape \(1, 17, 3\), exp"):
        run(lambda *_: np.zeros((1, 17, 3), np.float32), [clip])
    with pytest.raises(InputError, match="clip 'a', camera 'left': the model returned NaN"):
        run(lambda *inputs: np.nan * zero(*inputs), [clip])


def test_an_evaluation_carries_its_provenance_and_survives_json() -> None:
    (evaluation,) = run(zero, [make_clip("a", 0.1, 4), make_clip("b", 0.2, 4)], seed=3)
    assert (evaluation.dataset_digest, evaluation.recipe_digest, evaluation.seed) == ("d1", "r1", 3)
    assert evaluation.synthetic
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation
