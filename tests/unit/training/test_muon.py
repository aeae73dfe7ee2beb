"""Muon: matrices against torch's own, everything else against its Adam, resumed from a state."""

import pytest
import torch
from torch import Tensor, nn

from monopose.training.muon import Muon, orthogonalised


def gradients(shape: tuple[int, ...], steps: int = 4) -> list[Tensor]:
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(shape, generator=generator) for _ in range(steps)]


def walked(optimiser: torch.optim.Optimizer, weight: nn.Parameter, steps: list[Tensor]) -> Tensor:
    for gradient in steps:
        weight.grad = gradient.clone()
        optimiser.step()
    return weight.detach()


@pytest.mark.parametrize("shape", [(6, 9), (9, 6), (5, 5)])
def test_matrices_move_as_with_the_optimiser_of_torch(shape: tuple[int, int]) -> None:
    steps = gradients(shape)
    ours, theirs = nn.Parameter(torch.ones(shape)), nn.Parameter(torch.ones(shape))
    reference = torch.optim.Muon(
        [theirs], lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"
    )
    moved = walked(Muon([ours], lr=0.02, weight_decay=0.1), ours, steps)
    torch.testing.assert_close(moved, walked(reference, theirs, steps), rtol=0, atol=1e-4)
    assert not torch.equal(moved, torch.ones(shape))


def test_a_convolution_moves_as_the_matrix_of_its_outputs() -> None:
    steps = gradients((4, 3, 5))
    kernel, matrix = nn.Parameter(torch.ones(4, 3, 5)), nn.Parameter(torch.ones(4, 15))
    moved = walked(Muon([kernel], lr=0.1, weight_decay=0.0), kernel, steps)
    flat = walked(Muon([matrix], lr=0.1, weight_decay=0.0), matrix, [g.flatten(1) for g in steps])
    assert torch.equal(moved.flatten(1), flat)


def test_vectors_move_as_with_adam_and_do_not_decay() -> None:
    steps = gradients((7,))
    ours, theirs = nn.Parameter(torch.ones(7)), nn.Parameter(torch.ones(7))
    moved = walked(Muon([ours], lr=0.05, weight_decay=0.5), ours, steps)
    adam = torch.optim.Adam([theirs], lr=0.05, betas=(0.9, 0.95))
    torch.testing.assert_close(moved, walked(adam, theirs, steps))


def test_directions_are_kept_and_lengths_become_one() -> None:
    left, _ = torch.linalg.qr(gradients((8, 8))[0])
    right, _ = torch.linalg.qr(gradients((8, 8))[1])
    matrix = left @ torch.diag(torch.tensor([5.0, 3, 2, 1, 0.8, 0.6, 0.5, 0.4])) @ right
    found = left.T @ orthogonalised(matrix) @ right.T
    assert ((found.diagonal() > 0.6) & (found.diagonal() < 1.3)).all()
    assert (found - torch.diag(found.diagonal())).abs().max() < 0.05


def test_no_gradient_at_all_moves_nothing() -> None:
    assert torch.equal(orthogonalised(torch.zeros(3, 4)), torch.zeros(3, 4))


@pytest.mark.parametrize("shape", [(4, 6), (6,)])
def test_a_restored_state_goes_on_as_the_unbroken_one(shape: tuple[int, ...]) -> None:
    steps = gradients(shape, 6)
    whole = nn.Parameter(torch.ones(shape))
    expected = walked(Muon([whole], lr=0.1, weight_decay=0.1), whole, steps)
    part = nn.Parameter(torch.ones(shape))
    first = Muon([part], lr=0.1, weight_decay=0.1)
    walked(first, part, steps[:3])
    second = Muon([part], lr=0.1, weight_decay=0.1)
    second.load_state_dict(first.state_dict())
    assert torch.equal(walked(second, part, steps[3:]), expected)
