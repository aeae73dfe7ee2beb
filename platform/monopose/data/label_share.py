"""Fewer labels than there are: part of the training takes counts as 2D-only video."""

import math
from dataclasses import replace

import torch
from jaxtyping import Int
from torch import Tensor

from monopose.data.batches import ClipTensors


def with_label_share(tensors: ClipTensors, share: float, seed: int) -> ClipTensors:
    """The same frames, of which about that share keeps its 3D labels, in all views alike.

    Takes are put in an order of the seed's, and keep their labels until the share of the labelled
    frames is reached; the last of them is cut in two there, so 1 % of few takes is the beginning
    of one. A smaller share of the same seed therefore lies within a larger one.
    """
    if share >= 1.0:
        return tensors
    kept = _kept_frames(tensors, share, seed)
    cut = (kept > 0) & (kept < tensors.length)
    rest_first, rest_length = tensors.first + kept, tensors.length - kept
    # The rest of the cut takes comes as sequences of their own, at the end.
    order = torch.cat([torch.arange(len(cut), device=cut.device), cut.nonzero().flatten()])
    first, length = tensors.first.clone(), tensors.length.clone()
    length[cut] = kept[cut]
    return replace(
        tensors,
        first=torch.cat([first, rest_first[cut]]),
        length=torch.cat([length, rest_length[cut]]),
        rotation=tensors.rotation[order],
        intrinsics=tensors.intrinsics[order],
        joint_mask=tensors.joint_mask[order],
        take=tensors.take[order],
        has_3d=torch.cat([tensors.has_3d & (kept > 0), torch.zeros_like(cut[cut])]),
    )


def _kept_frames(tensors: ClipTensors, share: float, seed: int) -> Int[Tensor, " S"]:
    """How many of each sequence's first frames keep their labels."""
    take, length = tensors.take.cpu(), tensors.length.cpu()
    labelled = take[tensors.has_3d.cpu()].unique()
    shuffled = labelled[
        torch.randperm(len(labelled), generator=torch.Generator().manual_seed(seed))
    ]
    frames = torch.zeros(int(take.max()) + 1, dtype=torch.int64).scatter_reduce(
        0, take, length, "amax"
    )[shuffled]
    wanted = math.ceil(share * int(frames.sum()))
    before = frames.cumsum(0) - frames
    kept = torch.zeros(int(take.max()) + 1, dtype=torch.int64)
    kept[shuffled] = (wanted - before).clamp(min=0).minimum(frames)
    return kept[take].minimum(length).to(tensors.length.device)
