"""Muon: weights that are matrices move by their momentum with all its singular values made one.

Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks", with the
step length of Liu et al. 2025 ("Muon is scalable for LLM training"), at which learning rates and
weight decays of AdamW serve. torch's own takes matrices only. Deviations: a convolution's weight
counts as the matrix of its outputs by everything else, and first and last layers are no exception;
biases and the parameters of norms move as Adam's would.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

_MOMENTUM = 0.95
_BETAS, _EPSILON = (0.9, 0.95), 1e-8
# Root mean square of an AdamW step relative to its learning rate, as a rule.
_RMS = 0.2
# Quintic iteration of Jordan et al.: singular values end between about 0.7 and 1.2.
_ITERATIONS, _QUINTIC = 5, (3.4445, -4.7750, 2.0315)


class Muon(torch.optim.Optimizer):
    """Orthogonalised momentum for weights of two or more dimensions, Adam for the others."""

    def __init__(self, params: Iterable[nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step; a closure is not called."""
        assert closure is None
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    move = self._turn if weight.ndim > 1 else self._adapt
                    move(weight, weight.grad, group)

    def _turn(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        momentum = state["momentum"].lerp_(gradient, 1 - _MOMENTUM)
        ahead = gradient.lerp(momentum, _MOMENTUM).flatten(1)
        length = _RMS * max(ahead.shape) ** 0.5
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        weight.add_(orthogonalised(ahead).view_as(weight), alpha=-group["lr"] * length)

    def _adapt(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["step"] = torch.zeros(())
            state["mean"], state["square"] = torch.zeros_like(weight), torch.zeros_like(weight)
        state["step"] += 1
        mean = state["mean"].lerp_(gradient, 1 - _BETAS[0]) / (1 - _BETAS[0] ** state["step"])
        square = state["square"].lerp_(gradient.square(), 1 - _BETAS[1])
        spread = (square / (1 - _BETAS[1] ** state["step"])).sqrt_().add_(_EPSILON)
        weight.addcdiv_(mean, spread, value=-group["lr"])


def orthogonalised(matrix: Float[Tensor, "m n"]) -> Float[Tensor, "m n"]:
    """The matrix with its singular values brought near one, by Newton-Schulz steps in bfloat16.

    Half precision is enough for a direction, and several times faster. Zero stays zero.
    """
    upright = matrix.shape[0] > matrix.shape[1]
    turned = (matrix.T if upright else matrix).bfloat16()
    turned = turned / turned.norm().clamp(min=1e-7)
    linear, cubic, quintic = _QUINTIC
    for _ in range(_ITERATIONS):
        gram = turned @ turned.T
        change = torch.addmm(gram, gram, gram, beta=cubic, alpha=quintic)
        turned = torch.addmm(turned, change, turned, beta=linear)
    return (turned.T if upright else turned).to(matrix.dtype)
