from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.moving_clips import moving_tensors, tiny_recipe
from torch import nn

from monopose.data.batches import Batch
from monopose.losses.supervised import mpjpe
from monopose.recipes.recipe import Recipe
from monopose.skeleton import joint_set
from monopose.training.adversary import Adversary, CriticObjective, cost, learn, start_adversary
from monopose.training.loop import EpochReport, Players, Training, Workers, fit, start, step
from monopose.training.run import cached

CPU = torch.device("cpu")
TRAIN = moving_tensors(16, 20, 24, noise_px=2.0)
LOSSES = ("lsgan", "bce", "wgan_gp")
CRITIC = {"width": 16, "pose_width": 8, "intervals": [1, 2]}
VIDEO = {
    "losses": [{"term": "mpjpe"}, {"term": "trajectory"}, {"term": "perspective", "weight": 0.1}],
    "trajectory": {"channels": 6},
    "data__label_share": 0.3,
}
SUPERVISED = ("mpjpe", "trajectory")
SCHEDULE = [
    {"name": "sup", "share": 0.5, "terms": SUPERVISED},
    {"name": "adv", "share": 0.25, "terms": SUPERVISED, "critic": True},
    {"name": "semi", "share": 0.25, "critic": True, "unlabelled": 0.5},
]


def playing(**values: Any) -> Recipe:
    """A recipe whose critic plays from the first step on."""
    critic = {**CRITIC, **values.pop("critic", {})}
    return tiny_recipe(critic=critic, **{"stages": [{"critic": True}], **values})


def staged() -> Recipe:
    return tiny_recipe(critic=CRITIC, stages=SCHEDULE, **VIDEO)


def adversary_of(recipe: Recipe) -> Adversary:
    adversary = start_adversary(recipe, CPU)
    assert adversary is not None
    return adversary


def players_of(training: Training) -> Players:
    critic = None if training.adversary is None else CriticObjective(training.adversary)
    return Players(training.estimator, training.trajectory, critic)


def weights(module: nn.Module | None) -> dict[str, torch.Tensor]:
    assert module is not None
    return {name: values.clone() for name, values in module.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(values, other[name]) for name, values in one.items())


def one_batch(recipe: Recipe) -> Batch:
    return next(cached(recipe, TRAIN).epoch(0))


def test_without_critic_and_stages_a_step_is_what_it_was() -> None:
    """Against the plain step written out: forward, mpjpe, backward, Adam."""
    recipe = tiny_recipe(optimiser__ema_decay=0.0)
    training, plain = start(recipe, CPU), start(recipe, CPU)
    for index, batch in enumerate(cached(recipe, TRAIN).epoch(0)):
        torch.manual_seed(index)
        found = step(training, players_of(training), batch)
        torch.manual_seed(index)
        outputs = plain.estimator(batch.keypoints, batch.score)
        values, _ = mpjpe(outputs, batch, joint_set("h36m17"))
        loss = values.sum() / len(values)
        plain.optimiser.zero_grad()
        loss.backward()
        plain.optimiser.step()
        assert torch.equal(found, loss)
    assert same(weights(training.estimator), weights(plain.estimator))


def test_a_critic_that_does_not_play_changes_no_bit() -> None:
    """Nor does a trajectory that is not asked for."""
    first_stages = [{"share": 0.5, "terms": ["mpjpe"]}, {"share": 0.5, "critic": True}]
    critic = tiny_recipe(
        critic=CRITIC, stages=first_stages, trajectory={"channels": 6},
        losses=[{"term": "mpjpe"}, {"term": "trajectory"}],
    )  # fmt: skip
    trained = [
        fit(start(r, CPU), cached(r, TRAIN), None, on_epoch=lambda _, report: report.epoch < 2)
        for r in (tiny_recipe(), critic)
    ]
    assert same(weights(trained[0].estimator), weights(trained[1].estimator))
    assert same(weights(trained[0].averaged), weights(trained[1].averaged))
    fresh = start(critic, CPU)
    assert trained[1].adversary is not None
    assert fresh.adversary is not None
    assert same(weights(trained[1].adversary.critic), weights(fresh.adversary.critic))
    assert same(weights(trained[1].trajectory), weights(fresh.trajectory))


@pytest.mark.parametrize("loss", LOSSES)
def test_the_estimators_step_leaves_the_critic_and_the_critics_the_estimator(loss: str) -> None:
    recipe = playing(critic={"loss": loss})
    training, batch = start(recipe, CPU), one_batch(recipe)
    adversary = training.adversary
    assert adversary is not None
    outputs = training.estimator(batch.keypoints, batch.score)
    price = cost(adversary, outputs.pose_m, batch)
    assert isinstance(price, torch.Tensor)
    price.backward()
    assert all(p.grad is None and p.requires_grad for p in adversary.critic.parameters())
    gradients = [p.grad for p in training.estimator.parameters()]
    assert all(g is not None and g.abs().sum() > 0 for g in gradients)
    before = [g.clone() for g in gradients if g is not None]
    critic_before = weights(adversary.critic)
    learn(adversary, CriticObjective(adversary), outputs.pose_m, batch)
    after = [p.grad for p in training.estimator.parameters() if p.grad is not None]
    assert all(torch.equal(x, y) for x, y in zip(before, after, strict=True))
    now = weights(adversary.critic)
    moved = [name for name, values in now.items() if not torch.equal(values, critic_before[name])]
    # Adding a constant to all scores changes nothing for wgan_gp.
    assert set(now) - set(moved) <= ({"judge.2.bias"} if loss == "wgan_gp" else set())


@pytest.mark.parametrize("loss", LOSSES)
def test_a_critic_learns_to_tell_bodies_from_noise(loss: str) -> None:
    recipe = playing(critic={"loss": loss, "steps": 60, "learning_rate": 3e-3})
    adversary, batch = adversary_of(recipe), one_batch(recipe)
    noise_m = torch.randn(batch.pose_m.shape, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    learn(adversary, CriticObjective(adversary), noise_m, batch)
    real, fake = adversary.critic(batch.pose_m), adversary.critic(noise_m)
    assert real.mean() > fake.mean() + 0.3


def test_the_critic_takes_its_steps_for_each_of_the_estimator() -> None:
    for steps in (1, 3):
        recipe = playing(critic={"steps": steps})
        training = start(recipe, CPU)
        step(training, players_of(training), one_batch(recipe))
        assert training.adversary is not None
        state = training.adversary.optimiser.state_dict()["state"]
        assert {int(values["step"]) for values in state.values()} == {steps}


def test_real_are_labelled_chunks_alone() -> None:
    recipe = playing()
    adversary, batch = adversary_of(recipe), one_batch(recipe)
    objective = CriticObjective(adversary)
    labelled = torch.tensor([True, False, True, False])
    fake_m = batch.pose_m.flip(0) * 0.9
    before = objective(batch.pose_m, fake_m, labelled, batch.valid)
    spoilt = torch.where(labelled[:, None, None, None], batch.pose_m, 9.0)
    assert torch.equal(before, objective(spoilt, fake_m, labelled, batch.valid))
    other = objective(batch.pose_m, fake_m, ~labelled, batch.valid)
    assert not torch.equal(before, other)


@pytest.mark.parametrize("loss", LOSSES)
def test_frames_that_do_not_exist_are_not_judged(loss: str) -> None:
    recipe = playing(critic={"loss": loss})
    adversary, batch = adversary_of(recipe), one_batch(recipe)
    valid = batch.valid.clone()
    valid[0, 3:] = False
    short = replace(batch, valid=valid)
    said = batch.pose_m * 0.8
    spoilt = said.clone()
    spoilt[0, 3:] = 5.0
    assert cost(adversary, said, short) == cost(adversary, spoilt, short)
    found = []
    for fake_m in (said, spoilt):
        torch.manual_seed(0)
        objective = CriticObjective(adversary)
        found.append(objective(batch.pose_m, fake_m, batch.has_3d, valid))
    if loss != "wgan_gp":
        assert torch.equal(found[0], found[1])
    assert all(value.isfinite() for value in found)


def test_the_average_is_of_the_estimator_alone() -> None:
    training = start(staged(), CPU)
    assert training.averaged is not None
    names = {name for name, _ in training.averaged.named_parameters()}
    assert names == {f"module.{name}" for name, _ in training.estimator.named_parameters()}


def test_stages_bring_in_the_critic_and_the_video() -> None:
    """Of four epochs: the trajectory learns from the first on, the critic from the third."""
    seen: list[tuple[bool, bool]] = []
    recipe = staged()
    before = start(recipe, CPU)
    assert before.adversary is not None

    def on_epoch(training: Training, _report: EpochReport) -> bool:
        assert training.adversary is not None
        assert before.adversary is not None
        seen.append(
            (
                same(weights(before.trajectory), weights(training.trajectory)),
                same(weights(before.adversary.critic), weights(training.adversary.critic)),
            )
        )
        return True

    fit(start(recipe, CPU), cached(recipe, TRAIN), None, on_epoch=on_epoch)
    assert seen == [(False, True), (False, True), (False, False), (False, False)]


def test_workers_average_the_gradients_of_all_that_learns() -> None:
    wrapped: list[nn.Module] = []

    def wrap(module: nn.Module) -> nn.Module:
        wrapped.append(module)
        return module

    recipe = staged()
    training = start(recipe, CPU)
    fit(training, cached(recipe, TRAIN), None, workers=Workers(wrap=wrap))
    assert training.adversary is not None
    assert wrapped[:2] == [training.estimator, training.trajectory]
    assert isinstance(wrapped[2], CriticObjective)
    assert wrapped[2].critic is training.adversary.critic
    assert len(wrapped) == 3


def test_learning_rates_follow_the_schedule_for_the_trajectory_but_not_for_the_critic() -> None:
    recipe = staged()
    training = fit(start(recipe, CPU), cached(recipe, TRAIN), None)
    assert training.adversary is not None
    rates = {group["lr"] for group in training.optimiser.param_groups}
    assert len(training.optimiser.param_groups) == 2
    assert len(rates) == 1
    assert rates.pop() < recipe.optimiser.learning_rate
    (group,) = training.adversary.optimiser.param_groups
    assert (group["lr"], group["betas"]) == (1e-4, (0.5, 0.9))


def test_video_that_projects_wrongly_is_corrected() -> None:
    """One unlabelled batch again and again: the projection loss falls."""
    recipe = tiny_recipe(
        stages=[{"unlabelled": 0.5}], data__label_share=0.5, optimiser__learning_rate=0.01,
        losses=[{"term": "mpjpe", "weight": 1e-3}, {"term": "orthographic"}],
        temporal__dropout=0.0,
    )  # fmt: skip
    training, batch = start(recipe, CPU), one_batch(recipe)
    assert (~batch.has_3d).sum() == 2
    losses = [float(step(training, players_of(training), batch)) for _ in range(40)]
    assert losses[-1] < 0.5 * losses[0]
