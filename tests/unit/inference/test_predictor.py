from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.moving_clips import CAMERAS, moving_clip, tiny_recipe

from monopose import storage
from monopose.data.augment import to_batch
from monopose.data.batches import clip_tensors, cut_chunks
from monopose.data.context import Context
from monopose.data.maps import ViewMaps
from monopose.errors import InputError
from monopose.geometry.camera import Camera
from monopose.inference.predictor import Keypoints2d, Predictor
from monopose.models.estimator import build
from monopose.skeleton import joint_set
from monopose.training.checkpoint import save_model
from monopose.training.loop import lift

RECIPE = tiny_recipe(data__flip=True, temporal__filter_widths=[3, 3])


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor(build(RECIPE), RECIPE, "m")


def sequence(frames: int, **changes: Any) -> Keypoints2d:
    clip = moving_clip(frames=frames, noise_px=3.0)
    assert clip.keypoints_px is not None
    score = np.ones((frames, 17), np.float32)
    return replace(Keypoints2d(clip.keypoints_px[0], score, "h36m17", CAMERAS[0]), **changes)


def test_mixed_lengths_in_one_call_are_what_each_is_alone(predictor: Predictor) -> None:
    sequences = [sequence(frames) for frames in (5, 1, 12, 5, 3, 1)]
    sequences[3] = replace(sequences[3], keypoints_px=sequences[3].keypoints_px + 20)
    together = predictor.lift(sequences)
    assert [pose_m.shape for pose_m in together] == [(len(s.score), 17, 3) for s in sequences]
    for pose_m, each in zip(together, sequences, strict=True):
        np.testing.assert_allclose(predictor.lift([each])[0], pose_m, atol=1e-6)
    assert not np.allclose(together[0], together[3])


def test_nothing_in_nothing_out(predictor: Predictor) -> None:
    assert predictor.lift([]) == []


def test_poses_are_root_relative_float32_and_finite(predictor: Predictor) -> None:
    (pose_m,) = predictor.lift([sequence(4)])
    assert pose_m.dtype == np.float32
    assert (pose_m[:, 0] == 0).all()
    assert np.isfinite(pose_m).all()


def test_a_still_pose_is_lifted_like_its_single_frame(predictor: Predictor) -> None:
    """Ends are padded by repetition, so a frame repeated is the frame alone."""
    one = sequence(1)
    still = replace(
        one,
        keypoints_px=np.repeat(one.keypoints_px, 6, axis=0),
        score=np.repeat(one.score, 6, axis=0),
    )
    single, repeated = predictor.lift([one, still])
    np.testing.assert_allclose(repeated, np.repeat(single, 6, axis=0), atol=1e-6)


def test_it_is_the_training_loops_lift(predictor: Predictor) -> None:
    clip = moving_clip(frames=7, noise_px=3.0)
    tensors = clip_tensors([clip], "h36m17")
    chunk = cut_chunks(tensors, torch.tensor([[1, 0]]), 7, Context(4, 4))
    with torch.no_grad():
        expected = lift(predictor.estimator, to_batch(chunk, Context(4, 4), 0), RECIPE)[0].numpy()
    assert clip.keypoints_px is not None
    assert clip.keypoint_score is not None
    given = Keypoints2d(clip.keypoints_px[1], clip.keypoint_score[1], "h36m17", CAMERAS[1])
    np.testing.assert_allclose(predictor.lift([given])[0], expected, atol=1e-6)


def test_a_mirrored_input_gives_the_mirrored_pose(predictor: Predictor) -> None:
    """What averaging over both ways promises, exactly."""
    order = list(joint_set("h36m17").mirror)
    given = sequence(5)
    mirrored_px = given.keypoints_px[:, order] * np.array([-1, 1], np.float32)
    mirrored = replace(given, keypoints_px=mirrored_px + np.array([1000, 0], np.float32))
    plain_m, other_m = predictor.lift([given, mirrored])
    expected_m = plain_m[:, order] * np.array([-1, 1, 1])
    np.testing.assert_allclose(other_m, expected_m, atol=1e-5)


def test_coco_keypoints_are_converted_and_what_coco_lacks_is_missing(predictor: Predictor) -> None:
    rng = np.random.default_rng(0)
    coco_px = rng.uniform(100, 700, (6, 17, 2))
    score = np.ones((6, 17))
    coco = Keypoints2d(coco_px, score, "coco17", CAMERAS[0])
    (pose_m,) = predictor.lift([coco])
    assert np.isfinite(pose_m).all()
    own, theirs = joint_set("h36m17"), joint_set("coco17")
    by_name_px, by_name_score = np.zeros((6, 17, 2)), np.zeros((6, 17))
    for joint, name in enumerate(own.joints):
        if name in theirs.joints:
            by_name_px[:, joint] = coco_px[:, theirs.index(name)]
            by_name_score[:, joint] = 1.0
    hips = [theirs.index("left_hip"), theirs.index("right_hip")]
    by_name_px[:, 0], by_name_score[:, 0] = coco_px[:, hips].mean(axis=1), 1.0
    expected = predictor.lift([Keypoints2d(by_name_px, by_name_score, "h36m17", CAMERAS[0])])[0]
    np.testing.assert_allclose(pose_m, expected, atol=1e-5)


def test_a_person_of_whom_nothing_is_seen_gives_a_finite_pose(predictor: Predictor) -> None:
    blind = sequence(4, score=np.zeros((4, 17), np.float32))
    assert np.isfinite(predictor.lift([blind])[0]).all()


def test_a_camera_without_a_size_is_refused(predictor: Predictor) -> None:
    with pytest.raises(InputError, match=r"camera 'x' has no image size; give width, height"):
        predictor.lift([sequence(2, camera=Camera("x"))])


def test_a_model_folder_is_loaded_by_its_name(predictor: Predictor, tmp_path: Path) -> None:
    uri = str(tmp_path / "v7")
    save_model(uri, predictor.estimator, RECIPE, {})
    loaded = Predictor.load(uri + "/")
    assert loaded.model_id == "v7"
    np.testing.assert_array_equal(loaded.lift([sequence(4)])[0], predictor.lift([sequence(4)])[0])
    assert storage.exists(uri)


def test_maps_of_other_frames_than_the_keypoints_are_refused() -> None:
    reader = {"kind": "heatmaps", "maps": "stored", "size_px": 8, "channels": [2], "width": 3}
    recipe = tiny_recipe(encoder=reader)
    reads_maps = Predictor(build(recipe), recipe, "m")
    for frames, there in ((5, 4), (4, 5)):
        box_px = np.ones((there, 4), np.float32)
        maps = ViewMaps(np.zeros((there, 17, 8, 8), np.uint8), box_px)
        with pytest.raises(InputError, match=f"{there} frames of heatmaps beside {frames}"):
            reads_maps.lift([sequence(frames, maps=maps)])
