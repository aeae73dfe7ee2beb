"""Is left really left? Knees bend backward, toes and noses point forward: that needs no names.

A body whose names are exchanged, or whose coordinates are mirrored, bends its knees the wrong way
about its own left. Both at once give a valid body again: no test on one data set can see that.
"""

import numpy as np
from jaxtyping import Float

from monopose.data.clip import Clip
from monopose.data.expectations.body import SIDES, point, pose_m, unit
from monopose.data.expectations.finding import Finding
from monopose.skeleton import JointSet, joint_set

SIDES_EXCHANGED = "left/right exchanged"
# sin of the flexion from which a knee counts as bent: beyond what knees extend backward.
_BENT = 0.25
_LEAST_SHARE = 0.05
_WRONG = 0.8


def check_sides(clip: Clip) -> list[Finding]:
    """Knees that bend backward about the person's own left hip."""
    turning = knee_turning(clip)
    if turning is None or turning > -_WRONG:
        return []
    what = (
        f"{(1 - turning) / 2:.0%} of the bent knees bend forward: left and right are exchanged in "
        "the 3D, or one of its axes is mirrored"
    )
    return [Finding(SIDES_EXCHANGED, "error", clip.clip_id, what)]


def knee_turning(clip: Clip) -> float | None:
    """1 when all bent knees bend backward, -1 when all bend forward; None if hardly any bends.

    Knees count by the square of their flexion's sine, so that straight ones say nothing.
    """
    pose = pose_m(clip)
    if pose is None:
        return None
    joints = joint_set(clip.joint_set)
    left = unit(point(pose, joints, "left_hip") - point(pose, joints, "right_hip"))
    flexions = [_flexion(pose, joints, side, left) for side in SIDES]
    bent = np.concatenate([each[np.abs(each) > _BENT] for each in flexions])
    if len(bent) < max(1.0, _LEAST_SHARE * 2 * len(pose)):
        return None
    return float(np.sum(bent * np.abs(bent)) / np.sum(bent**2))


def _flexion(
    pose: Float[np.ndarray, "T J 3"], joints: JointSet, side: str, left: Float[np.ndarray, "T 3"]
) -> Float[np.ndarray, " T"]:
    """Sine of the knee's flexion, about the axis through the hips; positive is backward."""
    hip, knee, ankle = (point(pose, joints, f"{side}_{part}") for part in ("hip", "knee", "ankle"))
    return np.asarray((np.cross(unit(knee - hip), unit(ankle - knee)) * left).sum(axis=-1))


def check_faces(clip: Clip) -> list[Finding]:
    """2D with a face (COCO): who shows both eyes and the nose has the left shoulder at right."""
    joints = joint_set(clip.joint_set)
    if clip.keypoints_px is None or clip.has_3d or "left_eye" not in joints.joints:
        return []
    names = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
    index = [joints.index(n) for n in (*names, "left_shoulder", "right_shoulder")]
    score = clip.keypoint_score
    score = np.ones(clip.keypoints_px.shape[:-1]) if score is None else score
    seen = (score[..., index] > 0.5).all(axis=-1)
    x_px = clip.keypoints_px[..., index, 0]
    width_px, apart_px = x_px[..., 5] - x_px[..., 6], x_px[..., 3] - x_px[..., 4]
    wide = seen & (np.abs(width_px) > 1.5 * np.abs(apart_px)) & (np.abs(apart_px) > 0)
    if wide.sum() < 10 or (width_px[wide] > 0).mean() > (1 - _WRONG) / 2:
        return []
    what = f"{(width_px[wide] < 0).mean():.0%} of frontal people have the left shoulder at left"
    return [Finding(SIDES_EXCHANGED, "error", clip.clip_id, what)]
