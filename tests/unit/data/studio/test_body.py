"""Forward kinematics of the studio's subjects, against scipy's rotations and plain geometry."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from monopose.data.studio.body import (
    CHANNELS,
    JOINTS,
    Subject,
    draw_subject,
    hinge_angle_deg,
    pose_from_angles,
)
from monopose.skeleton import joint_set

INDEX = {joint: i for i, joint in enumerate(JOINTS)}


@pytest.fixture
def subject() -> Subject:
    return draw_subject("S01", 1.75, np.random.default_rng(5))


def _pose(subject: Subject, **angles_deg: float) -> dict[str, np.ndarray]:
    angles = {"heading": np.zeros(1)} | {k: np.array([float(v)]) for k, v in angles_deg.items()}
    return dict(zip(JOINTS, pose_from_angles(subject, angles)[0], strict=True))


def _random_angles(frames: int = 300) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {channel: rng.uniform(-80, 150, frames) for channel in CHANNELS}


def test_standing_faces_x_with_left_on_the_left(subject: Subject) -> None:
    at = _pose(subject)
    up = at["thorax"] - at["pelvis"]
    left = at["left_hip"] - at["right_hip"]
    assert np.cross(left, up)[0] > 0
    assert at["left_shoulder"][1] > 0 > at["right_shoulder"][1]
    assert at["head_top"][2] > at["neck_nose"][2] > at["thorax"][2] > at["spine"][2] > 0
    assert at["neck_nose"][0] > at["thorax"][0]
    assert at["left_wrist"][2] < at["left_elbow"][2] < at["left_shoulder"][2]


def test_standing_is_as_tall_as_the_subject() -> None:
    for seed in range(20):
        subject = draw_subject("S", 1.5 + 0.02 * seed, np.random.default_rng(seed))
        at = _pose(subject)
        tall_m = at["head_top"][2] - at["left_ankle"][2] + subject.segment_m["ankle_height"]
        assert tall_m == pytest.approx(subject.stature_m, rel=0.06)


def test_subjects_have_human_and_different_proportions() -> None:
    people = [draw_subject("S", 1.7, np.random.default_rng(seed)) for seed in range(40)]
    for segment, share in (("thigh", 0.245), ("forearm", 0.146), ("upper_arm", 0.172)):
        got = np.array([person.segment_m[segment] for person in people]) / 1.7
        assert np.all(np.abs(got / share - 1) < 0.12)
        assert np.std(got / share) > 0.015


@pytest.mark.parametrize(
    ("channel", "joint", "axis", "sign"),
    [
        ("left_hip_flexion", "left_knee", 0, 1),
        ("right_hip_flexion", "right_ankle", 0, 1),
        ("left_hip_abduction", "left_knee", 1, 1),
        ("right_hip_abduction", "right_knee", 1, -1),
        ("left_knee_flexion", "left_ankle", 0, -1),
        ("right_elbow_flexion", "right_wrist", 0, 1),
        ("left_shoulder_flexion", "left_elbow", 0, 1),
        ("left_shoulder_abduction", "left_elbow", 1, 1),
        ("right_shoulder_abduction", "right_elbow", 1, -1),
        ("pelvis_tilt", "head_top", 0, 1),
        ("thorax_flexion", "head_top", 0, 1),
        ("spine_bending", "head_top", 1, -1),
        ("pelvis_list", "head_top", 1, -1),
        ("thorax_twist", "right_shoulder", 0, 1),
        ("heading", "right_shoulder", 0, 1),
        ("left_clavicle_elevation", "left_shoulder", 2, 1),
    ],
)
def test_each_angle_moves_the_body_the_way_its_name_says(
    subject: Subject, channel: str, joint: str, axis: int, sign: int
) -> None:
    moved = _pose(subject, **{channel: 30.0})[joint] - _pose(subject)[joint]
    assert sign * moved[axis] > 0.02


def test_rotation_inward_turns_bent_forearms_to_the_midline(subject: Subject) -> None:
    for side, sign in (("left", 1), ("right", -1)):
        bent = {f"{side}_elbow_flexion": 90.0}
        inward = _pose(subject, **bent, **{f"{side}_shoulder_rotation": 40.0})[f"{side}_wrist"]
        assert sign * (inward - _pose(subject, **bent)[f"{side}_wrist"])[1] < -0.05


def test_segments_keep_their_length_in_any_pose(subject: Subject) -> None:
    pose_m = pose_from_angles(subject, _random_angles())
    for joint, parent in joint_set("h36m17").bones:
        length_m = np.linalg.norm(pose_m[:, joint] - pose_m[:, parent], axis=-1)
        assert np.ptp(length_m) < 1e-9, JOINTS[joint]


def test_leg_and_arm_match_scipy(subject: Subject) -> None:
    angles = {channel: curve[:1] for channel, curve in _random_angles().items()}
    at = {channel: float(curve[0]) for channel, curve in angles.items()}
    pose_m = pose_from_angles(subject, angles)[0]
    pelvis = Rotation.from_euler(
        "ZYX", [at["heading"], at["pelvis_tilt"], at["pelvis_list"]], degrees=True
    ) * Rotation.from_euler("z", at["pelvis_twist"], degrees=True)
    hip = Rotation.from_euler(
        "YXZ",
        [-at["right_hip_flexion"], -at["right_hip_abduction"], at["right_hip_rotation"]],
        degrees=True,
    )
    knee = Rotation.from_euler(
        "y", float(hinge_angle_deg("knee", angles["right_knee_flexion"])[0]), degrees=True
    )
    length = subject.segment_m
    knee_m = pelvis.apply([0, -length["hip"], 0]) + (pelvis * hip).apply([0, 0, -length["thigh"]])
    ankle_m = knee_m + (pelvis * hip * knee).apply([0, 0, -length["shank"]])
    np.testing.assert_allclose(pose_m[INDEX["right_knee"]], knee_m, atol=1e-9)
    np.testing.assert_allclose(pose_m[INDEX["right_ankle"]], ankle_m, atol=1e-9)


def test_mirrored_angles_give_the_mirrored_body() -> None:
    subject = draw_subject("S01", 1.75, np.random.default_rng(1))
    midline = {"heading", "pelvis_list", "pelvis_twist"}
    angles = _random_angles(20)
    mirrored = {}
    for channel, curve in angles.items():
        swapped = channel.replace("left_", "@").replace("right_", "left_").replace("@", "right_")
        sided = channel.startswith(("left_", "right_"))
        turns = channel in midline or (not sided and channel.endswith(("bending", "twist")))
        mirrored[swapped] = -curve if turns else curve
    original_m, mirrored_m = pose_from_angles(subject, angles), pose_from_angles(subject, mirrored)
    expected_m = original_m[:, joint_set("h36m17").mirror] * (1, -1, 1)
    np.testing.assert_allclose(mirrored_m, expected_m, atol=1e-9)


def test_hinges_never_bend_backwards() -> None:
    asked = np.linspace(-200, 300, 2001)
    for hinge, (low, high) in {"knee": (1.0, 150.0), "elbow": (3.0, 148.0)}.items():
        got = hinge_angle_deg(hinge, asked)
        assert got.min() >= low - 0.05 > 0
        assert got.max() <= high + 1e-9
        assert np.all(np.diff(got) >= -1e-9)
        np.testing.assert_allclose(hinge_angle_deg(hinge, np.array([60.0])), 60.0, atol=0.1)


def test_bent_elbows_fold_to_the_front_of_the_upper_arm(subject: Subject) -> None:
    """The forearm lies on the side that shoulder flexion moves it to, for every shoulder pose."""
    angles = _random_angles() | {"left_elbow_flexion": np.linspace(-90, 140, 300)}
    bent = pose_from_angles(subject, angles)
    straight = pose_from_angles(subject, angles | {"left_elbow_flexion": np.zeros(300)})
    more = pose_from_angles(subject, angles | {"left_elbow_flexion": np.full(300, 90.0)})
    elbow_m = bent[:, INDEX["left_elbow"]]
    wrists = [pose[:, INDEX["left_wrist"]] - elbow_m for pose in (straight, bent, more)]
    front = wrists[2] / np.linalg.norm(wrists[2], axis=-1, keepdims=True)
    assert np.all((wrists[1] * front).sum(axis=-1) > 0)
