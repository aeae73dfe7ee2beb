"""Measures of a body that every expectation on 3D shares: points by name, limbs, sampling."""

import numpy as np
from jaxtyping import Float

from monopose.data.clip import Clip
from monopose.skeleton import JointSet, joint_set

SIDES = ("left", "right")
# Limb segments that every joint set has on both sides: name -> (far end, near end).
SEGMENTS = {
    "thigh": ("knee", "hip"),
    "shank": ("ankle", "knee"),
    "upper_arm": ("elbow", "shoulder"),
    "forearm": ("wrist", "elbow"),
}
# Thigh and shank together as a share of stature (Drillis and Contini, 1966).
LEG_SHARE = 0.491
SAMPLED_FRAMES = 240


def spread(count: int, wanted: int) -> slice:
    """Evenly spaced frames, at most `wanted` of them."""
    return slice(0, count, max(1, -(-count // wanted)))


def pose_m(clip: Clip) -> Float[np.ndarray, "T J 3"] | None:
    """The clip's 3D in one frame of reference: the world's, else the first camera's."""
    if clip.pose_world_m is not None:
        return clip.pose_world_m
    return None if clip.pose_camera_m is None else clip.pose_camera_m[0]


def unit(vectors: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Vectors of length 1; those of no length stay zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def point(
    pose: Float[np.ndarray, "T J C"], joints: JointSet, name: str
) -> Float[np.ndarray, "T C"]:
    """One joint by name; `mid_hip` and the like are the middle of both sides."""
    if not name.startswith("mid_"):
        return pose[:, joints.index(name)]
    part = name.removeprefix("mid_")
    both = [pose[:, joints.index(f"{side}_{part}")] for side in SIDES]
    return np.asarray((both[0] + both[1]) / 2)


def limb_lengths(clip: Clip) -> dict[str, Float[np.ndarray, " T"]]:
    """Lengths over sampled frames of `left_thigh`, `right_thigh`, ...; empty without 3D."""
    pose = pose_m(clip)
    if pose is None:
        return {}
    pose, joints = pose[spread(len(pose), SAMPLED_FRAMES)], joint_set(clip.joint_set)
    lengths = {}
    for side in SIDES:
        for segment, (far, near) in SEGMENTS.items():
            bone = point(pose, joints, f"{side}_{far}") - point(pose, joints, f"{side}_{near}")
            lengths[f"{side}_{segment}"] = np.linalg.norm(bone, axis=-1)
    return lengths


def stature(clip: Clip) -> float | None:
    """Stature guessed from the legs' median length, in the file's unit; None without 3D."""
    lengths = limb_lengths(clip)
    if not lengths:
        return None
    legs = [lengths[f"{side}_thigh"] + lengths[f"{side}_shank"] for side in SIDES]
    return float(np.median(np.concatenate(legs))) / LEG_SHARE
