from dataclasses import replace

import numpy as np
import pytest
from tests.moving_clips import moving_clip
from tests.present import present

from monopose.data.clip import Clip, validate
from monopose.data.resample import resampled
from monopose.errors import InputError

RATE = 0.2  # radians a frame


def sine_clip(frames: int) -> Clip:
    """Every coordinate of every joint is a sine of time with its own amplitude and phase."""
    clip = moving_clip(frames=frames)
    time = RATE * np.arange(frames)
    pose_m = np.sin(time[:, None, None] + np.arange(17)[:, None]) * np.array([1.0, 0.5, 0.25])
    seen_px = (
        400 + 100 * np.sin(time[:, None, None] + np.arange(17)[:, None]) * np.ones((2, 1))[:, 0]
    )
    return replace(
        clip,
        pose_world_m=pose_m.astype(np.float32),
        keypoints_px=np.stack([seen_px, seen_px + 7]).astype(np.float32),
    )


@pytest.mark.parametrize("speed", [0.5, 0.75, 1.0, 1.5, 2.0, 3.0])
def test_a_sine_played_faster_is_a_sine_of_that_rate(speed: float) -> None:
    clip = sine_clip(61)
    result = validate(resampled(clip, speed))
    frames = int(60 / speed) + 1
    assert (result.num_frames, result.fps) == (frames, clip.fps)
    time = RATE * speed * np.arange(frames)
    wave = np.sin(time[:, None] + np.arange(17))
    # A chord lies below its sine by at most step^2 / 8.
    below = RATE**2 / 8
    np.testing.assert_allclose(present(result.pose_world_m)[..., 0], wave, atol=below + 1e-6)
    np.testing.assert_allclose(
        present(result.pose_world_m)[..., 2], wave / 4, atol=below / 4 + 1e-6
    )
    seen_px = present(result.keypoints_px)
    np.testing.assert_allclose(seen_px[0, ..., 0], 400 + 100 * wave, atol=100 * below + 1e-3)
    np.testing.assert_allclose(seen_px[1] - seen_px[0], 7, atol=1e-3)


def test_twice_the_speed_is_every_other_frame_exactly() -> None:
    clip = replace(moving_clip(frames=12), pose_camera_m=np.random.rand(2, 12, 17, 3).astype("f"))
    result = resampled(clip, 2.0)
    for name, axis in (("pose_world_m", 0), ("pose_camera_m", 1), ("keypoints_px", 1)):
        expected = getattr(clip, name).take(range(0, 12, 2), axis)
        np.testing.assert_array_equal(getattr(result, name), expected)


def test_a_keypoint_between_a_seen_and_a_missing_one_is_missing() -> None:
    clip = moving_clip(frames=4)
    score = np.ones((2, 4, 17), np.float32)
    score[0, 1, 3], score[0, 3, 3], score[1, 2, 5] = 0.0, 0.0, 0.25
    keypoints_px = present(clip.keypoints_px) * (score > 0)[..., None]
    slow = resampled(replace(clip, keypoints_px=keypoints_px, keypoint_score=score), 0.5)
    assert present(slow.keypoint_score)[0, :, 3].tolist() == [1, 0, 0, 0, 1, 0, 0]
    assert present(slow.keypoint_score)[1, :, 5].tolist() == [1, 1, 1, 0.25, 0.25, 0.25, 1]
    assert not present(slow.keypoints_px)[0, [1, 2, 3, 5, 6], 3].any()
    np.testing.assert_array_equal(present(slow.keypoints_px)[0, ::2, 3], keypoints_px[0, :, 3])


def test_images_and_their_boxes_are_those_of_the_nearest_frame() -> None:
    view = tuple(bytes([frame]) for frame in range(5))
    boxes = np.arange(40, dtype=np.float32).reshape(2, 5, 4)
    maps = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((2, 5, 17, 2, 2), np.uint8)
    clip = replace(moving_clip(frames=5), image=(view, view), crop_box_px=boxes, heatmaps=maps)
    fast = resampled(clip, 2.0)
    assert fast.image == ((b"\0", b"\2", b"\4"),) * 2
    np.testing.assert_array_equal(present(fast.crop_box_px), boxes[:, ::2])
    assert present(fast.heatmaps)[:, :, 0, 0, 0].tolist() == [[0, 2, 4]] * 2


def test_a_photo_stays_a_photo_and_absent_parts_stay_absent() -> None:
    photo = replace(moving_clip(frames=1), pose_world_m=None, keypoint_score=None, start_frame=40)
    result = resampled(photo, 0.5)
    assert (result.num_frames, result.start_frame) == (1, 80)
    assert (result.pose_world_m, result.pose_camera_m, result.keypoint_score) == (None, None, None)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(InputError, match="not a positive number"):
        resampled(moving_clip(), speed)
