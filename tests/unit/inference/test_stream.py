from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.conformance import parts
from tests.moving_clips import CAMERAS, moving_clip, tiny_recipe

from monopose.errors import InputError
from monopose.geometry.camera import Camera
from monopose.inference.predictor import Keypoints2d, Predictor
from monopose.inference.stream import LiveLifter, LivePose
from monopose.models.estimator import build
from monopose.models.temporal.live import live as live_form
from monopose.recipes.parts import (
    Fill,
    MlpEncoder,
    MultiStrideTcn,
    NoTemporal,
    Runtime,
    SingleStrideTcn,
)
from monopose.recipes.recipe import Recipe

TEMPORALS = {
    "single": SingleStrideTcn(channels=8, filter_widths=(3, 3, 2), causal=True),
    "multi": MultiStrideTcn(channels=8, strides=(1, 2, 4), filter_widths=(3, 3), causal=True),
    "none": NoTemporal(),
}


def predictor_of(name: str, *, flip: bool = True, fill: Fill | None = None) -> Predictor:
    recipe: Recipe = tiny_recipe(data__flip=flip).model_copy(
        update={
            "temporal": TEMPORALS[name],
            "encoder": MlpEncoder(width=9, inputs="xy_score"),
            "fill": fill,
            # Of training alone: estimates must not tremble by it.
            "runtime": Runtime(amp=True),
        }
    )
    return Predictor(parts.seeded(lambda: build(recipe)), recipe, "m")


def sequence(frames: int = 40, missing: float = 0.2) -> Keypoints2d:
    clip = moving_clip(frames=frames, noise_px=4.0)
    assert clip.keypoints_px is not None
    kept = np.random.default_rng(2).random((frames, 17)) >= missing
    px = clip.keypoints_px[0] * kept[..., None].astype(np.float32)
    return Keypoints2d(px, kept.astype(np.float32), "h36m17", CAMERAS[0])


def fed(
    lifter: LiveLifter, given: Keypoints2d, times_s: list[float] | None = None
) -> list[LivePose]:
    times = [None] * len(given.score) if times_s is None else times_s
    return [
        lifter.push(px, score, time)
        for px, score, time in zip(given.keypoints_px, given.score, times, strict=True)
    ]


@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize("name", TEMPORALS)
def test_frame_by_frame_is_the_whole_sequence_in_one_pass(name: str, flip: bool) -> None:
    predictor = predictor_of(name, flip=flip)
    given = sequence()
    whole = predictor.estimate([given])[0]
    live = fed(LiveLifter(predictor, "h36m17", CAMERAS[0]), given)
    np.testing.assert_allclose(np.stack([p.pose_m for p in live]), whole.pose_m, atol=2e-5)
    np.testing.assert_allclose([p.confidence for p in live], whole.confidence, atol=1e-6)


@pytest.mark.parametrize("name", ["single", "multi"])
def test_frame_by_frame_fills_what_is_missing_as_in_one_pass(name: str) -> None:
    predictor = predictor_of(name, fill=Fill(frames=3))
    given = sequence(missing=0.5)
    whole = predictor.estimate([given])[0]
    lifter = LiveLifter(predictor, "h36m17", CAMERAS[0])
    for _ in range(2):
        live = fed(lifter, given)
        np.testing.assert_allclose(np.stack([p.pose_m for p in live]), whole.pose_m, atol=2e-5)
        lifter.reset()
    unfilled = predictor_of(name).estimate([given])[0]
    assert np.abs(whole.pose_m - unfilled.pose_m).max() > 1e-3


def test_a_model_that_fills_from_newer_frames_is_refused() -> None:
    predictor = predictor_of("none", fill=Fill(frames=3))
    with pytest.raises(InputError, match=r"waits for 3 frames after"):
        LiveLifter(predictor, "h36m17", CAMERAS[0])


def test_in_double_precision_they_agree_to_rounding() -> None:
    predictor = predictor_of("multi", flip=False)
    temporal = predictor.estimator.temporal.double()
    inputs = torch.randn(
        3, 60, predictor.estimator.encoder.num_features, dtype=torch.float64,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    padded = torch.cat([inputs[:, :1].expand(-1, temporal.context.before, -1), inputs], dim=1)
    with torch.no_grad():
        whole = temporal(padded)
        stepper = live_form(temporal)
        steps = torch.stack([stepper.push(inputs[:, t]) for t in range(60)], dim=1)
    torch.testing.assert_close(steps, whole, rtol=0, atol=1e-12)


def test_a_reset_lifter_begins_anew_and_two_do_not_share_memory() -> None:
    predictor = predictor_of("multi")
    one, other = (LiveLifter(predictor, "h36m17", CAMERAS[0]) for _ in range(2))
    first = fed(one, sequence(9))
    fed(other, sequence(5))
    one.reset()
    again = fed(one, sequence(9))
    for before, after in zip(first, again, strict=True):
        np.testing.assert_array_equal(before.pose_m, after.pose_m)
        np.testing.assert_array_equal(before.confidence, after.confidence)


def test_a_model_that_looks_ahead_is_refused() -> None:
    recipe = tiny_recipe()
    with pytest.raises(InputError, match=r"waits for 1 frames after .*temporal\.causal=true"):
        LiveLifter(Predictor(build(recipe), recipe, "m"), "h36m17", CAMERAS[0])


def test_a_camera_without_a_size_and_a_frame_without_a_time_are_refused() -> None:
    predictor, given = predictor_of("none"), sequence(1)
    with pytest.raises(InputError, match="has no image size"):
        fed(LiveLifter(predictor, "h36m17", Camera("x")), given)
    with pytest.raises(InputError, match="the frame has no time"):
        fed(LiveLifter(predictor, "h36m17", CAMERAS[0], fps=50.0), given)


def test_at_the_models_own_rate_nothing_is_resampled_and_nothing_said() -> None:
    predictor, given = predictor_of("single"), sequence()
    lifter = LiveLifter(predictor, "h36m17", CAMERAS[0], fps=50.0)
    # A clock that is off by a thousandth drifts by two frames in 2000: the model's follows it.
    live = fed(lifter, given, [t / 50.05 for t in range(40)])
    plain = fed(LiveLifter(predictor, "h36m17", CAMERAS[0]), given)
    assert not any(pose.resampled or pose.restarted for pose in live)
    assert lifter.note() == ""
    for one, other in zip(live, plain, strict=True):
        np.testing.assert_array_equal(one.pose_m, other.pose_m)


def test_twice_the_rate_is_every_second_frame_and_is_said() -> None:
    predictor, given = predictor_of("single"), sequence()
    lifter = LiveLifter(predictor, "h36m17", CAMERAS[0], fps=25.0)
    live = fed(lifter, given, [t / 50 for t in range(40)])
    second = replace(given, keypoints_px=given.keypoints_px[::2], score=given.score[::2])
    expected = predictor.lift([second])[0]
    np.testing.assert_allclose([p.pose_m for p in live[::2]], expected, atol=2e-5)
    np.testing.assert_array_equal([p.pose_m for p in live[1::2]], [p.pose_m for p in live[::2]])
    assert lifter.note() == "frames come at 50.0 a second and are resampled to the model's 25"
    assert live[3].resampled


def test_half_the_rate_has_its_missing_frames_put_in_on_a_line() -> None:
    predictor, given = predictor_of("multi"), sequence(20, missing=0.0)
    lifter = LiveLifter(predictor, "h36m17", CAMERAS[0], fps=50.0)
    live = fed(lifter, given, [t / 25 for t in range(20)])
    doubled = np.zeros((39, 17, 2), np.float32)
    doubled[::2] = given.keypoints_px
    doubled[1::2] = (given.keypoints_px[:-1] + given.keypoints_px[1:]) / 2
    full = Keypoints2d(doubled, np.ones((39, 17), np.float32), "h36m17", CAMERAS[0])
    expected = predictor.lift([full])[0][::2]
    np.testing.assert_allclose([p.pose_m for p in live], expected, atol=2e-4)
    assert [p.resampled for p in live] == [False] + [True] * 19


def test_after_a_gap_longer_than_it_sees_it_begins_anew() -> None:
    predictor, given = predictor_of("multi"), sequence(12)
    lifter = LiveLifter(predictor, "h36m17", CAMERAS[0], fps=50.0)
    fed(lifter, given, [t / 50 for t in range(12)])
    after = fed(lifter, given, [3600 + t / 50 for t in range(12)])
    assert [pose.restarted for pose in after] == [True] + [False] * 11
    fresh = fed(LiveLifter(predictor, "h36m17", CAMERAS[0]), given)
    for one, other in zip(after, fresh, strict=True):
        np.testing.assert_array_equal(one.pose_m, other.pose_m)


def test_nothing_seen_or_nonsense_gives_a_finite_pose_without_confidence() -> None:
    predictor = predictor_of("multi")
    for fps in (None, 50.0):
        lifter = LiveLifter(predictor, "h36m17", CAMERAS[0], fps)
        for frame in range(3):
            time_s = frame / 50
            nonsense = np.full((17, 2), [np.nan, np.inf, 0.0][frame])
            pose = lifter.push(nonsense, np.full(17, [1.0, np.nan, 0.0][frame]), time_s)
            assert np.isfinite(pose.pose_m).all()
            assert (pose.confidence == 0).all()
