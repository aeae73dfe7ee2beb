"""Keypoint encoder: the 2D pose itself, flattened, is the frame's feature vector."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from monopose.data.maps import Maps
from monopose.recipes.parts import KeypointEncoder

# Spread of joints about their centre is about a tenth of the image, of centres about half.
_RELATIVE_SCALE = 5.0


class Keypoints(nn.Module):
    """Each frame's visible joints about their centre, and the centre; scores where asked for.

    Source: the input layer of Pavllo et al. 2019. Deviation: they feed screen coordinates as they
    are; centre and offsets are the same information at comparable scales. Whether it helps has
    not been shown (docs/log.md). Scores and masks as inputs are ours. A missing joint lies at the
    centre of those that are seen; beside a mask, the layer that follows learns its own place for
    each missing joint, so no embedding of it is needed. Where the recipe fills (models/fill.py), a
    joint is missing only when no frame in reach has it, and a filled one's score is a lower one.
    """

    def __init__(self, config: KeypointEncoder, num_joints: int) -> None:
        super().__init__()
        self.inputs = config.inputs
        self.num_features = 2 + num_joints * (2 if config.inputs == "xy" else 3)

    def forward(
        self,
        keypoints: Float[Tensor, "B T J 2"],
        score: Float[Tensor, "B T J"],
        maps: Maps | None = None,  # noqa: ARG002 - the interface of all encoders
    ) -> Float[Tensor, "B T F"]:
        """Features of each frame; a frame without visible joints has zeros."""
        visible = (score > 0).to(keypoints.dtype).unsqueeze(-1)
        centre = (keypoints * visible).sum(dim=2) / visible.sum(dim=2).clamp(min=1)
        relative = (keypoints - centre.unsqueeze(2)) * visible * _RELATIVE_SCALE
        parts = [centre, relative.flatten(2)]
        if self.inputs == "xy_score":
            parts.append(score)
        elif self.inputs == "xy_mask":
            parts.append(visible.squeeze(-1))
        return torch.cat(parts, dim=-1)
