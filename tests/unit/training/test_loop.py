import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.moving_clips import moving_clip, moving_tensors, tiny_recipe

from monopose.data.batches import ClipTensors, clip_tensors
from monopose.evaluation.evaluate import Provenance, evaluate
from monopose.inference.assess import lift_of
from monopose.inference.predictor import Predictor
from monopose.models.estimator import build
from monopose.recipes.parts import Optimiser
from monopose.recipes.recipe import Recipe
from monopose.training.loop import (
    EpochReport,
    Players,
    Training,
    Workers,
    evaluate_mm,
    fit,
    start,
    step,
    step_seed,
)
from monopose.training.optimisation import learning_rate
from monopose.training.run import cached

CPU = torch.device("cpu")
TRAIN, VAL = moving_tensors(12, 15, noise_px=2.0), moving_tensors(9)


def trained(
    recipe: Recipe,
    validation: ClipTensors | None = VAL,
    on_epoch: Callable[[Training, EpochReport], bool] | None = None,
) -> tuple[Training, list[EpochReport]]:
    """The training after its budget, and its reports."""
    reports = []

    def keep(training: Training, report: EpochReport) -> bool:
        reports.append(report)
        return True if on_epoch is None else on_epoch(training, report)

    training = fit(start(recipe, CPU), cached(recipe, TRAIN), validation, on_epoch=keep)
    return training, reports


def weights(training: Training) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in training.evaluated.state_dict().items()}


def without_times(reports: list[EpochReport]) -> list[EpochReport]:
    return [replace(report, seconds=0.0, frames_per_s=0.0) for report in reports]


def config(**values: Any) -> Optimiser:
    return Optimiser(learning_rate=0.01, final_share=0.1, warmup_share=0.2, **values)


def test_learning_rate_warms_up_and_then_follows_its_schedule() -> None:
    cosine, exponential = config(schedule="cosine"), config(schedule="exponential")
    constant = config(schedule="constant")
    for each in (cosine, exponential, constant):
        assert learning_rate(each, 0.0) == pytest.approx(0.01 * 0.001 / 0.201)
        assert learning_rate(each, 0.0995) == pytest.approx(0.01 / 2)
        assert learning_rate(each, 0.2) == pytest.approx(0.01)
    # Half way between the end of the warm-up and the end: 0.6.
    assert learning_rate(cosine, 0.6) == pytest.approx((0.01 + 0.001) / 2)
    assert learning_rate(exponential, 0.6) == pytest.approx(0.01 / math.sqrt(10))
    assert learning_rate(constant, 0.6) == 0.01
    assert learning_rate(cosine, 1.0) == pytest.approx(0.001)
    assert learning_rate(exponential, 1.0) == pytest.approx(0.001)
    assert learning_rate(constant, 1.0) == 0.01


def test_without_warm_up_the_full_rate_comes_first() -> None:
    flat = Optimiser(learning_rate=0.01, warmup_share=0.0)
    assert learning_rate(flat, 0.0) == 0.01


def test_steps_have_seeds_of_their_own() -> None:
    seeds = {step_seed(s, e, i) for s in range(3) for e in range(20) for i in range(-1, 20)}
    assert len(seeds) == 3 * 20 * 21


def test_any_seed_a_recipe_takes_can_be_trained_with() -> None:
    recipe = tiny_recipe(seed=2**62, budget__epochs=1)
    training, reports = trained(recipe, None)
    assert len(reports) == 1
    assert training.epoch == 1


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    recipe = tiny_recipe(data__flip=True)
    torch.manual_seed(1)
    (one, first), (two, second) = trained(recipe), trained(recipe)
    assert all(torch.equal(v, weights(two)[k]) for k, v in weights(one).items())
    assert without_times(first) == without_times(second)
    other, _ = trained(recipe.model_copy(update={"seed": 1}))
    assert not torch.equal(weights(one)["head.joints.weight"], weights(other)["head.joints.weight"])


def test_training_learns() -> None:
    recipe = tiny_recipe(budget__epochs=12, optimiser__learning_rate=0.03)
    _, reports = trained(recipe, TRAIN)
    assert reports[-1].train_loss < 0.5 * reports[0].train_loss
    early_mm, final_mm = reports[1].val_mpjpe_mm, reports[-1].val_mpjpe_mm
    assert early_mm is not None
    assert final_mm is not None
    assert final_mm < 0.5 * early_mm


def test_reports_say_when_it_was_evaluated() -> None:
    _, reports = trained(tiny_recipe(budget__epochs=5))
    assert [report.epoch for report in reports] == [1, 2, 3, 4, 5]
    assert [report.val_mpjpe_mm is None for report in reports] == [True, False, True, False, False]
    assert [r.seconds for r in reports] == sorted(r.seconds for r in reports)
    assert all(report.frames_per_s > 0 for report in reports)


def test_a_run_stops_where_it_is_told_to() -> None:
    training, reports = trained(tiny_recipe(), on_epoch=lambda _, report: report.epoch < 2)
    assert (training.epoch, len(reports)) == (2, 2)


def test_averaged_weights_are_the_decayed_mean_of_the_steps() -> None:
    """a_1 = w_1, a_n = 0.9 a_(n-1) + 0.1 w_n."""
    recipe = tiny_recipe()
    training, expected = start(recipe, CPU), None
    for batch in cached(recipe, TRAIN).epoch(0):
        step(training, Players(training.estimator), batch)
        now = training.estimator.head.joints.weight.detach().double().clone()
        expected = now if expected is None else 0.9 * expected + 0.1 * now
    found = training.evaluated.head.joints.weight.detach().double()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    plain = start(tiny_recipe(optimiser__ema_decay=0.0), CPU)
    assert plain.evaluated is plain.estimator


def test_gradients_are_clipped_to_their_norm() -> None:
    recipe = tiny_recipe(optimiser__clip_norm=0.01)
    training = start(recipe, CPU)
    step(training, Players(training.estimator), next(cached(recipe, TRAIN).epoch(0)))
    gradients = [p.grad for p in training.estimator.parameters() if p.grad is not None]
    assert len(gradients) == len(list(training.estimator.parameters()))
    squares = [gradient.double().square().sum().item() for gradient in gradients]
    assert math.sqrt(sum(squares)) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("flip", [False, True])
def test_evaluation_agrees_with_the_evaluators_protocol(flip: bool) -> None:
    """Two ways from the same clips: tensors here, pixels and cameras there."""
    recipe = tiny_recipe(data__flip=flip)
    clips = [moving_clip("a", 5, 3.0), moving_clip("b", 11, 3.0), moving_clip("c", 1)]
    assert clips[0].keypoint_score is not None
    clips[0].keypoint_score[0, 2:4, 5] = 0.0
    clips.append(moving_clip("unlabelled", 6, pose_world_m=None))
    estimator = build(recipe)
    about = dict.fromkeys(Provenance.model_fields, "x") | {"synthetic": True}
    (evaluation,) = evaluate(
        lift_of(Predictor(estimator, recipe, "m")), clips, joint_set="h36m17",
        protocols=("h36m17/mpjpe/pooled",), mask_shares=(0.0,), provenance=Provenance(**about),
    )  # fmt: skip
    expected_mm = evaluation.score("h36m17/mpjpe/pooled").value
    found_mm = evaluate_mm(estimator, clip_tensors(clips, "h36m17"), recipe)
    assert found_mm == pytest.approx(expected_mm, abs=1e-3)


def test_evaluation_counts_only_the_joints_that_the_source_has() -> None:
    """An estimator that answers zero is off by the joints' own distances from the root."""
    recipe = tiny_recipe()
    clip = moving_clip(joint_set="humaneva15")
    estimator = build(recipe)
    torch.nn.init.zeros_(estimator.head.joints.weight)
    torch.nn.init.zeros_(estimator.head.joints.bias)
    assert clip.pose_world_m is not None
    pose_m = clip.pose_world_m.astype(np.float64)
    # neck_nose is taken from the head; all of its 15 joints have a place among the 17.
    expected_mm = 1000 * np.linalg.norm(pose_m - pose_m[:, :1], axis=-1).mean()
    found_mm = evaluate_mm(estimator, clip_tensors([clip], "h36m17"), recipe)
    assert found_mm == pytest.approx(expected_mm, rel=1e-5)


def test_evaluation_without_labels_is_zero_frames() -> None:
    recipe = tiny_recipe()
    tensors = moving_tensors(4, pose_world_m=None)
    assert evaluate_mm(build(recipe), tensors, recipe) == 0.0


def test_bfloat16_trains_about_as_float32_does() -> None:
    plain, rough = (trained(tiny_recipe(runtime__amp=amp))[1] for amp in (False, True))
    for one, other in zip(plain, rough, strict=True):
        assert other.train_loss == pytest.approx(one.train_loss, rel=0.05)
    assert rough[-1].val_mpjpe_mm == pytest.approx(plain[-1].val_mpjpe_mm, rel=0.05)
    assert rough[0].train_loss != plain[0].train_loss


def test_workers_wrap_what_is_trained() -> None:
    wrapped = []

    def wrap(module: torch.nn.Module) -> torch.nn.Module:
        wrapped.append(module)
        return module

    recipe = tiny_recipe(budget__epochs=1)
    training = start(recipe, CPU)
    fit(training, cached(recipe, TRAIN), None, workers=Workers(wrap=wrap))
    assert wrapped == [training.estimator]
