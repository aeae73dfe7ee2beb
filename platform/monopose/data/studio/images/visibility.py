"""Which joints a camera sees, by casting rays at them."""

import math

import numpy as np
from jaxtyping import Bool, Float

from monopose.data.studio.images.compiled import FAR, PART, compiled, inlined
from monopose.data.studio.images.shape_rows import PARTS
from monopose.data.studio.images.shapes import hit
from monopose.geometry.camera import Camera
from monopose.skeleton import joint_set

JOINTS = joint_set("h36m17").joints

_OWN_PARTS = {
    "pelvis": ("torso", "thigh"), "hip": ("torso", "thigh"), "knee": ("thigh", "shank"),
    "ankle": ("shank", "foot"), "spine": ("torso",), "thorax": ("torso", "head"),
    "neck_nose": ("head", "torso"), "head_top": ("head",), "shoulder": ("torso", "upper_arm"),
    "elbow": ("upper_arm", "forearm"), "wrist": ("forearm", "hand"),
}  # fmt: skip
# How far behind the surface of its own parts a joint may lie and still be seen: half a trunk for
# the trunk's, a limb's length for those a limb may point away from, along the line of sight.
_REACH_M = {
    "pelvis": 0.22, "hip": 0.18, "knee": 0.30, "ankle": 0.25, "spine": 0.22, "thorax": 0.20,
    "neck_nose": 0.16, "head_top": 0.16, "shoulder": 0.14, "elbow": 0.25, "wrist": 0.25,
}  # fmt: skip
_NEAR_M = 0.07
_DISC_M = 0.025


def own_parts() -> Bool[np.ndarray, "J P"]:
    """True where a part of the body belongs to a joint."""
    own = np.zeros((len(JOINTS), len(PARTS)), bool)
    for j, joint in enumerate(JOINTS):
        side = next((s for s in ("left_", "right_") if joint.startswith(s)), "")
        for part in _OWN_PARTS[joint.removeprefix(side)]:
            names = (part, side + part) if side else (part, f"left_{part}", f"right_{part}")
            own[j, [p for p, name in enumerate(PARTS) if name in names]] = True
    return own


_OWN = own_parts()
_REACH = np.array([_REACH_M[j.removeprefix("left_").removeprefix("right_")] for j in JOINTS])


def visible_share(
    shapes: Float[np.ndarray, "S 30"], joints_world_m: Float[np.ndarray, "J 3"], camera: Camera
) -> Float[np.ndarray, " J"]:
    """Share of a disc of 2.5 cm around each joint that is seen past all other shapes, 0..1.

    Rays go to nine points of the disc. One sees the joint when it meets nothing before the
    joint's depth, or meets the joint's own part of the body at its near surface.
    """
    assert camera.rotation is not None
    assert camera.translation_m is not None
    eye_m = -camera.rotation.T @ camera.translation_m
    return _visible(shapes, joints_world_m, eye_m, camera.rotation, _OWN, _REACH, _NEAR_M, _DISC_M)


@compiled
def _visible(
    shapes: np.ndarray,
    joints: np.ndarray,
    eye: np.ndarray,
    rotation: np.ndarray,
    own: np.ndarray,
    reach: np.ndarray,
    near: float,
    disc: float,
) -> np.ndarray:
    out = np.zeros(len(joints))
    for j in range(len(joints)):
        for ray in range(9):
            radius = 0.0 if ray == 0 else disc
            across, down = radius * math.cos(ray * 0.7854), radius * math.sin(ray * 0.7854)
            d = joints[j] + across * rotation[0] + down * rotation[1] - eye
            length = math.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
            t, k = _first(shapes, eye, d)
            gap = (1.0 - t) * length
            mine = k >= 0 and own[j, int(shapes[k, PART])] and gap < reach[j]
            out[j] += 1.0 / 9.0 if mine or gap < near else 0.0
    return out


@inlined
def _first(shapes: np.ndarray, o: np.ndarray, d: np.ndarray) -> tuple[float, int]:
    nearest, k = FAR, -1
    for i in range(len(shapes)):
        t = hit(shapes, i, o[0], o[1], o[2], d[0], d[1], d[2])
        if t < nearest:
            nearest, k = t, i
    return nearest, k
