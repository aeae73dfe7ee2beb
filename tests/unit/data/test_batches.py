from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.moving_clips import CAMERAS, moving_clip, moving_tensors
from tests.present import present

from monopose.data.batches import (
    ClipTensors,
    chunk_starts,
    clip_tensors,
    cut_chunks,
    image_size,
    normalise_screen,
    screen_intrinsics,
)
from monopose.data.context import Context
from monopose.errors import InputError
from monopose.geometry.camera import Camera, project
from monopose.skeleton import joint_set


def assert_same_tensors(one: ClipTensors, other: ClipTensors) -> None:
    left, right = one.arrays(), other.arrays()
    assert set(left) == set(right)
    for name, values in left.items():
        assert values.dtype == right[name].dtype
        np.testing.assert_array_equal(values, right[name], err_msg=name)


def test_screen_is_one_wide_on_both_sides_and_keeps_the_aspect() -> None:
    corners_px = np.array([[0, 0], [1000, 0], [500, 400], [1000, 800], [750, 400]], np.float32)
    expected: list[list[float]] = [[-1, -0.8], [1, -0.8], [0, 0], [1, 0.8], [0.5, 0]]
    np.testing.assert_allclose(normalise_screen(corners_px, 1000, 800), expected, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normalising_keeps_the_dtype(dtype: type[np.floating]) -> None:
    assert normalise_screen(np.zeros((2, 3, 2), dtype), 640, 480).dtype == dtype


def test_screen_intrinsics_project_to_where_pixels_are_normalised_to() -> None:
    camera = Camera("c", fx=1145.0, fy=1143.0, cx=512.5, cy=515.4, width=1000, height=1002)
    points_m = np.random.default_rng(0).uniform((-1, -1, 3), (1, 1, 6), (50, 3))
    fx, fy, cx, cy = screen_intrinsics(camera, "clip")
    x, y, z = points_m.T
    screen = np.stack([fx * x / z + cx, fy * y / z + cy], axis=-1)
    np.testing.assert_allclose(
        screen, normalise_screen(project(points_m, camera), 1000, 1002), atol=1e-12
    )


def test_unknown_intrinsics_are_a_focal_length_of_1_2_widths_about_the_middle() -> None:
    camera = Camera("c", width=1000, height=800)
    assert screen_intrinsics(camera, "clip") == pytest.approx((2.4, 2.4, 0.0, 0.0))


def test_a_camera_without_a_size_says_so() -> None:
    with pytest.raises(InputError, match=r"walk: camera 'c' has no image size; give width, height"):
        image_size(Camera("c", width=1000), "walk")


def test_clips_become_sequences_end_to_end() -> None:
    clips = [moving_clip("b", 5), moving_clip("a", 3)]
    tensors = clip_tensors(clips, "h36m17")
    assert tensors.num_frames == 16
    assert tensors.length.tolist() == [3, 3, 5, 5]
    assert tensors.first.tolist() == [0, 3, 6, 11]
    assert tensors.has_3d.tolist() == [True] * 4
    seen = normalise_screen(present(clips[0].keypoints_px)[1], 1000, 800)
    np.testing.assert_array_equal(tensors.keypoints[11:16].numpy(), seen)
    # Seen from (5, 0, 1) along -X: right is +Y, down is -Z, forward is -X.
    x, y, z = np.moveaxis(present(clips[0].pose_world_m), -1, 0)
    np.testing.assert_allclose(
        tensors.pose_m[11:16].numpy(), np.stack([y, 1 - z, 5 - x], axis=-1), atol=1e-5
    )
    np.testing.assert_allclose(tensors.rotation[3].numpy(), present(CAMERAS[1].rotation))


def test_the_order_of_the_clips_does_not_matter() -> None:
    clips = [moving_clip(name, frames) for name, frames in (("c", 4), ("a", 6), ("b", 5))]
    assert_same_tensors(clip_tensors(clips, "h36m17"), clip_tensors(clips[::-1], "h36m17"))


def test_joints_without_a_counterpart_are_zero_and_masked() -> None:
    clip = moving_clip(joint_set="humaneva15", frames=4)
    tensors = clip_tensors([clip], "h36m17")
    target, source = joint_set("h36m17"), joint_set("humaneva15")
    for joint, name in enumerate(target.joints):
        known = bool(tensors.joint_mask[0, joint])
        assert known == (name in source.joints or name == "neck_nose")
        if not known:
            assert (tensors.keypoints[:, joint] == 0).all()
            assert (tensors.pose_m[:, joint] == 0).all()
            assert (tensors.score[:, joint] == 0).all()
        elif name in source.joints:
            seen = normalise_screen(present(clip.keypoints_px)[0, :, source.index(name)], 1000, 800)
            np.testing.assert_allclose(tensors.keypoints[:4, joint].numpy(), seen, atol=1e-6)


def test_clips_without_labels_or_scores_come_with_zeros_and_ones() -> None:
    clip = moving_clip(pose_world_m=None, keypoint_score=None, frames=4)
    tensors = clip_tensors([clip], "h36m17")
    assert tensors.has_3d.tolist() == [False, False]
    assert (tensors.pose_m == 0).all()
    assert (tensors.score == 1).all()


def test_a_camera_of_unknown_pose_is_taken_as_level() -> None:
    """World up (0, 0, 1) is then up in the image, -y."""
    cameras = tuple(replace(camera, rotation=None, translation_m=None) for camera in CAMERAS)
    tensors = clip_tensors([moving_clip(cameras=cameras)], "h36m17")
    assert tensors.has_3d.tolist() == [False, False]
    assert (tensors.rotation[0] @ torch.tensor([0.0, 0.0, 1.0])).tolist() == [0, -1, 0]


def test_clips_without_keypoints_are_left_out() -> None:
    blind = moving_clip("blind", keypoints_px=None, keypoint_score=None)
    assert len(clip_tensors([blind, moving_clip("seen")], "h36m17").length) == 2
    with pytest.raises(InputError, match="no clip has 2D keypoints"):
        clip_tensors([blind], "h36m17")


def test_arrays_round_trip_without_a_copy() -> None:
    tensors = moving_tensors(3, 4)
    back = ClipTensors.from_arrays(tensors.arrays())
    assert_same_tensors(tensors, back)
    assert back.keypoints.data_ptr() == tensors.keypoints.data_ptr()


@pytest.mark.parametrize("chunk_frames", [1, 4, 7, 50])
def test_chunks_cover_every_frame_and_stay_inside(chunk_frames: int) -> None:
    tensors = moving_tensors(1, 3, 4, 5, 23)
    for seed in range(20):
        starts = chunk_starts(tensors, chunk_frames, torch.Generator().manual_seed(seed))
        covered = [np.zeros(length, int) for length in tensors.length.tolist()]
        for sequence, start in starts.tolist():
            assert 0 <= start <= max(0, len(covered[sequence]) - chunk_frames)
            covered[sequence][start : start + chunk_frames] += 1
        assert all((frames >= 1).all() for frames in covered)
        # Only the two ends of a tiling may overlap their neighbours.
        assert all((frames > 1).sum() <= 2 * chunk_frames for frames in covered)
        assert len(starts) <= sum(len(frames) // chunk_frames + 2 for frames in covered)


def test_chunk_borders_move_with_the_seed_and_only_with_it() -> None:
    tensors = moving_tensors(40, 40)
    draws = [chunk_starts(tensors, 8, torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert sorted(draws[0].tolist()) != sorted(draws[2].tolist())
    assert draws[0].tolist() != sorted(draws[0].tolist())


@pytest.mark.parametrize(
    ("chunk_frames", "before", "after"), [(4, 0, 0), (4, 4, 4), (6, 1, 1), (1, 2, 2), (4, 7, 0)]
)
def test_chunks_are_cut_as_a_loop_over_frames_would(
    chunk_frames: int, before: int, after: int
) -> None:
    tensors = moving_tensors(2, 9)
    starts = torch.tensor([[3, 5], [0, 0], [2, 0], [3, 3], [1, 1]])
    chunks = cut_chunks(tensors, starts, chunk_frames, Context(before, after))
    for row, (sequence, start) in enumerate(starts.tolist()):
        first, length = int(tensors.first[sequence]), int(tensors.length[sequence])
        for column in range(before + chunk_frames + after):
            frame = start - before + column
            source = first + max(0, min(frame, length - 1))
            assert torch.equal(chunks.keypoints[row, column], tensors.keypoints[source])
            assert torch.equal(chunks.score[row, column], tensors.score[source])
            assert torch.equal(chunks.context_pose_m[row, column], tensors.pose_m[source])
        expected = [start + output < length for output in range(chunk_frames)]
        assert chunks.valid[row].tolist() == expected
        assert torch.equal(chunks.rotation[row], tensors.rotation[sequence])
        assert torch.equal(chunks.intrinsics[row], tensors.intrinsics[sequence])
    assert chunks.keypoints.shape[1] == before + chunk_frames + after
