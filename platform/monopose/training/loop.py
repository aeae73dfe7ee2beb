"""The one training loop: step, evaluate, fit. Free of Ray; it runs in-process or in N workers.

Every step draws its randomness from (seed, epoch, step), never from what came before, so a resumed
run continues exactly as the unbroken one would have.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from monopose.data.augment import mirror, to_batch
from monopose.data.batches import Batch, ClipTensors, cut_chunks
from monopose.data.maps import beside
from monopose.losses.terms import total
from monopose.models.estimator import Estimator, build
from monopose.models.trajectory import RootTrajectory, build_trajectory, with_root
from monopose.recipes.recipe import Recipe
from monopose.skeleton import joint_set
from monopose.training.adversary import Adversary, CriticObjective, cost, learn, start_adversary
from monopose.training.optimisation import average_for, descend, optimiser_for, set_learning_rate


@runtime_checkable
class Batches(Protocol):
    """Where training batches come from."""

    def steps(self, epoch: int) -> int:
        """How many batches the epoch has, the same on every worker."""
        ...

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """This worker's batches of one epoch, on the training device."""
        ...


@dataclass(frozen=True)
class Workers:
    """What one worker must know of the others; the default is a run of one.

    wrap: makes a module average its gradients over the workers.
    """

    rank: int = 0
    world_size: int = 1
    wrap: Callable[[nn.Module], nn.Module] = lambda module: module


ALONE = Workers()


@dataclass(frozen=True)
class EpochReport:
    """One line of a learning curve; val_mpjpe_mm is None in epochs without an evaluation."""

    epoch: int
    seconds: float
    train_loss: float
    val_mpjpe_mm: float | None
    frames_per_s: float
    learning_rate: float


@dataclass
class Training:
    """Everything that changes while training, and so all that a checkpoint must hold."""

    recipe: Recipe
    estimator: Estimator
    averaged: AveragedModel | None
    optimiser: torch.optim.Optimizer
    trajectory: RootTrajectory | None = None
    adversary: Adversary | None = None
    epoch: int = 0
    seconds: float = 0.0

    @property
    def evaluated(self) -> Estimator:
        """The weights that are evaluated and saved: the averaged ones where the recipe averages."""
        if self.averaged is None:
            return self.estimator
        averaged = self.averaged.module
        assert isinstance(averaged, Estimator)
        return averaged


@dataclass(frozen=True)
class Players:
    """What a step calls, each as it averages its gradients over the workers."""

    forward: nn.Module
    trajectory: nn.Module | None = None
    critic: nn.Module | None = None


def start(recipe: Recipe, device: torch.device) -> Training:
    """A training at epoch 0 with freshly drawn weights."""
    estimator = build(recipe).to(device)
    averaged = average_for(recipe.optimiser, estimator)
    trajectory = build_trajectory(recipe)
    optimiser = optimiser_for(recipe.optimiser, estimator)
    if trajectory is not None:
        optimiser.add_param_group({"params": list(trajectory.to(device).parameters())})
    adversary = start_adversary(recipe, device)
    return Training(recipe, estimator, averaged, optimiser, trajectory, adversary)


def fit(
    training: Training,
    batches: Batches,
    validation: ClipTensors | None,
    *,
    workers: Workers = ALONE,
    on_epoch: Callable[[Training, EpochReport], bool] = lambda _training, _report: True,
) -> Training:
    """Trains from the training's epoch to the end of the recipe's budget.

    on_epoch is called after each epoch, in every worker; False stops the run there.
    """
    players = _players(training, workers)
    for epoch in range(training.epoch, training.recipe.budget.epochs):
        report = _train_epoch(training, players, batches, epoch)
        if validation is not None and _evaluates(training.recipe, epoch):
            error_mm = evaluate_mm(training.evaluated, validation, training.recipe)
            report = EpochReport(**{**report.__dict__, "val_mpjpe_mm": error_mm})
        if not on_epoch(training, report):
            break
    return training


def _train_epoch(training: Training, players: Players, batches: Batches, epoch: int) -> EpochReport:
    began = time.perf_counter()
    training.estimator.train()
    steps, losses, frames = batches.steps(epoch), [], 0
    for index, batch in enumerate(batches.epoch(epoch)):
        done = progress(training.recipe, epoch, index, steps)
        rate = set_learning_rate(training.optimiser, training.recipe.optimiser, done)
        torch.manual_seed(step_seed(training.recipe.seed, epoch, index))
        losses.append(step(training, players, batch))
        frames += batch.valid.numel()
    loss = float(torch.stack(losses).mean())
    seconds = time.perf_counter() - began
    training.epoch, training.seconds = epoch + 1, training.seconds + seconds
    return EpochReport(epoch + 1, training.seconds, loss, None, frames / seconds, rate)


def step(training: Training, players: Players, batch: Batch) -> Tensor:
    """One optimiser step, and the critic's where one plays; the loss, detached, on its device."""
    recipe = training.recipe
    stage = recipe.stage_of(training.epoch)
    adversary = training.adversary if stage.critic else None
    trajectory = players.trajectory if recipe.uses_root(stage) else None
    with autocast(recipe, batch.keypoints.device):
        outputs = players.forward(batch.keypoints, batch.score, batch.maps)
        outputs = with_root(outputs, trajectory, batch)
    terms = recipe.terms_of(stage)
    loss = total(terms, outputs, batch, joint_set(recipe.data.joint_set))
    loss = loss + cost(adversary, outputs.pose_m, batch)
    descend(training.optimiser, recipe.optimiser, loss, training.estimator, training.averaged)
    learn(adversary, players.critic, outputs.pose_m, batch)
    return loss.detach()


@torch.no_grad()
def evaluate_mm(estimator: Estimator, tensors: ClipTensors, recipe: Recipe) -> float:
    """MPJPE over all labelled frames, millimetres, pooled, on the recipe's joints.

    Full precision, as everything but training: in bfloat16 poses tremble by half a millimetre.
    Whole sequences in one pass each; mirrored and averaged when the recipe trains with flips.
    """
    estimator.eval()
    total_m, count = 0.0, 0
    for index in torch.nonzero(tensors.has_3d).flatten().tolist():
        frames = int(tensors.length[index])
        where = torch.tensor([[index, 0]])
        chunk = cut_chunks(tensors, where, frames, estimator.context)
        batch = to_batch(chunk, estimator.context, estimator.root)
        pose_m = lift(estimator, batch, recipe)
        error = (pose_m - batch.pose_m).norm(dim=-1)[:, :, batch.joint_mask[0]]
        total_m, count = total_m + float(error.double().sum()), count + error.numel()
    return 1000.0 * total_m / max(count, 1)


def lift(estimator: Estimator, batch: Batch, recipe: Recipe) -> Tensor:
    """Poses of a batch, B x T x J x 3 metres; with flips on, averaged with the mirrored view's."""
    if not recipe.data.flip:
        return estimator(batch.keypoints, batch.score, batch.maps).pose_m
    joints = joint_set(recipe.data.joint_set)
    mirrored = mirror(batch, joints, torch.ones_like(batch.has_3d))
    # One pass for both ways: short sequences cost by the layer, not by the frame.
    keypoints = torch.cat([batch.keypoints, mirrored.keypoints])
    score, maps = torch.cat([batch.score, mirrored.score]), beside(batch.maps, mirrored.maps)
    pose_m, other = estimator(keypoints, score, maps).pose_m.chunk(2)
    back = other[:, :, list(joints.mirror)] * other.new_tensor([-1.0, 1.0, 1.0])
    return (pose_m + back) / 2


def autocast(recipe: Recipe, device: torch.device) -> AbstractContextManager[None]:
    """bfloat16 autocast where the recipe asks for it."""
    if not recipe.runtime.amp:
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def progress(recipe: Recipe, epoch: int, step: int, steps: int) -> float:
    """How much of the budget is used before that step of an epoch of `steps`, 0..1."""
    return (epoch + step / steps) / recipe.budget.epochs


def step_seed(seed: int, epoch: int, step: int) -> int:
    """A seed of its own for each step of each epoch, below 2^48: generators take 64 bits."""
    return ((seed * 1_000_003 + epoch) * 1_000_003 + step) % 2**48


def _players(training: Training, workers: Workers) -> Players:
    trajectory, adversary = training.trajectory, training.adversary
    return Players(
        forward=workers.wrap(_compiled(training)),
        trajectory=None if trajectory is None else workers.wrap(trajectory),
        critic=None if adversary is None else workers.wrap(CriticObjective(adversary)),
    )


def _compiled(training: Training) -> nn.Module:
    if not training.recipe.runtime.compile:
        return training.estimator
    compiled = torch.compile(training.estimator)
    assert isinstance(compiled, nn.Module)
    return compiled


def _evaluates(recipe: Recipe, epoch: int) -> bool:
    last = epoch + 1 == recipe.budget.epochs
    return last or (epoch + 1) % recipe.budget.evaluate_every == 0
