"""Sequences of another frame rate than the model's, against the same motion at the model's."""

from dataclasses import replace

import numpy as np
import pytest
from tests.conformance import parts
from tests.moving_clips import CAMERAS, tiny_recipe

from monopose.errors import InputError
from monopose.inference.predictor import Keypoints2d, Predictor
from monopose.inference.resampling import resampling
from monopose.models.estimator import build
from monopose.recipes.parts import MultiStrideTcn, NoTemporal, SingleStrideTcn

MODEL_FPS = 50.0
RATES = [24.0, 25.0, 29.97, 60.0, 119.88, 120.0]
SWING_PX, SWINGS_PER_S = 60.0, 1.0


def predictor_of(temporal: SingleStrideTcn | MultiStrideTcn | NoTemporal) -> Predictor:
    recipe = tiny_recipe(data__flip=True, encoder__inputs="xy_mask")
    recipe = recipe.model_copy(update={"temporal": temporal})
    return Predictor(parts.seeded(lambda: build(recipe)), recipe, "m", MODEL_FPS)


@pytest.fixture(params=[False, True], ids=["centred", "causal"], scope="module")
def predictor(request: pytest.FixtureRequest) -> Predictor:
    """Sees 27 frames, about half a second."""
    return predictor_of(SingleStrideTcn(channels=8, filter_widths=(3, 3, 3), causal=request.param))


def moving(fps: float, seconds: float, *, swing: bool = False) -> Keypoints2d:
    """Joints on straight lines at constant speeds of up to 60 px/s, or swinging about a place."""
    rng = np.random.default_rng(3)
    place_px = rng.uniform(300, 600, (17, 2))
    direction = rng.uniform(-1, 1, (17, 2))
    time_s = (np.arange(round(seconds * fps) + 1) / fps)[:, None, None]
    way = np.sin(2 * np.pi * SWINGS_PER_S * time_s) if swing else time_s
    keypoints_px = (place_px + SWING_PX * direction * way).astype(np.float32)
    score = np.ones(keypoints_px.shape[:2], np.float32)
    return Keypoints2d(keypoints_px, score, "h36m17", CAMERAS[0], fps)


def unseen(given: Keypoints2d, frames: slice) -> Keypoints2d:
    score = given.score.copy()
    score[frames] = 0
    return replace(given, score=score)


def at_times(pose_m: np.ndarray, fps: float, time_s: np.ndarray) -> np.ndarray:
    """Poses of one rate at other times, coordinate by coordinate."""
    own_s = np.arange(len(pose_m)) / fps
    flat = pose_m.reshape(len(pose_m), -1)
    columns = [np.interp(time_s, own_s, flat[:, c]) for c in range(flat.shape[1])]
    return np.stack(columns, axis=1).reshape(len(time_s), *pose_m.shape[1:])


@pytest.mark.parametrize("fps", [25.0, 120.0])
def test_a_line_is_lifted_as_at_the_models_rate(predictor: Predictor, fps: float) -> None:
    """Two seconds end in a frame of all three rates, and linear interpolation of a line is exact:
    what is left is float32 (a coordinate of 1000 px has 6e-5 px)."""
    given, own = moving(fps, 2.0), moving(MODEL_FPS, 2.0)
    estimate, expected = predictor.estimate([given, own])
    assert (estimate.resampled, expected.resampled) == (True, False)
    assert estimate.pose_m.shape == (len(given.score), 17, 3)
    assert np.ptp(expected.pose_m, axis=0).max() > 0.01
    time_s = np.arange(len(given.score)) / fps
    np.testing.assert_allclose(
        estimate.pose_m, at_times(expected.pose_m, MODEL_FPS, time_s), atol=2e-5
    )


@pytest.mark.parametrize("fps", [25.0, 120.0])
def test_a_swing_differs_by_no_more_than_lines_between_its_frames(
    predictor: Predictor, fps: float
) -> None:
    """Linear interpolation of a sine is off by at most A w^2 h^2 / 8; the poses follow."""
    given, own = moving(fps, 4.0, swing=True), moving(MODEL_FPS, 4.0, swing=True)
    times = resampling(len(given.score), fps, MODEL_FPS)
    assert times is not None
    keypoints_px, _ = times.keypoints(given.keypoints_px, given.score)
    bound_px = SWING_PX * (2 * np.pi * SWINGS_PER_S / fps) ** 2 / 8
    assert np.abs(keypoints_px - own.keypoints_px).max() < bound_px + 1e-3
    resampled_m, as_it_is_m, expected_m = predictor.lift([given, replace(given, fps=None), own])
    expected_m = at_times(expected_m, MODEL_FPS, np.arange(len(given.score)) / fps)
    off_m, unsaid_off_m = (np.abs(m - expected_m).max() for m in (resampled_m, as_it_is_m))
    assert off_m < 0.1 * unsaid_off_m


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("frames", [2, 3, 7, 100])
def test_there_and_back_is_the_same_line(fps: float, frames: int) -> None:
    """Also where the last frames of both rates do not meet by themselves."""
    line = np.linspace(-3, 9, frames, dtype=np.float32)[:, None, None].repeat(2, axis=2)
    times = resampling(frames, fps, MODEL_FPS)
    assert times is not None
    model, score = times.keypoints(line, np.ones((frames, 1), np.float32))
    assert abs(times.frames - 1 - (frames - 1) * MODEL_FPS / fps) < 1
    assert (score == 1).all()
    both = np.concatenate([model, model[..., :1]], axis=2)
    np.testing.assert_allclose(times.poses(both)[..., :2], line, atol=1e-5)


@pytest.mark.parametrize(("fps", "model_frames"), [(25.0, 153), (120.0, 151)])
def test_three_seconds_unseen_stay_unseen(
    predictor: Predictor, fps: float, model_frames: int
) -> None:
    """The gap begins and ends in frames of all rates: 151 of the model's. Of 25 a second each has
    neighbours in the model's that lie between it and one that is seen: two more."""
    first, last = int(2 * fps), int(5 * fps)
    given = unseen(moving(fps, 7.0), slice(first, last + 1))
    _, score = predictor.prepare(given)
    missing = np.flatnonzero((score == 0).all(axis=1))
    more = (model_frames - 151) // 2
    assert missing.tolist() == list(range(100 - more, 251 + more))
    (estimate,) = predictor.estimate([given])
    assert np.isfinite(estimate.pose_m).all()
    assert (estimate.confidence[int(3 * fps) : int(4 * fps)] == 0).all()
    assert estimate.confidence[int(1.2 * fps)].min() > 0.9


@pytest.mark.parametrize("fps", [25.0, 120.0])
def test_frames_and_clips_unseen_and_short_ones_are_said(predictor: Predictor, fps: float) -> None:
    whole = moving(fps, 3.0)
    middle = int(1.5 * fps)
    frame, nothing, short, full = predictor.estimate(
        [
            unseen(whole, slice(middle, middle + int(np.ceil(fps / MODEL_FPS)))),
            unseen(whole, slice(None)),
            moving(fps, 0.1),
            whole,
        ]
    )
    for estimate in (frame, nothing, short):
        assert estimate.resampled
        assert np.isfinite(estimate.pose_m).all()
        assert np.isfinite(estimate.confidence).all()
    assert frame.confidence[middle].max() < 0.6 < 0.9 < frame.confidence[int(0.8 * fps)].min()
    assert (nothing.confidence == 0).all()
    assert len(short.pose_m) == round(0.1 * fps) + 1
    assert short.confidence.max() < full.confidence[middle].min() == pytest.approx(1.0)


def test_a_confidence_is_the_lower_of_both_neighbours_and_a_score_too() -> None:
    times = resampling(3, 25.0, MODEL_FPS)
    assert times is not None
    _, score = times.keypoints(
        np.ones((3, 1, 2), np.float32), np.array([[1.0], [0.5], [0.0]], np.float32)
    )
    assert score[:, 0].tolist() == [1.0, 0.5, 0.5, 0.0, 0.0]
    # Frames of 100 a second lie on the model's and halfway between them.
    halves = resampling(5, 100.0, MODEL_FPS)
    assert halves is not None
    confidence = halves.confidence(np.array([[1.0], [0.5], [0.8]], np.float32))
    np.testing.assert_allclose(confidence[:, 0], [1.0, 0.5, 0.5, 0.5, 0.8])


def test_what_is_no_coordinate_does_not_spread(predictor: Predictor) -> None:
    given = moving(25.0, 2.0)
    spoilt_px = given.keypoints_px.copy()
    spoilt_px[20:22, 4] = np.nan
    one, other = predictor.estimate(
        [replace(given, keypoints_px=spoilt_px), unseen_joint(given, slice(20, 22), 4)]
    )
    np.testing.assert_array_equal(one.pose_m, other.pose_m)
    np.testing.assert_array_equal(one.confidence, other.confidence)


def unseen_joint(given: Keypoints2d, frames: slice, joint: int) -> Keypoints2d:
    score = given.score.copy()
    score[frames, joint] = 0
    return replace(given, score=score)


@pytest.mark.parametrize("fps", [None, 50.0, 49.1, 50.9])
def test_the_models_rate_or_none_changes_nothing(predictor: Predictor, fps: float | None) -> None:
    given = replace(moving(MODEL_FPS, 1.0), fps=fps)
    (estimate,) = predictor.estimate([given])
    assert not estimate.resampled
    unsaid = Predictor(predictor.estimator, predictor.recipe, "m")
    for same in (given, replace(given, fps=25.0)):
        np.testing.assert_array_equal(estimate.pose_m, unsaid.lift([same])[0])


def test_a_model_of_single_frames_takes_them_as_they_come() -> None:
    (estimate,) = predictor_of(NoTemporal()).estimate([moving(120.0, 0.5)])
    assert not estimate.resampled


def test_frames_too_far_apart_are_not_joined(predictor: Predictor) -> None:
    """Two a second: one in 25 of the model's frames is seen, as in live use."""
    _, score = predictor.prepare(moving(2.0, 3.0))
    assert np.flatnonzero(score[:, 0]).tolist() == [0, 25, 50, 75, 100, 125, 150]
    (estimate,) = predictor.estimate([moving(2.0, 3.0)])
    assert estimate.confidence.max() < 0.65


@pytest.mark.parametrize("frames", [0, 1])
def test_too_few_frames_to_resample(predictor: Predictor, frames: int) -> None:
    given = moving(120.0, 1.0)
    few = replace(given, keypoints_px=given.keypoints_px[:frames], score=given.score[:frames])
    (estimate,) = predictor.estimate([few])
    assert estimate.pose_m.shape == (frames, 17, 3)
    assert not estimate.resampled


@pytest.mark.parametrize("fps", [0.0, -25.0, 0.5, np.nan, np.inf])
def test_what_is_no_frame_rate_is_refused(predictor: Predictor, fps: float) -> None:
    with pytest.raises(InputError, match=r"keypoints: the frame rate is .* at least 1"):
        predictor.lift([replace(moving(25.0, 1.0), fps=fps)])
