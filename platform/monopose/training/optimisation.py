"""How weights follow gradients: the optimiser, its learning rate, the average of the weights."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from monopose.recipes.parts import Optimiser
from monopose.training.muon import Muon

_KINDS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "muon": Muon,
}


def optimiser_for(config: Optimiser, module: nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimiser of all the module's weights."""
    return _KINDS[config.kind](
        module.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )


def average_for(config: Optimiser, module: nn.Module) -> AveragedModel | None:
    """A running average of the module's weights, where the recipe averages."""
    if config.ema_decay == 0:
        return None
    average = get_ema_multi_avg_fn(config.ema_decay)
    return AveragedModel(module, multi_avg_fn=average, use_buffers=True)


def descend(
    optimiser: torch.optim.Optimizer,
    config: Optimiser,
    loss: Tensor,
    module: nn.Module,
    averaged: AveragedModel | None,
) -> None:
    """One step down the loss: gradients clipped where the recipe clips, the average moved along.

    module: whose gradients are clipped and whose weights are averaged.
    """
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    if config.clip_norm is not None:
        nn.utils.clip_grad_norm_(module.parameters(), config.clip_norm)
    optimiser.step()
    if averaged is not None:
        averaged.update_parameters(module)


def set_learning_rate(
    optimiser: torch.optim.Optimizer, config: Optimiser, progress: float
) -> float:
    """Gives the optimiser the learning rate of that progress, and returns it."""
    rate = learning_rate(config, progress)
    for group in optimiser.param_groups:
        group["lr"] = rate
    return rate


def learning_rate(config: Optimiser, progress: float) -> float:
    """The learning rate at a progress of 0..1 through the budget."""
    if progress < config.warmup_share:
        return config.learning_rate * (progress + 1e-3) / (config.warmup_share + 1e-3)
    done = (progress - config.warmup_share) / (1 - config.warmup_share)
    if config.schedule == "constant":
        return config.learning_rate
    if config.schedule == "exponential":
        return config.learning_rate * config.final_share**done
    cosine = (1 + math.cos(math.pi * done)) / 2
    return config.learning_rate * (config.final_share + (1 - config.final_share) * cosine)
