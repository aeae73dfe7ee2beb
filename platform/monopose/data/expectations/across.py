"""What only all clips together can tell: copies, people in two splits, a world on its side."""

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from scipy.spatial import cKDTree

from monopose.data.clip import Clip
from monopose.data.expectations.body import pose_m
from monopose.data.expectations.finding import Finding
from monopose.data.expectations.up_axis import UP_AXIS, body_up, cameras_up, nearest_axis
from monopose.skeleton import joint_set

_MOMENTS = 8
_QUANTUM_M = 0.0005
_NEAR_M = 0.01
_STILL_M = 0.05
UNKNOWN_SUBJECT = "unknown"
_MOST_NAMED = 5


@dataclass(frozen=True)
class Trace:
    """What is kept of a clip once it has passed: a kilobyte or two, for 17 joints in 3D.

    digest: of the motion, quantised to half a millimetre. moments: root-relative poses at eight
    moments, flattened, of clips that have 3D and move.
    """

    clip_id: str
    subject: str
    split: str
    frames: int
    digest: str
    moments: Float32[np.ndarray, " N"] | None
    up: str
    cameras: bool


def trace_of(clip: Clip) -> Trace:
    """The trace of one clip."""
    up = body_up(clip)
    axis, along = nearest_axis(up) if up is not None else ("", 0.0)
    return Trace(
        clip_id=clip.clip_id,
        subject=clip.subject,
        split=clip.split,
        frames=clip.num_frames,
        digest=_digest(clip),
        moments=_moments(clip),
        up=axis if along > 0.7 else "",
        cameras=cameras_up(clip) is not None,
    )


def _digest(clip: Clip) -> str:
    values = pose_m(clip)
    if values is not None:
        root = joint_set(clip.joint_set).root
        values = np.round((values - values[:, root : root + 1]) / _QUANTUM_M)
    elif clip.keypoints_px is not None and np.any(clip.keypoints_px):
        values = np.round(clip.keypoints_px * 10)
    if values is None:
        return ""
    return hashlib.blake2b(values.astype(np.int64).tobytes(), digest_size=16).hexdigest()


def _moments(clip: Clip) -> Float32[np.ndarray, " N"] | None:
    pose = pose_m(clip)
    if pose is None or len(pose) < _MOMENTS:
        return None
    at = np.linspace(0, len(pose) - 1, _MOMENTS).round().astype(int)
    root = joint_set(clip.joint_set).root
    moments = pose[at] - pose[at, root : root + 1]
    if np.linalg.norm(np.ptp(moments, axis=0), axis=-1).max() < _STILL_M:
        return None
    return np.asarray(moments.ravel(), np.float32)


def check_copies(traces: list[Trace]) -> list[Finding]:
    """No motion twice; in two splits it is an error, for then the test has been seen."""
    by_digest: dict[str, list[Trace]] = defaultdict(list)
    for trace in traces:
        if trace.digest:
            by_digest[trace.digest].append(trace)
    pairs = [(group[0], other) for group in by_digest.values() for other in group[1:]]
    pairs += _near(traces)
    return [_copy(first, second) for first, second in pairs]


def _near(traces: list[Trace]) -> list[tuple[Trace, Trace]]:
    """Clips of one length whose poses differ by less than a centimetre, yet not copies."""
    groups: dict[tuple[int, int], list[Trace]] = defaultdict(list)
    for trace in traces:
        if trace.moments is not None:
            groups[trace.frames, len(trace.moments)].append(trace)
    pairs = []
    for group in groups.values():
        moments = np.stack([trace.moments for trace in group if trace.moments is not None])
        # A distance over all coordinates that is a root mean square of _NEAR_M per joint.
        reach = _NEAR_M * np.sqrt(moments.shape[1] / 3)
        for first, second in sorted(cKDTree(moments).query_pairs(float(reach))):
            if group[first].digest != group[second].digest:
                pairs.append((group[first], group[second]))
    return pairs


def _copy(first: Trace, second: Trace) -> Finding:
    exact = (
        "the same motion as" if first.digest == second.digest else "within 1 cm of the motion of"
    )
    if first.split == second.split:
        what = f"{exact} {first.clip_id}, both in {first.split}"
        return Finding("duplicate", "warning", second.clip_id, what)
    what = f"{exact} {first.clip_id}, in {second.split} and {first.split}"
    return Finding("duplicate across splits", "error", second.clip_id, what)


def check_subjects(traces: list[Trace]) -> list[Finding]:
    """Nobody in two splits: a warning, since some publishers split people's takes on purpose."""
    splits: dict[str, set[str]] = defaultdict(set)
    for trace in traces:
        if trace.subject.lower() != UNKNOWN_SUBJECT:
            splits[trace.subject].add(trace.split)
    shared = {name: sorted(where) for name, where in sorted(splits.items()) if len(where) > 1}
    if not shared:
        return []
    named = [f"{name} in {', '.join(where)}" for name, where in shared.items()][:_MOST_NAMED]
    more = f" and {len(shared) - len(named)} more" if len(shared) > len(named) else ""
    what = f"{len(shared)} subjects are in several splits: {'; '.join(named)}{more}"
    return [Finding("subject in several splits", "warning", "", what)]


def check_up_by_majority(traces: list[Trace]) -> list[Finding]:
    """Where no camera tells: most people upright along one axis, and that axis is z."""
    axes = Counter(trace.up for trace in traces if trace.up and not trace.cameras)
    if not axes:
        return []
    axis, count = axes.most_common(1)[0]
    total = sum(axes.values())
    if axis == "+z" or count < 0.6 * total:
        return []
    what = f"{axis} is up in {count} of {total} clips without cameras; z up is declared"
    return [Finding(UP_AXIS, "error", "", what)]
