import math

import pytest
import torch
from torch import Tensor

from monopose.losses.adversarial import critic_loss, generator_loss, gradient_penalty
from monopose.recipes.stages import AdversarialLoss

KINDS: tuple[AdversarialLoss, ...] = ("lsgan", "bce", "wgan_gp")
REAL, FAKE = torch.tensor([[2.0, -1.0]]), torch.tensor([[0.5, 3.0]])
ALL = torch.ones(1, 2)


def softplus(x: float) -> float:
    return math.log(1 + math.exp(x))


@pytest.mark.parametrize(
    ("kind", "of_critic", "of_generator"),
    [
        # Half of the mean squares: real 1 and 4, made 0.25 and 9; wanted 0.25 and 4.
        ("lsgan", 0.25 * (1 + 4) + 0.25 * (0.25 + 9), 0.25 * (0.25 + 4)),
        (
            "bce",
            (softplus(-2) + softplus(1) + softplus(0.5) + softplus(3)) / 2,
            (softplus(-0.5) + softplus(-3)) / 2,
        ),
        ("wgan_gp", -0.5 + 1.75, -1.75),
    ],
)
def test_closed_forms(kind: AdversarialLoss, of_critic: float, of_generator: float) -> None:
    assert critic_loss(kind, REAL, ALL, FAKE, ALL).item() == pytest.approx(of_critic)
    assert generator_loss(kind, FAKE, ALL).item() == pytest.approx(of_generator)


@pytest.mark.parametrize("kind", KINDS)
def test_only_scores_with_weight_count(kind: AdversarialLoss) -> None:
    first = torch.tensor([[1.0, 0.0]])
    one = critic_loss(kind, REAL[:, :1], ALL[:, :1], FAKE[:, :1], ALL[:, :1])
    assert critic_loss(kind, REAL, first, FAKE, first) == one
    assert generator_loss(kind, FAKE, first) == generator_loss(kind, FAKE[:, :1], ALL[:, :1])
    assert critic_loss(kind, REAL, 0 * ALL, FAKE, 0 * ALL) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_critic_and_generator_pull_in_opposite_directions(kind: AdversarialLoss) -> None:
    scores = torch.tensor([[0.3, 0.6]], requires_grad=True)
    (down,) = torch.autograd.grad(critic_loss(kind, REAL, ALL, scores, ALL), scores)
    (up,) = torch.autograd.grad(generator_loss(kind, scores, ALL), scores)
    assert (down > 0).all()
    assert (up < 0).all()


@pytest.mark.parametrize("kind", ["lsgan", "bce"])
def test_the_critic_wants_real_above_made(kind: AdversarialLoss) -> None:
    high, low = torch.full((1, 2), 1.0), torch.full((1, 2), 0.0)
    right, wrong = critic_loss(kind, high, ALL, low, ALL), critic_loss(kind, low, ALL, high, ALL)
    assert right < wrong


def poses(seed: int) -> Tensor:
    return torch.randn(3, 4, 5, 3, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("slope", [0.0, 1.0, 3.0])
def test_penalty_of_a_linear_critic(slope: float) -> None:
    """Its gradient is its weights everywhere, here of norm `slope`: (slope - 1)^2."""
    weights = torch.full((4 * 5 * 3,), slope / math.sqrt(60), requires_grad=True)
    penalty = gradient_penalty(
        lambda pose_m: pose_m.flatten(1) @ weights, poses(0), poses(1), torch.ones(3)
    )
    assert penalty.item() == pytest.approx((slope - 1) ** 2, abs=1e-5)
    penalty.backward()
    assert weights.grad is not None
    # d(n - 1)^2 / dw = 2 (n - 1) w / n
    expected = 2 * (slope - 1) * weights.detach() / max(slope, 1e-6)
    torch.testing.assert_close(weights.grad, expected, rtol=1e-4, atol=1e-5)


def test_penalty_is_taken_between_real_and_made() -> None:
    """Of |x|^2 / 2 the gradient is x itself: between two equal chunks it is known."""
    chunk = poses(3)
    penalty = gradient_penalty(
        lambda pose_m: 0.5 * pose_m.flatten(1).square().sum(dim=1),
        chunk, chunk.clone(), torch.tensor([1.0, 0.0, 1.0]),
    )  # fmt: skip
    norm = chunk.flatten(1).norm(dim=1)
    expected = ((norm[0] - 1) ** 2 + (norm[2] - 1) ** 2) / 2
    assert penalty.item() == pytest.approx(expected.item(), rel=1e-5)
