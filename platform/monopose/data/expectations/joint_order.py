"""Are the columns the joints that the joint set says? Bones tell: rigid, symmetric, in proportion.

A score adds, over what can be measured, how much bones change their length, how much left differs
from right, and how far limbs are from human proportions. Other sets' orders are scored on the same
columns (a longer set on its first ones); a wrong order scores far worse than the right one.
"""

import math

import numpy as np
from jaxtyping import Float

from monopose.data.clip import Clip
from monopose.data.expectations.body import SEGMENTS, SIDES, pose_m, spread
from monopose.data.expectations.finding import Finding
from monopose.skeleton import JOINT_SETS, JointSet, joint_set

_FRAMES = 60
# A right order scores below 0.1 on real motion; wrong ones above 0.4.
_SUSPICIOUS = 0.25
_MUCH_BETTER = 0.5
# Segment lengths as shares of the upper arm (Drillis and Contini, 1966).
_PROPORTION = {"thigh": 1.42, "shank": 1.43, "upper_arm": 1.0, "forearm": 0.85}
_PROPORTION_SLACK = 0.35


def check_joint_order(clip: Clip) -> list[Finding]:
    """Bones that are far better under another joint set's order; names that set."""
    pose = pose_m(clip)
    if pose is None:
        return []
    pose = pose[spread(len(pose), _FRAMES)]
    declared = joint_set(clip.joint_set)
    given = order_score(pose, declared)
    if given < _SUSPICIOUS:
        return []
    scores = {
        other.name: order_score(pose, other)
        for other in JOINT_SETS.values()
        if len(other) >= len(declared) and other.name != declared.name
    }
    best = min(scores, key=lambda name: scores[name], default="")
    if not best or scores[best] > _MUCH_BETTER * given or scores[best] > _SUSPICIOUS:
        return []
    columns = len(joint_set(best))
    read = f"the first {len(declared)} of " if columns > len(declared) else ""
    what = (
        f"bones fit {read}the {columns} joints of {best} (score {scores[best]:.2f}) rather than "
        f"{declared.name} ({given:.2f})"
    )
    return [Finding("joint order", "error", clip.clip_id, what)]


def order_score(pose: Float[np.ndarray, "T J 3"], joints: JointSet) -> float:
    """How little the bones of a joint set are bones when its names are given to the columns.

    0 is a perfect skeleton. Columns that `pose` does not have are left out.
    """
    length = {}
    for joint, parent in joints.bones:
        if max(joint, parent) < pose.shape[1]:
            bone = np.linalg.norm(pose[:, joint] - pose[:, parent], axis=-1)
            length[joints.joints[joint]] = bone
    parts = [_rigidity(length), _symmetry(length), _proportion(pose, joints)]
    known = [part for part in parts if part is not None]
    return float(np.sum(known)) if known else math.inf


def _rigidity(length: dict[str, Float[np.ndarray, " T"]]) -> float | None:
    changes = [
        min(1.0, float(bone.std() / bone.mean()))
        for bone in length.values()
        if len(bone) > 1 and bone.mean() > 0
    ]
    return float(np.mean(changes)) if changes else None


def _symmetry(length: dict[str, Float[np.ndarray, " T"]]) -> float | None:
    ratios = []
    for name in length:
        other = name.replace("left_", "right_")
        if name.startswith("left_") and other in length:
            both = (
                max(float(np.median(length[name])), 1e-9),
                max(float(np.median(length[other])), 1e-9),
            )
            ratios.append(min(1.0, abs(math.log(both[0] / both[1]))))
    return float(np.mean(ratios)) if ratios else None


def _proportion(pose: Float[np.ndarray, "T J 3"], joints: JointSet) -> float | None:
    """Distance of the limbs from human proportions, whatever the unit; beyond some slack."""
    shares = []
    for side in SIDES:
        for segment, (far, near) in SEGMENTS.items():
            ends = joints.index(f"{side}_{far}"), joints.index(f"{side}_{near}")
            if max(ends) < pose.shape[1]:
                bone = np.linalg.norm(pose[:, ends[0]] - pose[:, ends[1]], axis=-1)
                shares.append(math.log(max(float(np.median(bone)), 1e-9) / _PROPORTION[segment]))
    if len(shares) < 2:
        return None
    off = np.abs(np.array(shares) - np.median(shares))
    return float(np.minimum(np.maximum(off - _PROPORTION_SLACK, 0.0), 1.0).mean())
