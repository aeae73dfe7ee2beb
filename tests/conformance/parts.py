"""What every part of an estimator must keep, as plain checks that the suites run over all parts."""

from collections.abc import Callable
from typing import TypeVar

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from monopose.data.maps import Maps

Build = Callable[[], nn.Module]
PartT = TypeVar("PartT", bound=nn.Module)


def seeded(make: Callable[[], PartT], seed: int = 3) -> PartT:
    """A part whose batch norms have statistics of their own, as after training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        part = make()
        for module in part.modules():
            if isinstance(module, nn.BatchNorm1d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.normal_(0, 0.5)
                module.running_var.uniform_(0.5, 2.0)
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, 0, 0.5)
    return part


def check_gradient_reaches_every_parameter(part: nn.Module, *inputs: Tensor | Maps) -> None:
    outputs = part.train()(*inputs)
    # Weights of its own for each output: batch norm makes plain sums and squares constant.
    (
        outputs * torch.randn(outputs.shape, generator=torch.Generator().manual_seed(0))
    ).sum().backward()
    for name, parameter in part.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def check_deterministic_in_evaluation(part: nn.Module, *inputs: Tensor | Maps) -> None:
    part.eval()
    torch.manual_seed(0)
    first = part(*inputs)
    torch.manual_seed(1)
    assert torch.equal(first, part(*inputs))


def check_survives_saving(make: Build, *inputs: Tensor | Maps) -> None:
    original, copy = seeded(make).eval(), seeded(make, seed=8).eval()
    copy.load_state_dict(load(save(original.state_dict())))
    for (name, one), other in zip(
        original.state_dict().items(), copy.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other), name
    assert torch.equal(original(*inputs), copy(*inputs))


def check_windows_alone_give_the_same(
    part: nn.Module, receptive_field: int, *inputs: Tensor
) -> None:
    """Outputs of a chunk against those of each of its windows cut out and run alone."""
    part.eval()
    dense = part(*inputs)
    assert dense.shape[1] == inputs[0].shape[1] - receptive_field + 1
    for frame in range(dense.shape[1]):
        alone = part(*(values[:, frame : frame + receptive_field] for values in inputs))
        assert alone.shape[1] == 1
        torch.testing.assert_close(alone[:, 0], dense[:, frame], rtol=0, atol=1e-5)


def check_bfloat16_is_close(part: nn.Module, *inputs: Tensor | Maps) -> None:
    part.eval()
    exact = part(*inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = part(*inputs).float()
    # bfloat16 keeps 8 bits: some layers of it stay within a few percent of the signal.
    assert (rough - exact).abs().mean() < 0.03 * exact.abs().mean() + 1e-6
