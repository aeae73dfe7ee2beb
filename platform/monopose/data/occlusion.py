"""Keypoints hidden in training, so that a network learns to complete what it does not see.

After the explicit occlusion of Cheng et al. 2020, whose patterns and numbers are not published:
both are ours. Axes: B chunks, T frames with their context, J joints, P patterns of the recipe.
Every operation is vectorised over the batch; random numbers are drawn on the CPU and moved, as in
augment.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from monopose.data.batches import Batch
from monopose.recipes.parts import Occlusion
from monopose.skeleton import JointSet

# Uniform numbers that a pattern may use for a chunk.
_NUMBERS = 6


def occlude(
    batch: Batch,
    occlusion: Occlusion,
    joints: JointSet,
    generator: torch.Generator,
    severity: float = 1.0,
) -> Batch:
    """The batch with some keypoints' coordinates and scores set to 0; labels stay complete."""
    visible = batch.score > 0
    hidden = hidden_keypoints(batch.keypoints, visible, occlusion, joints, generator, severity)
    kept = (~hidden).to(batch.score.dtype)
    return replace(batch, keypoints=batch.keypoints * kept.unsqueeze(-1), score=batch.score * kept)


def severity_at(progress: float, ramp_share: float) -> float:
    """0 at the start of the budget, rising linearly to 1 at ramp_share of it, and 1 from there.

    Patterns shrink so that the share they hide goes about linearly with the severity: chances and
    lengths with it, sides of rectangles with its root.
    """
    return 1.0 if progress >= ramp_share else progress / ramp_share


def hidden_keypoints(
    keypoints: Float[Tensor, "B T J 2"],
    visible: Bool[Tensor, "B T J"],
    occlusion: Occlusion,
    joints: JointSet,
    generator: torch.Generator,
    severity: float = 1.0,
) -> Bool[Tensor, "B T J"]:
    """Which visible keypoints to hide; severity 0 hides none, 1 as many as the recipe says.

    Each chosen chunk gets one of the recipe's patterns, some get two. No more than
    `occlusion.most` of a chunk's visible keypoints are hidden.
    """
    device, (count, frames) = visible.device, visible.shape[:2]
    chosen = _chosen_patterns(count, occlusion, generator)
    numbers = torch.rand(len(occlusion.patterns), count, _NUMBERS, generator=generator).to(device)
    hidden = torch.zeros_like(visible)
    for index, name in enumerate(occlusion.patterns):
        rows = chosen[:, index].nonzero().squeeze(1).to(device)
        if len(rows):
            seen, drawn = visible[rows], numbers[index, rows]
            scene = _Scene(keypoints[rows], seen, drawn, occlusion, joints, severity, generator)
            hidden[rows] |= PATTERNS[name](scene)
    begin = (torch.rand(count, 1, generator=generator) * frames).long().to(device)
    return _capped(hidden & visible, visible, occlusion.most, begin)


def limbs(joints: JointSet) -> tuple[tuple[int, ...], ...]:
    """The kinematic chains: from each leaf up to where the body branches, without that joint."""
    children = [joints.parents.count(joint) for joint in range(len(joints))]
    chains = []
    for leaf in (joint for joint, count in enumerate(children) if count == 0):
        chain, parent = [leaf], joints.parents[leaf]
        while parent != joints.root and children[parent] == 1:
            chain.append(parent)
            parent = joints.parents[parent]
        chains.append(tuple(chain))
    return tuple(chains)


@dataclass(frozen=True)
class _Scene:
    """The chunks that get a pattern, with six uniform numbers in [0, 1) for each of them."""

    keypoints: Float[Tensor, "B T J 2"]
    visible: Bool[Tensor, "B T J"]
    numbers: Float[Tensor, "B 6"]
    occlusion: Occlusion
    joints: JointSet
    severity: float
    generator: torch.Generator


def _chosen_patterns(
    count: int, occlusion: Occlusion, generator: torch.Generator
) -> Bool[Tensor, "B P"]:
    applied, again, *which = torch.rand(4, count, 1, generator=generator)
    index, num_patterns = torch.arange(len(occlusion.patterns)), len(occlusion.patterns)
    first, second = ((each * num_patterns).long() == index for each in which)
    return (applied < occlusion.share) & (first | (second & (again < occlusion.combined)))


def _point(scene: _Scene) -> Bool[Tensor, "B T J"]:
    """Each keypoint on its own, with a chance that is drawn for the chunk, in steps of 1/256."""
    chance = _between(scene.occlusion.point_share, scene.numbers[:, 0]) * scene.severity
    shape = scene.visible.shape
    words = torch.empty((shape.numel() + 7) // 8, dtype=torch.int64)
    words.random_(-(2**63), None, generator=scene.generator)
    octets = words.view(torch.uint8)[: shape.numel()].view(shape).to(chance.device)
    return octets < (chance * 256).round()[:, None, None]


def _joint_track(scene: _Scene) -> Bool[Tensor, "B T J"]:
    """Some joints, each for a run of frames of its own."""
    chance = _between(scene.occlusion.track_share, scene.numbers[:, 0, None, None])
    shape = (3, len(chance), 1, len(scene.joints))
    chosen, where, how_long = torch.rand(shape, generator=scene.generator).to(chance.device)
    length = _up_to(scene.occlusion.run_frames * scene.severity, how_long)
    return _run(where, length * (chosen < chance), scene.visible.shape[1])


def _frame(scene: _Scene) -> Bool[Tensor, "B T 1"]:
    """All joints, for one run of frames."""
    where, how_long = scene.numbers[:, :2, None, None].unbind(1)
    length = _up_to(scene.occlusion.run_frames * scene.severity, how_long)
    return _run(where, length, scene.visible.shape[1])


def _limb(scene: _Scene) -> Bool[Tensor, "B T J"]:
    """One kinematic chain, for a run of up to twice the chunk: often from its start to its end."""
    frames = scene.visible.shape[1]
    where, how_long, which = scene.numbers[:, :3, None, None].unbind(1)
    chains = _limb_table(scene.joints).to(where.device)
    chain = chains[(which.flatten() * len(chains)).long()]
    length = _up_to(2 * frames * scene.severity, how_long)
    return _run(where, length, frames) & chain.unsqueeze(1)


def _area(scene: _Scene) -> Bool[Tensor, "B T J"]:
    """What lies in a rectangle that stands still in the image."""
    return _inside(scene, scene.numbers[:, 2:4].unsqueeze(1))


def _moving_area(scene: _Scene) -> Bool[Tensor, "B T J"]:
    """What lies in a rectangle that moves at a constant velocity."""
    begin, end = scene.numbers[:, 2:4].unsqueeze(1), scene.numbers[:, 4:].unsqueeze(1)
    time = torch.linspace(0.0, 1.0, scene.visible.shape[1], device=begin.device)
    return _inside(scene, torch.lerp(begin, end, time[None, :, None]))


PATTERNS: dict[str, Callable[[_Scene], Tensor]] = {
    "point": _point,
    "joint_track": _joint_track,
    "frame": _frame,
    "area": _area,
    "moving_area": _moving_area,
    "limb": _limb,
}


def _inside(scene: _Scene, centre: Float[Tensor, "B F 2"]) -> Bool[Tensor, "B T J"]:
    """What lies in a rectangle about a centre given in 0..1 of the box of all that is visible.

    F is 1 for a rectangle that stands still, T for one that moves.
    """
    sides = _between(scene.occlusion.area_size, scene.numbers[:, :2]) * scene.severity**0.5
    within = [
        _within(scene.keypoints[..., axis], scene.visible, sides[:, axis], centre[..., axis])
        for axis in (0, 1)
    ]
    return within[0] & within[1]


def _within(
    place: Float[Tensor, "B T J"],
    visible: Bool[Tensor, "B T J"],
    side: Float[Tensor, " B"],
    centre: Float[Tensor, "B F"],
) -> Bool[Tensor, "B T J"]:
    """Along one axis; side and centre in shares of what the visible places span."""
    low = torch.where(visible, place, torch.inf).flatten(1).amin(dim=1)[:, None]
    span = torch.where(visible, place, -torch.inf).flatten(1).amax(dim=1)[:, None] - low
    # With nothing visible the span is minus infinity, and nothing lies within half of it.
    distance = (place - (low + span * centre).unsqueeze(2)).abs()
    return distance < (span * side[:, None] / 2).unsqueeze(2)


def _run(
    where: Float[Tensor, "B 1 N"], length: Float[Tensor, "B 1 N"], frames: int
) -> Bool[Tensor, "B T N"]:
    """Runs of that many frames, cut at the chunk's ends: every frame is as likely to be hit."""
    first = (where * (frames + length - 1)).floor() - (length - 1)
    frame = torch.arange(float(frames), device=where.device).view(1, -1, 1)
    return (frame >= first) & (frame < first + length)


def _up_to(longest: float, number: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Whole numbers of frames, 1 to the longest; 0 where that is 0."""
    return (number * longest).ceil()


def _between(ends: tuple[float, float], number: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    return ends[0] + (ends[1] - ends[0]) * number


def _capped(
    hidden: Bool[Tensor, "B T J"],
    visible: Bool[Tensor, "B T J"],
    most: float,
    begin: Int[Tensor, "B 1"],
) -> Bool[Tensor, "B T J"]:
    """Chunks that hide more than `most` are seen again from some frame on, counted from `begin`.

    Whole frames are given back, so that what stays hidden keeps its form; after the last frame the
    count goes on with the first.
    """
    in_frame = hidden.sum(dim=2)
    upto = in_frame.cumsum(dim=1)
    frame = torch.arange(hidden.shape[1], device=hidden.device)
    counted = upto - (upto - in_frame).gather(1, begin) + upto[:, -1:] * (frame < begin)
    return hidden & (counted <= most * visible.sum(dim=(1, 2))[:, None]).unsqueeze(2)


@lru_cache(maxsize=16)
def _limb_table(joints: JointSet) -> Bool[Tensor, "limbs J"]:
    return torch.tensor([[j in chain for j in range(len(joints))] for chain in limbs(joints)])
