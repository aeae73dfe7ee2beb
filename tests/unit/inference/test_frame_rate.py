import numpy as np
import pytest

from monopose.errors import InputError
from monopose.inference.frame_rate import Due, FrameClock, LiveFrame


def frame(time_s: float, x_px: float = 0.0, score: float = 1.0) -> LiveFrame:
    return LiveFrame(np.full((2, 2), x_px), np.array([score, 1.0]), time_s)


def due_times(dues: list[Due]) -> list[float]:
    return [each.time_s for due in dues for each in due.frames]


@pytest.mark.parametrize("fps", [12.0, 24.0, 30.0, 50.0, 60.0, 119.88])
def test_whatever_the_rate_frames_are_due_at_the_models(fps: float) -> None:
    clock = FrameClock(50.0, 1000)
    times = [index / fps for index in range(int(fps * 4))]
    # Where a keypoint is at a time, in pixels: a line, so interpolation is exact.
    dues = [clock.take(frame(time_s, 100 * time_s)) for time_s in times]
    made = [each for due in dues for each in due.frames]
    steps_s = np.diff([each.time_s for each in made])
    assert np.abs(steps_s - 0.02).max() <= 0.05 * 0.02 + 1e-9
    for each in made:
        np.testing.assert_allclose(each.keypoints_px, 100 * each.time_s, atol=1e-9)
    assert not any(due.restarted for due in dues)


def test_a_keypoint_missing_on_either_side_is_missing_between() -> None:
    clock = FrameClock(50.0, 100)
    clock.take(frame(0.0, 10.0, score=0.0))
    between, last = clock.take(frame(0.04, 30.0, score=0.5)).frames
    assert between.score.tolist() == [0.0, 1.0]
    assert between.keypoints_px.tolist() == [[0, 0], [20, 20]]
    assert last.score.tolist() == [0.5, 1.0]


def test_long_gaps_are_missing_frames_and_not_a_line() -> None:
    clock = FrameClock(10.0, 100)
    clock.take(frame(0.0, 10.0))
    due = clock.take(frame(1.0, 20.0))
    assert len(due.frames) == 10
    assert all((each.score == 0).all() for each in due.frames[:-1])
    assert (due.frames[-1].score == 1).all()
    assert due.resampled
    assert not due.restarted


def test_a_gap_longer_than_the_field_restarts_at_the_new_frame_at_once() -> None:
    clock = FrameClock(50.0, 27)
    clock.take(frame(0.0))
    due = clock.take(frame(1e9))
    assert (len(due.frames), due.restarted) == (1, True)
    assert due_times([clock.take(frame(1e9 + 0.02))]) == [pytest.approx(1e9 + 0.02)]


def test_a_model_of_single_frames_is_not_restarted_by_every_slow_frame() -> None:
    clock = FrameClock(50.0, 1)
    dues = [clock.take(frame(index / 10)) for index in range(5)]
    assert not any(due.restarted for due in dues)


@pytest.mark.parametrize("time_s", [0.0, -1.0, float("nan"), float("inf")])
def test_time_that_does_not_go_on_is_refused_and_changes_nothing(time_s: float) -> None:
    clock = FrameClock(50.0, 27)
    clock.take(frame(0.0))
    with pytest.raises(InputError, match="does not follow the one before; feed in order"):
        clock.take(frame(time_s))
    assert due_times([clock.take(frame(0.02))]) == [0.02]


@pytest.mark.parametrize("fps", [0.0, -25.0, float("nan"), float("inf")])
def test_an_impossible_rate_is_refused(fps: float) -> None:
    with pytest.raises(InputError, match="not a positive number"):
        FrameClock(fps, 27)
