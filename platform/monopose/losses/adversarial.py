"""Adversarial losses of a critic and of what it judges: plain functions of scores.

Axes: B chunks, T frames, K judged poses of a chunk, J joints. Weights say which scores count.
Sources: lsgan Mao et al. 2017, bce Goodfellow et al. 2014 (its non-saturating form), wgan_gp
Gulrajani et al. 2017.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from monopose.recipes.stages import AdversarialLoss

Scores = Float[Tensor, "B K"]
Weights = Float[Tensor, "B K"]

# What a score costs the critic for a real pose, for a made one, and the maker of that one.
_OF_REAL: dict[AdversarialLoss, Callable[[Tensor], Tensor]] = {
    "lsgan": lambda score: 0.5 * (score - 1).square(),
    "bce": lambda score: softplus(-score),
    "wgan_gp": lambda score: -score,
}
_OF_FAKE: dict[AdversarialLoss, Callable[[Tensor], Tensor]] = {
    "lsgan": lambda score: 0.5 * score.square(),
    "bce": softplus,
    "wgan_gp": lambda score: score,
}


def critic_loss(
    kind: AdversarialLoss, real: Scores, real_weights: Weights, fake: Scores, fake_weights: Weights
) -> Float[Tensor, ""]:
    """What the critic lowers; for wgan_gp the gradient penalty comes on top."""
    of_real = weighted_mean(_OF_REAL[kind](real), real_weights)
    return of_real + weighted_mean(_OF_FAKE[kind](fake), fake_weights)


def generator_loss(kind: AdversarialLoss, fake: Scores, weights: Weights) -> Float[Tensor, ""]:
    """What the estimator lowers: its poses ought to score as real ones do."""
    return weighted_mean(_OF_REAL[kind](fake), weights)


def gradient_penalty(
    score_of: Callable[[Float[Tensor, "B T J 3"]], Float[Tensor, " B"]],
    real_m: Float[Tensor, "B T J 3"],
    fake_m: Float[Tensor, "B T J 3"],
    weights: Float[Tensor, " B"],
) -> Float[Tensor, ""]:
    """(|gradient of a chunk's score| - 1)^2 at random points between real and made chunks."""
    between = torch.rand(len(real_m), 1, 1, 1, device=real_m.device)
    points = (between * real_m + (1 - between) * fake_m).detach().requires_grad_()
    scores = score_of(points)
    (gradient,) = torch.autograd.grad(scores.sum(), points, create_graph=True)
    # The square root has no gradient at zero.
    norm = (gradient.flatten(1).square().sum(dim=1) + 1e-12).sqrt()
    return weighted_mean((norm - 1).square(), weights)


def weighted_mean(
    values: Float[Tensor, "*shape"], weights: Float[Tensor, "*shape"]
) -> Float[Tensor, ""]:
    """Mean over what counts; zero where nothing does."""
    return (values * weights).sum() / weights.sum().clamp(min=1)
