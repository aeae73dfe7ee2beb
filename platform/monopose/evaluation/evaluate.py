"""Evaluation of anything that lifts 2D keypoints to 3D: every number with where it comes from.

Axes: V views, T frames, J joints. A sequence is one clip seen by one camera. Clips are taken one
at a time, so a data set larger than memory can be evaluated.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64

from monopose import skeleton
from monopose.data.clip import Clip
from monopose.errors import InputError
from monopose.evaluation.protocols import (
    DEFAULT_PROTOCOLS,
    Aggregation,
    Protocol,
    action_name,
    protocol,
)
from monopose.evaluation.records import ClipScore, Evaluation, Provenance, Score, TakeValue
from monopose.evaluation.sequences import (
    Lift,
    LiftedSequence,
    labelled_clip,
    lifted_sequences,
    mask_keypoints,
)
from monopose.evaluation.statistics import bootstrap_interval, weighted_mean

__all__ = [
    "ClipScore",
    "Evaluation",
    "Lift",
    "Provenance",
    "Score",
    "evaluate",
    "mask_keypoints",
    "take_values",
    "weights_of",
]


def evaluate(
    lift: Lift,
    clips: Iterable[Clip],
    *,
    joint_set: str,
    protocols: Sequence[str] = DEFAULT_PROTOCOLS,
    mask_shares: Sequence[float] = (0.0, 0.1, 0.3, 0.5),
    seed: int = 0,
    provenance: Provenance,
) -> tuple[Evaluation, ...]:
    """One Evaluation for each share of masked keypoints.

    joint_set: of the lift's input and output; clips of other sets are converted by name. Clips
    without 3D labels or 2D keypoints are skipped and counted. Intervals resample takes: all
    cameras and all pieces of one clip_id stay together. Raises InputError when no clip can be
    evaluated, for an unknown protocol, and when the lift returns a wrong shape, NaN or infinity.
    """
    chosen = [protocol(protocol_id) for protocol_id in protocols]
    sequences: dict[float, list[LiftedSequence]] = {share: [] for share in mask_shares}
    skipped = 0
    for clip in clips:
        labelled = labelled_clip(clip, joint_set)
        if labelled is None:
            skipped += 1
            continue
        for share, results in sequences.items():
            results.extend(lifted_sequences(lift, labelled, chosen, joint_set, share, seed))
    if not any(sequences.values()):
        raise InputError(
            "no clip has both 3D labels and 2D keypoints",
            where=f"{provenance.dataset}, split {provenance.split!r}",
            fix="evaluate a split that has both",
        )
    about: dict[str, Any] = {"joint_set": joint_set, "seed": seed, "skipped_clips": skipped}
    about |= provenance.model_dump()
    return tuple(_summary(about, chosen, *item) for item in sequences.items())


def _summary(
    about: dict[str, Any], protocols: list[Protocol], share: float, sequences: list[LiftedSequence]
) -> Evaluation:
    return Evaluation(
        **about,
        mask_share=share,
        scores=_scores(protocols, sequences, about["seed"]),
        clips=tuple(sequence.score for sequence in sequences),
        **_breakdowns(sequences, about["joint_set"]),
    )


def _scores(
    protocols: list[Protocol], sequences: list[LiftedSequence], seed: int
) -> tuple[Score, ...]:
    """One score for each protocol that has values: photos have no velocity."""
    scored = (_score(each, sequences, seed) for each in protocols)
    return tuple(score for score in scored if score is not None)


def _score(of: Protocol, sequences: list[LiftedSequence], seed: int) -> Score | None:
    takes = _takes(of, sequences)
    if not takes:
        return None
    values, weights = np.array([take.value for take in takes]), weights_of(of.aggregation, takes)
    low, high = bootstrap_interval(values, weights, seed=seed)
    evaluated = {take.clip_id for take in takes}
    return Score(
        protocol=of.id,
        joint_set=of.joint_set,
        joints=min(take.joints for take in takes),
        alignment=of.alignment,
        aggregation=of.aggregation,
        unit=of.unit,
        value=weighted_mean(values, weights),
        low=low,
        high=high,
        clips=len(takes),
        frames=sum(s.score.frames for s in sequences if s.score.clip_id in evaluated),
    )


def take_values(
    lift: Lift, clips: Iterable[Clip], *, joint_set: str, protocols: Sequence[str]
) -> dict[str, tuple[TakeValue, ...]]:
    """The value of every take under every protocol.

    Clips without labels are skipped; raises as `evaluate` does, but for an empty result.
    """
    chosen = [protocol(protocol_id) for protocol_id in protocols]
    labelled = (labelled_clip(clip, joint_set) for clip in clips)
    sequences = [
        sequence
        for each in labelled
        if each is not None
        for sequence in lifted_sequences(lift, each, chosen, joint_set, 0.0, 0)
    ]
    return {of.id: _takes(of, sequences) for of in chosen}


def _takes(of: Protocol, sequences: list[LiftedSequence]) -> tuple[TakeValue, ...]:
    """All cameras and pieces of one clip_id together; takes without a value are left out."""
    takes: dict[str, list[LiftedSequence]] = defaultdict(list)
    for sequence in sequences:
        if sequence.totals[of.id][1]:
            takes[sequence.score.clip_id].append(sequence)
    return tuple(_take(of, take) for take in takes.values())


def _take(of: Protocol, sequences: list[LiftedSequence]) -> TakeValue:
    totals, first = [sequence.totals[of.id] for sequence in sequences], sequences[0].score
    count = sum(count for _, count, _ in totals)
    return TakeValue(
        clip_id=first.clip_id,
        action=first.action,
        value=sum(total for total, _, _ in totals) / count,
        count=count,
        joints=min(joints for _, _, joints in totals),
    )


def weights_of(
    aggregation: Aggregation, takes: Sequence[TakeValue]
) -> Float64[np.ndarray, " takes"]:
    """Weights that turn a weighted mean of the takes' values into the protocol's aggregation."""
    counts = np.array([take.count for take in takes], np.float64)
    if aggregation == "pooled":
        return counts
    if aggregation == "sequence_mean":
        return np.ones(len(takes))
    _, action = np.unique([action_name(take.action) for take in takes], return_inverse=True)
    return counts / np.bincount(action, weights=counts)[action]


def _breakdowns(sequences: list[LiftedSequence], joint_set: str) -> dict[str, dict[str, float]]:
    joints = skeleton.joint_set(joint_set).joints
    frames = np.array([[s.score.frames] for s in sequences]) * [s.present for s in sequences]
    sums = (frames * [s.error_mm for s in sequences]).sum(axis=0)
    counts = frames.sum(axis=0)
    return {
        "by_joint": {
            name: float(sums[joint] / counts[joint])
            for joint, name in enumerate(joints)
            if counts[joint]
        },
        "by_action": _mean_by("action", sequences),
        "by_camera": _mean_by("camera_id", sequences),
        "by_subject": _mean_by("subject", sequences),
    }


def _mean_by(
    field: Literal["action", "camera_id", "subject"], sequences: list[LiftedSequence]
) -> dict[str, float]:
    groups: dict[str, list[ClipScore]] = defaultdict(list)
    for sequence in sequences:
        name = getattr(sequence.score, field)
        groups[action_name(name) if field == "action" else name].append(sequence.score)
    return {
        name: float(np.average([s.mpjpe_mm for s in group], weights=[s.frames for s in group]))
        for name, group in sorted(groups.items())
    }
