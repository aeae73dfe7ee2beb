from dataclasses import replace

import numpy as np
import pytest
from tests.moving_clips import moving_clip
from tests.present import present

from monopose.data.clip import Clip, validate
from monopose.evaluation.conditions import (
    CONDITIONS,
    DOUBLE_SPEED,
    HALF_SPEED,
    MASKED_30,
    MOVING_AREA,
    STATIC_AREA,
    behind_area,
    of_actions,
)
from monopose.evaluation.evaluate import mask_keypoints


def crowd(frames: int) -> Clip:
    """Keypoints spread evenly over 100 x 100 pixels, other ones in each frame."""
    rng = np.random.default_rng(0)
    keypoints_px = rng.uniform(300, 400, (2, frames, 17, 2)).astype(np.float32)
    return replace(moving_clip(frames=frames), keypoints_px=keypoints_px)


def missing(clip: Clip | None) -> np.ndarray:
    return np.asarray(present(present(clip).keypoint_score) == 0)


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_conditions_clip_is_a_clip_and_always_the_same(name: str) -> None:
    changed = validate(present(CONDITIONS[name].change(crowd(30))))
    again = present(CONDITIONS[name].change(crowd(30)))
    np.testing.assert_array_equal(present(changed.keypoints_px), present(again.keypoints_px))
    assert not present(changed.keypoints_px)[missing(changed)].any()
    photo = replace(moving_clip(frames=1), keypoints_px=None, keypoint_score=None)
    assert present(CONDITIONS[name].change(photo)).keypoints_px is None


def test_speeds_change_the_number_of_frames() -> None:
    assert present(HALF_SPEED.change(crowd(30))).num_frames == 59
    assert present(DOUBLE_SPEED.change(crowd(31))).num_frames == 16


def test_masks_are_those_of_the_evaluation() -> None:
    clip = crowd(40)
    _, score = mask_keypoints(
        present(clip.keypoints_px), present(clip.keypoint_score), 0.3, f"0/{clip.clip_id}/0"
    )
    np.testing.assert_array_equal(missing(MASKED_30.change(clip)), score == 0)


@pytest.mark.parametrize("condition", [STATIC_AREA, MOVING_AREA])
def test_what_is_missing_lies_in_one_square_and_nothing_else_does(condition: object) -> None:
    assert condition in (STATIC_AREA, MOVING_AREA)
    clip = crowd(60)
    changed = (STATIC_AREA if condition is STATIC_AREA else MOVING_AREA).change(clip)
    points = present(clip.keypoints_px)
    for view in range(2):
        hidden = missing(changed)[view]
        # The box around 17 points spread over 100 px is some 90 px; the square 0.4 of it.
        assert 0.02 < hidden.mean() < 0.25
        spans = [np.ptp(points[view][f][hidden[f]], axis=0) for f in range(60) if hidden[f].any()]
        assert np.max(spans) < 45
    static = condition is STATIC_AREA
    inside = points[0][missing(changed)[0]]
    assert (np.ptp(inside, axis=0) < 45).all() == static


def test_a_standing_square_hides_all_that_comes_into_it() -> None:
    clip = crowd(60)
    changed = behind_area(clip, 0.5, moving=False)
    points, hidden = present(clip.keypoints_px)[0], missing(changed)[0]
    low, high = points[hidden].min(axis=0), points[hidden].max(axis=0)
    inside = ((points > low) & (points < high)).all(axis=-1)
    assert hidden[inside].all()


def test_clips_can_be_chosen_by_action() -> None:
    clip = moving_clip()
    assert of_actions(clip, ("walk", "run")) is clip
    assert of_actions(clip, ("sit",)) is None
