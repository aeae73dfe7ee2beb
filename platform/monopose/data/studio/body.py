"""Subjects of the studio and their bodies: joint angles in, joint positions out.

Body frame: x forward, y to the person's left, z up. A joint angle is named after its clinical
motion and given in degrees; zero everywhere is standing upright with hanging arms, facing +x.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from monopose.skeleton import joint_set

JOINTS = joint_set("h36m17").joints

# Segment lengths as shares of stature. Limbs: Drillis and Contini (1966), as printed in Winter,
# Biomechanics and Motor Control of Human Movement, fig. 4.1. Hips and shoulders are half the
# distance between joint centres, which is narrower than the body breadths printed there; the trunk
# is split at the chest so that the thorax comes out below the seventh cervical vertebra (0.818).
_STATURE_SHARE = {
    "hip": 0.053,
    "thigh": 0.245,
    "shank": 0.246,
    "ankle_height": 0.039,
    "lower_trunk": 0.125,
    "upper_trunk": 0.135,
    "shoulder": 0.098,
    "upper_arm": 0.172,
    "forearm": 0.146,
    "neck_up": 0.075,
    "neck_forward": 0.030,
    "head": 0.115,
}

# How far a joint's centre stays above a floor it rests on, as shares of stature (flesh and foot).
_CLEARANCE_SHARE = {
    "pelvis": 0.060, "hip": 0.055, "knee": 0.032, "ankle": 0.039, "spine": 0.060, "thorax": 0.055,
    "neck_nose": 0.075, "head_top": 0.045, "shoulder": 0.035, "elbow": 0.023, "wrist": 0.020,
}  # fmt: skip

_TRUNK = ("spine", "thorax", "neck", "head")
_LIMBS = ("hip", "shoulder")
_SIDES = ("left", "right")

CHANNELS: tuple[str, ...] = (
    *("heading", "pelvis_tilt", "pelvis_list", "pelvis_twist"),
    *(f"{part}_{motion}" for part in _TRUNK for motion in ("flexion", "bending", "twist")),
    *(
        f"{side}_{limb}_{motion}"
        for side in _SIDES
        for limb in _LIMBS
        for motion in ("flexion", "abduction", "rotation")
    ),
    *(f"{side}_{hinge}_flexion" for side in _SIDES for hinge in ("knee", "elbow")),
    *(f"{side}_clavicle_elevation" for side in _SIDES),
)
"""Joint angles. Positive is: heading and twist to the left, tilt and trunk flexion forward, list
and bending to the right, limb flexion forward (knee: backward), abduction outward, rotation
inward, clavicle upward."""

HINGE_RANGE_DEG = {"knee": (1.0, 150.0), "elbow": (3.0, 148.0)}
_HINGE_SOFTNESS_DEG = 3.0


@dataclass(frozen=True)
class Subject:
    """A person of the studio: stature in metres and segment lengths by name, in metres."""

    subject_id: str
    stature_m: float
    segment_m: Mapping[str, float]

    @property
    def clearance_m(self) -> Float[np.ndarray, " J"]:
        """Height of each joint's centre above a floor that it rests on, metres."""
        parts = [joint.removeprefix("left_").removeprefix("right_") for joint in JOINTS]
        return np.array([_CLEARANCE_SHARE[part] for part in parts]) * self.stature_m


def draw_subject(subject_id: str, stature_m: float, rng: np.random.Generator) -> Subject:
    """A random adult of that stature, each segment within about 10 % of its usual share."""
    # Legs and arms vary together more than one by one, as they do between people.
    legs, arms, breadth = rng.normal(1.0, (0.025, 0.03, 0.05))
    family = {"thigh": legs, "shank": legs, "upper_arm": arms, "forearm": arms}
    family |= {"hip": breadth, "shoulder": breadth}
    segment_m = {
        name: share * stature_m * family.get(name, 1.0) * float(rng.normal(1.0, 0.015))
        for name, share in _STATURE_SHARE.items()
    }
    return Subject(subject_id, stature_m, segment_m)


def _turn(axis: str, angle_deg: Float[np.ndarray, " T"]) -> Float[np.ndarray, "T 3 3"]:
    """Right-handed rotation about one axis."""
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.zeros((len(angle_deg), 3, 3))
    cosine, sine = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    matrix[:, range(3), range(3)] = 1.0
    matrix[:, first, first] = matrix[:, second, second] = cosine
    matrix[:, first, second], matrix[:, second, first] = -sine, sine
    return matrix


def hinge_angle_deg(hinge: str, angle_deg: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
    """Knee or elbow flexion kept inside its range, smoothly: hinges never bend backwards."""
    low, high = HINGE_RANGE_DEG[hinge]
    above = angle_deg - low
    raised = low + 0.5 * (above + np.sqrt(above**2 + _HINGE_SOFTNESS_DEG**2))
    below = high - raised
    return high - 0.5 * (below + np.sqrt(below**2 + _HINGE_SOFTNESS_DEG**2))


def pose_from_angles(
    subject: Subject, angles_deg: Mapping[str, Float[np.ndarray, " T"]]
) -> Float[np.ndarray, "T J 3"]:
    """Joint positions relative to the pelvis, metres, axes parallel to the world's (z up).

    angles_deg: any of CHANNELS, all of one length T; those not given are zero. Joints are in
    h36m17 order. Segment lengths are those of the subject in every frame.
    """
    unknown = set(angles_deg) - set(CHANNELS)
    assert not unknown, f"no such joint angles: {sorted(unknown)}"
    still = np.zeros(len(next(iter(angles_deg.values()))))
    angle = {channel: angles_deg.get(channel, still) for channel in CHANNELS}
    pelvis = _turn("z", angle["heading"]) @ _turn("y", angle["pelvis_tilt"])
    pelvis = pelvis @ _turn("x", angle["pelvis_list"]) @ _turn("z", angle["pelvis_twist"])
    place = {"pelvis": np.zeros((len(still), 3))}
    chest = _place_trunk(subject, angle, pelvis, place)
    for side in _SIDES:
        _place_leg(subject, angle, pelvis, place, side)
        _place_arm(subject, angle, chest, place, side)
    return np.stack([place[joint] for joint in JOINTS], axis=1)


_Angles = Mapping[str, Float[np.ndarray, " T"]]
_Places = dict[str, Float[np.ndarray, "T 3"]]


def _place_trunk(
    subject: Subject, angle: _Angles, pelvis: Float[np.ndarray, "T 3 3"], place: _Places
) -> Float[np.ndarray, "T 3 3"]:
    """Adds spine, thorax, neck and head; returns the orientation of the chest."""
    length = subject.segment_m
    chain = (
        ("spine", "pelvis", "spine", (0, 0, length["lower_trunk"])),
        ("thorax", "spine", "thorax", (0, 0, length["upper_trunk"])),
        ("neck", "thorax", "neck_nose", (length["neck_forward"], 0, length["neck_up"])),
        ("head", "neck_nose", "head_top", (-0.2 * length["head"], 0, 0.98 * length["head"])),
    )
    frame, frames = pelvis, {}
    for part, parent, joint, offset in chain:
        frame = frame @ _turn("z", angle[f"{part}_twist"]) @ _turn("y", angle[f"{part}_flexion"])
        frame = frame @ _turn("x", angle[f"{part}_bending"])
        place[joint] = place[parent] + frame @ np.array(offset)
        frames[part] = frame
    return frames["thorax"]


def _ball_joint(angle: _Angles, joint: str, outward: float) -> Float[np.ndarray, "T 3 3"]:
    turned = _turn("y", -angle[f"{joint}_flexion"])
    turned = turned @ _turn("x", outward * angle[f"{joint}_abduction"])
    return turned @ _turn("z", -outward * angle[f"{joint}_rotation"])


def _place_leg(
    subject: Subject,
    angle: _Angles,
    pelvis: Float[np.ndarray, "T 3 3"],
    place: _Places,
    side: str,
) -> None:
    length, outward = subject.segment_m, 1.0 if side == "left" else -1.0
    thigh = pelvis @ _ball_joint(angle, f"{side}_hip", outward)
    shank = thigh @ _turn("y", hinge_angle_deg("knee", angle[f"{side}_knee_flexion"]))
    place[f"{side}_hip"] = pelvis @ np.array([0, outward * length["hip"], 0])
    place[f"{side}_knee"] = place[f"{side}_hip"] + thigh @ np.array([0, 0, -length["thigh"]])
    place[f"{side}_ankle"] = place[f"{side}_knee"] + shank @ np.array([0, 0, -length["shank"]])


def _place_arm(
    subject: Subject,
    angle: _Angles,
    chest: Float[np.ndarray, "T 3 3"],
    place: _Places,
    side: str,
) -> None:
    length, outward = subject.segment_m, 1.0 if side == "left" else -1.0
    girdle = chest @ _turn("x", outward * angle[f"{side}_clavicle_elevation"])
    upper_arm = chest @ _ball_joint(angle, f"{side}_shoulder", outward)
    elbow_deg = hinge_angle_deg("elbow", angle[f"{side}_elbow_flexion"])
    forearm = upper_arm @ _turn("y", -elbow_deg)
    place[f"{side}_shoulder"] = place["thorax"] + girdle @ (0, outward * length["shoulder"], 0)
    place[f"{side}_elbow"] = place[f"{side}_shoulder"] + upper_arm @ (0, 0, -length["upper_arm"])
    place[f"{side}_wrist"] = place[f"{side}_elbow"] + forearm @ (0, 0, -length["forearm"])
