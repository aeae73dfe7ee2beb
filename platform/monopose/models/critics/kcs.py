"""Spatio-temporal critic on kinematic chain space (occlusion_tcn 2.4; sizes of RepNet).

Axes: B chunks, T frames, K judged poses of a chunk, J joints, b bones, I intervals.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from monopose.recipes.stages import Critic
from monopose.skeleton import JointSet

_SLOPE = 0.01


def bone_vectors(
    pose_m: Float[Tensor, "*batch J 3"], joints: JointSet
) -> Float[Tensor, "*batch b 3"]:
    """Joint minus parent for every bone, in joint order: the columns of B, as rows."""
    child, parent = torch.tensor(joints.bones, device=pose_m.device).unbind(1)
    return pose_m[..., child, :] - pose_m[..., parent, :]


def spatial_kcs(bones: Float[Tensor, "*batch b 3"]) -> Float[Tensor, "*batch b b"]:
    """Psi = B^T B: squared bone lengths on the diagonal, inner products of bones beside it."""
    return bones @ bones.transpose(-1, -2)


def temporal_kcs(
    psi: Float[Tensor, "B T b b"], interval: int
) -> Float[Tensor, "B T_less_interval b b"]:
    """Phi_t = Psi_(t + interval) - Psi_t: how lengths and angles of bones change."""
    return psi[:, interval:] - psi[:, : psi.shape[1] - interval]


class KcsCritic(nn.Module):
    """Scores poses of a chunk by their joints, their bone products and the change of those.

    One path each: 3J -> pose_width, b^2 -> width, I b^2 -> width, with a residual pair of layers,
    after which the first has one more; joined to pose_width -> 1. LeakyReLU, linear output, no
    normalisation over samples, since the gradient penalty is of each sample. Layers are assumed:
    the paper's are not known.
    """

    def __init__(self, config: Critic, joints: JointSet) -> None:
        super().__init__()
        self.joints, self.intervals, self.stride = joints, config.intervals, config.stride
        self.normalise_bones = config.normalise_bones
        products, width = len(joints.bones) ** 2, config.width
        self.pose_path = nn.Sequential(
            _Path(3 * len(joints), config.pose_width),
            nn.Linear(config.pose_width, config.pose_width),
            nn.LeakyReLU(_SLOPE),
        )
        self.spatial_path = _Path(products, width)
        changes = products * len(config.intervals)
        self.temporal_path = _Path(changes, width) if changes else None
        joined = config.pose_width + width * (2 if changes else 1)
        self.judge = nn.Sequential(
            nn.Linear(joined, config.pose_width),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(config.pose_width, 1),
        )

    def forward(self, pose_m: Float[Tensor, "B T J 3"]) -> Float[Tensor, "B K"]:
        """Scores of the poses at `judged`; higher means more like a real one."""
        bones = bone_vectors(pose_m, self.joints)
        if self.normalise_bones:
            length = (bones.square().sum(dim=-1, keepdim=True) + 1e-12).sqrt()
            size = length.mean(dim=(1, 2), keepdim=True)
            pose_m, bones = pose_m / size, bones / size
        psi, frames = spatial_kcs(bones), self.judged(pose_m.shape[1])
        paths = [
            self.pose_path(pose_m[:, frames].flatten(2)),
            self.spatial_path(_flat(psi, frames)),
        ]
        if self.temporal_path is not None:
            changes = [_flat(temporal_kcs(psi, i), frames) for i in self.intervals]
            paths.append(self.temporal_path(torch.cat(changes, dim=-1)))
        return self.judge(torch.cat(paths, dim=-1)).squeeze(-1)

    def judged(self, num_frames: int) -> slice:
        """Frames of a chunk that are judged: those with a frame at every interval after them."""
        return slice(0, num_frames - max(self.intervals, default=0), self.stride)

    def exist(self, valid: Bool[Tensor, "B T"]) -> Bool[Tensor, "B K"]:
        """Which of the judged poses are made of frames that exist; existing frames come first."""
        return valid[:, max(self.intervals, default=0) :][:, :: self.stride]


class _Path(nn.Module):
    """One layer in, then two with a connection past them."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.enter = nn.Sequential(nn.Linear(inputs, width), nn.LeakyReLU(_SLOPE))
        self.pair = nn.Sequential(
            nn.Linear(width, width),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(width, width),
            nn.LeakyReLU(_SLOPE),
        )

    def forward(self, values: Float[Tensor, "B K inputs"]) -> Float[Tensor, "B K width"]:
        hidden = self.enter(values)
        return hidden + self.pair(hidden)


def _flat(products: Float[Tensor, "B T b b"], frames: slice) -> Float[Tensor, "B K products"]:
    return products[:, frames].flatten(2)
