"""The critic's side of a training step: what it costs the estimator, and how it learns."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from monopose.data.batches import Batch
from monopose.losses.adversarial import critic_loss, generator_loss, gradient_penalty
from monopose.models.critics.kcs import KcsCritic
from monopose.recipes.recipe import Recipe
from monopose.recipes.stages import Critic
from monopose.skeleton import joint_set

# Of the critic's Adam: little memory, because what it judges moves (RepNet's values).
_BETAS = (0.5, 0.9)


@dataclass(frozen=True)
class Adversary:
    """A critic and its own optimiser."""

    config: Critic
    critic: KcsCritic
    optimiser: torch.optim.Optimizer


def start_adversary(recipe: Recipe, device: torch.device) -> Adversary | None:
    """The recipe's critic, if it has one, with weights drawn from its seed."""
    if recipe.critic is None:
        return None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        critic = KcsCritic(recipe.critic, joint_set(recipe.data.joint_set)).to(device)
    optimiser = torch.optim.Adam(critic.parameters(), lr=recipe.critic.learning_rate, betas=_BETAS)
    return Adversary(recipe.critic, critic, optimiser)


class CriticObjective(nn.Module):
    """What the critic lowers, as one module, so that workers can average its gradients."""

    def __init__(self, adversary: Adversary) -> None:
        super().__init__()
        self.config, self.critic = adversary.config, adversary.critic

    def forward(
        self,
        real_m: Float[Tensor, "B T J 3"],
        fake_m: Float[Tensor, "B T J 3"],
        labelled: Bool[Tensor, " B"],
        valid: Bool[Tensor, "B T"],
    ) -> Float[Tensor, ""]:
        """Real are the labelled chunks' poses, made ones are the estimates of all chunks.

        For the gradient penalty a chunk's score is the mean of its poses' scores, and each
        labelled chunk is paired with the estimate of another chunk.
        """
        exist = self.critic.exist(valid)
        weights = exist.to(fake_m.dtype)
        of_real = weights * labelled.unsqueeze(1)
        loss = critic_loss(
            self.config.loss, self.critic(real_m), of_real, self.critic(fake_m), weights
        )
        if self.config.loss != "wgan_gp":
            return loss

        def chunk_score(pose_m: Float[Tensor, "B T J 3"]) -> Float[Tensor, " B"]:
            return (self.critic(pose_m) * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)

        judged = (labelled & exist.any(dim=1)).to(fake_m.dtype)
        penalty = gradient_penalty(chunk_score, real_m, fake_m.roll(1, dims=0), judged)
        return loss + self.config.penalty * penalty


def cost(
    adversary: Adversary | None, pose_m: Float[Tensor, "B T J 3"], batch: Batch
) -> Float[Tensor, ""] | float:
    """The weighted adversarial loss of the estimates; nothing where no critic plays."""
    if adversary is None:
        return 0.0
    with _frozen(adversary.critic):
        scores = adversary.critic(pose_m)
    weights = adversary.critic.exist(batch.valid).to(scores.dtype)
    return adversary.config.weight * generator_loss(adversary.config.loss, scores, weights)


def learn(
    adversary: Adversary | None,
    objective: nn.Module | None,
    pose_m: Float[Tensor, "B T J 3"],
    batch: Batch,
) -> None:
    """The critic's own steps on the batch, all against the same estimates.

    objective: the adversary's CriticObjective, wrapped for the workers.
    """
    if adversary is None or objective is None:
        return
    for _ in range(adversary.config.steps):
        loss = objective(batch.pose_m, pose_m.detach(), batch.has_3d, batch.valid)
        adversary.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        adversary.optimiser.step()


@contextmanager
def _frozen(module: nn.Module) -> Iterator[None]:
    """Passes gradients through a module and leaves none in it."""
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in module.parameters():
            parameter.requires_grad_(True)
