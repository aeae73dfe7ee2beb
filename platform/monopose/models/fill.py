"""Missing keypoints filled from the frames around them, before any encoder.

Ours: an independently missing keypoint is nearly always there a frame earlier or later, and a
network of sums cannot interpolate around gaps that come anywhere, so it is not left to be learned.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from monopose.data.context import Context
from monopose.recipes.parts import Fill
from monopose.recipes.recipe import Recipe

# Weight of a frame against the one next to it on the way to the gap: the nearer decide, and one
# frame missing between two is filled by their mean.
_DECAY = 0.3
# Far below the weight of the farthest frame that a recipe may ask for, 0.3^64 or 3e-34.
_NOTHING = 1e-37


class FillMissing(nn.Module):
    """Puts the weighted mean of a joint's nearest keypoints in time where it is missing.

    The weight of a frame falls by 0.3 with each frame of distance. A filled keypoint has the sum
    of the weighted scores as its score, so that a score tells how near in time it was seen; it
    stays missing, with a score of 0, where no frame in reach has it. What is there is unchanged.
    """

    def __init__(self, config: Fill, *, causal: bool) -> None:
        super().__init__()
        self.context = Context(config.frames, 0 if causal else config.frames)
        offsets = range(-self.context.before, self.context.after + 1)
        self.weights = tuple(_DECAY ** abs(offset) for offset in offsets)

    def forward(
        self, keypoints: Float[Tensor, "B T_in J 2"], score: Float[Tensor, "B T_in J"]
    ) -> tuple[Float[Tensor, "B T J 2"], Float[Tensor, "B T J"]]:
        """Keypoints and scores of T = T_in - context.before - context.after frames."""
        there = (score > 0).to(keypoints.dtype).unsqueeze(-1)
        held = torch.cat([keypoints * there, there, score.unsqueeze(-1)], dim=-1)
        last = held.shape[1] - self.context.after
        place, weight, evidence = self._around(held).split([2, 1, 1], dim=-1)
        keypoints, score = (v[:, self.context.before : last] for v in (keypoints, score))
        missing = score <= 0
        filled = torch.where(missing.unsqueeze(-1), place / weight.clamp(min=_NOTHING), keypoints)
        return filled, torch.where(missing, evidence.squeeze(-1).clamp(max=1), score)

    def _around(self, held: Float[Tensor, "B T_in J C"]) -> Float[Tensor, "B T J C"]:
        """Weighted sums over the frames around, frame by frame: no copy of every window."""
        frames = held.shape[1] - self.context.frames + 1
        total = held[:, :frames] * self.weights[0]
        for offset, weight in enumerate(self.weights[1:], start=1):
            total = torch.add(total, held[:, offset : offset + frames], alpha=weight)
        return total


def build_fill(recipe: Recipe) -> FillMissing | None:
    """What fills the recipe's keypoints, if anything does; it has no weights."""
    if recipe.fill is None:
        return None
    causal = recipe.temporal.kind != "none" and recipe.temporal.causal
    return FillMissing(recipe.fill, causal=causal)
