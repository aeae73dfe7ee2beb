"""Evaluation of anything that lifts 2D keypoints to 3D: every number with where it comes from.

Axes: V views, T frames, J joints. A sequence is one clip seen by one camera. Clips are taken one
at a time, so a data set larger than memory can be evaluated.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float32, Float64

from monopose import skeleton
from monopose.data.clip import Clip
from monopose.errors import InputError
from monopose.evaluation.metrics import joint_error_mm
from monopose.evaluation.protocols import (
    DEFAULT_PROTOCOLS,
    Aggregation,
    Protocol,
    evaluated_joints,
    frame_values,
    protocol,
)
from monopose.evaluation.records import ClipScore, Evaluation, Provenance, Score
from monopose.evaluation.statistics import bootstrap_interval, weighted_mean
from monopose.geometry.camera import Camera

__all__ = ["ClipScore", "Evaluation", "Lift", "Provenance", "Score", "evaluate", "mask_keypoints"]

Lift = Callable[
    [Float32[np.ndarray, "T J 2"], Float32[np.ndarray, "T J"], Camera],
    Float32[np.ndarray, "T J 3"],
]
"""(keypoints_px, keypoint_score, camera) -> root-relative pose, metres, camera frame.

A score of 0 marks a keypoint that is missing; its coordinates are 0.
"""


@dataclass(frozen=True)
class _Labelled:
    """A clip in the model's joint set; `present` marks the joints that the clip has."""

    clip: Clip
    pose_camera_m: Float32[np.ndarray, "V T J 3"]
    keypoints_px: Float32[np.ndarray, "V T J 2"]
    score: Float32[np.ndarray, "V T J"]
    present: Bool[np.ndarray, " J"]


@dataclass(frozen=True)
class _Sequence:
    """The errors of one sequence: by joint (mean over frames), by protocol (sum, count, joints)."""

    score: ClipScore
    error_mm: Float64[np.ndarray, " J"]
    present: Bool[np.ndarray, " J"]
    totals: dict[str, tuple[float, int, int]]


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
    sequences: dict[float, list[_Sequence]] = {share: [] for share in mask_shares}
    skipped = 0
    for clip in clips:
        labelled = _labelled(clip, joint_set)
        if labelled is None:
            skipped += 1
            continue
        for share, results in sequences.items():
            results.extend(_lifted(lift, labelled, chosen, joint_set, share, seed))
    if not any(sequences.values()):
        raise InputError(
            "no clip has both 3D labels and 2D keypoints",
            where=f"{provenance.dataset}, split {provenance.split!r}",
            fix="evaluate a split that has both",
        )
    about: dict[str, Any] = {"joint_set": joint_set, "seed": seed, "skipped_clips": skipped}
    about |= provenance.model_dump()
    return tuple(_summary(about, chosen, *item) for item in sequences.items())


def mask_keypoints(
    keypoints_px: Float32[np.ndarray, "*batch J 2"],
    score: Float32[np.ndarray, "*batch J"],
    share: float,
    key: str,
) -> tuple[Float32[np.ndarray, "*batch J 2"], Float32[np.ndarray, "*batch J"]]:
    """Drops each keypoint independently with probability `share`: coordinates and score are 0.

    The same key gives the same mask, whatever is evaluated. Raises InputError for a share
    outside 0..1.
    """
    if not 0 <= share <= 1:
        raise InputError(f"mask share is {share}, outside 0..1", fix="give a share such as 0.3")
    seed = int.from_bytes(hashlib.sha256(f"{key}/{share:g}".encode()).digest()[:8])
    kept = np.random.default_rng(seed).random(score.shape) >= share
    return keypoints_px * kept[..., None], score * kept


def _labelled(clip: Clip, joint_set: str) -> _Labelled | None:
    poses_m, keypoints_px = clip.camera_poses_m(), clip.keypoints_px
    if poses_m is None or keypoints_px is None:
        return None
    score = clip.keypoint_score
    if score is None:
        score = np.ones(keypoints_px.shape[:-1], np.float32)
    to_set = skeleton.conversion(clip.joint_set, joint_set)
    score = to_set.apply_score(score)
    keypoints_px = to_set.apply(keypoints_px) * (score > 0)[..., None]
    return _Labelled(clip, to_set.apply(poses_m), keypoints_px, score, to_set.mask)


def _lifted(
    lift: Lift,
    labelled: _Labelled,
    protocols: list[Protocol],
    joint_set: str,
    share: float,
    seed: int,
) -> Iterator[_Sequence]:
    clip = labelled.clip
    key = f"{seed}/{clip.clip_id}/{clip.start_frame}"
    keypoints_px, score = mask_keypoints(labelled.keypoints_px, labelled.score, share, key)
    for view, camera in enumerate(clip.cameras):
        target_m = labelled.pose_camera_m[view]
        prediction_m = lift(keypoints_px[view], score[view], camera)
        _check(prediction_m, target_m.shape, f"clip {clip.clip_id!r}, camera {camera.camera_id!r}")
        yield _sequence(labelled, camera, prediction_m, target_m, protocols, joint_set)


def _check(prediction_m: np.ndarray, shape: tuple[int, ...], where: str) -> None:
    if prediction_m.shape != shape:
        raise InputError(
            f"the model returned poses of shape {prediction_m.shape}, expected {shape}", where=where
        )
    if not np.isfinite(prediction_m).all():
        raise InputError("the model returned NaN or infinity", where=where)


def _sequence(
    labelled: _Labelled,
    camera: Camera,
    prediction_m: Float32[np.ndarray, "T J 3"],
    target_m: Float32[np.ndarray, "T J 3"],
    protocols: list[Protocol],
    joint_set: str,
) -> _Sequence:
    clip, present = labelled.clip, labelled.present
    totals = {}
    for each in protocols:
        values = frame_values(each, prediction_m, target_m, joint_set, present)
        joints = len(evaluated_joints(each, joint_set, present))
        totals[each.id] = (float(values.sum()), len(values), joints)
    root = skeleton.joint_set(joint_set).root
    prediction_m, target_m = (m - m[:, root : root + 1] for m in (prediction_m, target_m))
    error_mm = joint_error_mm(prediction_m, target_m).mean(axis=0)
    score = ClipScore(
        clip_id=clip.clip_id,
        camera_id=camera.camera_id,
        subject=clip.subject,
        action=clip.action,
        frames=len(target_m),
        mpjpe_mm=float(error_mm[present].mean()),
    )
    return _Sequence(score, error_mm, present, totals)


def _summary(
    about: dict[str, Any], protocols: list[Protocol], share: float, sequences: list[_Sequence]
) -> Evaluation:
    return Evaluation(
        **about,
        mask_share=share,
        scores=_scores(protocols, sequences, about["seed"]),
        clips=tuple(sequence.score for sequence in sequences),
        **_breakdowns(sequences, about["joint_set"]),
    )


def _scores(protocols: list[Protocol], sequences: list[_Sequence], seed: int) -> tuple[Score, ...]:
    """One score for each protocol that has values: photos have no velocity."""
    scored = (_score(each, sequences, seed) for each in protocols)
    return tuple(score for score in scored if score is not None)


def _score(of: Protocol, sequences: list[_Sequence], seed: int) -> Score | None:
    takes: dict[str, list[_Sequence]] = defaultdict(list)
    for sequence in sequences:
        if sequence.totals[of.id][1]:
            takes[sequence.score.clip_id].append(sequence)
    if not takes:
        return None
    totals = [[sequence.totals[of.id] for sequence in take] for take in takes.values()]
    sums = np.array([sum(total for total, _, _ in take) for take in totals])
    counts = np.array([sum(count for _, count, _ in take) for take in totals], np.float64)
    actions = [take[0].score.action for take in takes.values()]
    values, weights = sums / counts, _weights(of.aggregation, counts, actions)
    low, high = bootstrap_interval(values, weights, seed=seed)
    return Score(
        protocol=of.id,
        joint_set=of.joint_set,
        joints=min(joints for take in totals for _, _, joints in take),
        alignment=of.alignment,
        aggregation=of.aggregation,
        unit=of.unit,
        value=weighted_mean(values, weights),
        low=low,
        high=high,
        clips=len(takes),
        frames=sum(sequence.score.frames for take in takes.values() for sequence in take),
    )


def _weights(
    aggregation: Aggregation, frames: Float64[np.ndarray, " takes"], actions: list[str]
) -> Float64[np.ndarray, " takes"]:
    """Weights that turn a weighted mean of the takes' means into the protocol's aggregation."""
    if aggregation == "pooled":
        return frames
    _, action = np.unique(actions, return_inverse=True)
    return frames / np.bincount(action, weights=frames)[action]


def _breakdowns(sequences: list[_Sequence], joint_set: str) -> dict[str, dict[str, float]]:
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
    field: Literal["action", "camera_id", "subject"], sequences: list[_Sequence]
) -> dict[str, float]:
    groups: dict[str, list[ClipScore]] = defaultdict(list)
    for sequence in sequences:
        groups[getattr(sequence.score, field)].append(sequence.score)
    return {
        name: float(np.average([s.mpjpe_mm for s in group], weights=[s.frames for s in group]))
        for name, group in sorted(groups.items())
    }
