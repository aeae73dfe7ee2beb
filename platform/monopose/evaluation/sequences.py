"""What a lift makes of each sequence: its errors by joint and by protocol.

Axes: V views, T frames, J joints. A sequence is one clip seen by one camera.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64

from monopose import skeleton
from monopose.data.clip import Clip
from monopose.data.maps import ViewMaps, view_maps
from monopose.errors import InputError
from monopose.evaluation.metrics import joint_error_mm
from monopose.evaluation.protocols import Protocol, evaluated_joints, frame_values
from monopose.evaluation.records import ClipScore
from monopose.geometry.camera import Camera

Lift = Callable[
    [Float32[np.ndarray, "T J 2"], Float32[np.ndarray, "T J"], Camera, ViewMaps | None],
    Float32[np.ndarray, "T J 3"],
]
"""(keypoints_px, keypoint_score, camera, maps) -> root-relative pose, metres, camera frame.

A score of 0 marks a keypoint that is missing; its coordinates are 0, and its map must not be read.
The maps are a detector's own, None for clips without.
"""


@dataclass(frozen=True)
class Labelled:
    """A clip in the model's joint set; `present` marks the joints that the clip has."""

    clip: Clip
    pose_camera_m: Float32[np.ndarray, "V T J 3"]
    keypoints_px: Float32[np.ndarray, "V T J 2"]
    score: Float32[np.ndarray, "V T J"]
    present: Bool[np.ndarray, " J"]
    maps: tuple[ViewMaps | None, ...]


@dataclass(frozen=True)
class LiftedSequence:
    """The errors of one sequence: by joint (mean over frames), by protocol (sum, count, joints)."""

    score: ClipScore
    error_mm: Float64[np.ndarray, " J"]
    present: Bool[np.ndarray, " J"]
    totals: dict[str, tuple[float, int, int]]


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


def labelled_clip(clip: Clip, joint_set: str) -> Labelled | None:
    """The clip in that joint set; None when it lacks 3D labels or 2D keypoints."""
    poses_m, keypoints_px = clip.camera_poses_m(), clip.keypoints_px
    if poses_m is None or keypoints_px is None:
        return None
    score = clip.keypoint_score
    if score is None:
        score = np.ones(keypoints_px.shape[:-1], np.float32)
    to_set = skeleton.conversion(clip.joint_set, joint_set)
    score = to_set.apply_score(score)
    keypoints_px = to_set.apply(keypoints_px) * (score > 0)[..., None]
    given = (view_maps(clip, view) for view in range(clip.num_views))
    maps = tuple(None if each is None else each.converted(to_set) for each in given)
    return Labelled(clip, to_set.apply(poses_m), keypoints_px, score, to_set.mask, maps)


def lifted_sequences(
    lift: Lift,
    labelled: Labelled,
    protocols: list[Protocol],
    joint_set: str,
    share: float,
    seed: int,
) -> Iterator[LiftedSequence]:
    """Every view of the clip, lifted with a share of its keypoints masked; raises InputError."""
    clip = labelled.clip
    key = f"{seed}/{clip.clip_id}/{clip.start_frame}"
    keypoints_px, score = mask_keypoints(labelled.keypoints_px, labelled.score, share, key)
    for view, camera in enumerate(clip.cameras):
        target_m = labelled.pose_camera_m[view]
        prediction_m = lift(keypoints_px[view], score[view], camera, labelled.maps[view])
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
    labelled: Labelled,
    camera: Camera,
    prediction_m: Float32[np.ndarray, "T J 3"],
    target_m: Float32[np.ndarray, "T J 3"],
    protocols: list[Protocol],
    joint_set: str,
) -> LiftedSequence:
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
    return LiftedSequence(score, error_mm, present, totals)
