"""The studio's clips as a whole: bodies, floor, gait, cameras, splits, determinism."""

import hashlib
from typing import Any

import numpy as np
import pytest
from tests.present import present

from monopose.data.clip import Clip, validate
from monopose.data.studio.actions import ACTIONS
from monopose.data.studio.studio import FPS, studio_clips
from monopose.errors import InputError
from monopose.geometry.camera import project, world_to_camera
from monopose.skeleton import joint_set

H36M = joint_set("h36m17")
LEFT_ANKLE, RIGHT_ANKLE = H36M.index("left_ankle"), H36M.index("right_ankle")
AIRBORNE = {"jump", "run", "jumping_jack"}
ON_THE_FLOOR = {"lie", "crawl"}


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    return list(studio_clips(seed=3, subjects=5))


def _of(clips: list[Clip], *actions: str) -> list[Clip]:
    return [clip for clip in clips if clip.action in actions]


def _digest(clips: list[Clip]) -> str:
    digest = hashlib.sha256()
    for clip in clips:
        digest.update(clip.clip_id.encode() + clip.split.encode())
        for values in (clip.pose_world_m, clip.keypoints_px, clip.keypoint_score):
            digest.update(present(values).tobytes())
        digest.update(repr(clip.cameras).encode())
    return digest.hexdigest()


def test_every_subject_does_every_action(clips: list[Clip]) -> None:
    assert len(ACTIONS) >= 12
    assert {(clip.subject, clip.action) for clip in clips} == {
        (f"S{number:02d}", action) for number in range(1, 6) for action in ACTIONS
    }
    assert clips[0].clip_id == "studio/S01/walk/0"
    assert len({clip.clip_id for clip in clips}) == len(clips)
    for clip in clips:
        assert validate(clip) is clip
        assert (clip.dataset, clip.fps, clip.joint_set) == ("studio", 50.0, "h36m17")
        assert (clip.num_views, clip.num_frames) == (4, 200)


def test_no_subject_is_in_two_splits() -> None:
    names: dict[str, set[str]] = {}
    for clip in studio_clips(seconds=0.04, actions=["wave"]):
        names.setdefault(clip.split, set()).add(clip.subject)
    assert {split: len(subjects) for split, subjects in names.items()} == {
        "train": 7,
        "val": 1,
        "test": 2,
    }
    assert len(set.union(*names.values())) == 10


def test_same_seed_same_bytes_other_seed_other_bytes() -> None:
    def made(seed: int) -> str:
        return _digest(list(studio_clips(seed=seed, seconds=1.0, subjects=3)))

    assert made(0) == made(0) != made(1)


def test_a_clip_does_not_depend_on_the_others_asked_for(clips: list[Clip]) -> None:
    alone = list(studio_clips(seed=3, subjects=5, actions=["kick"], takes=2))
    assert _digest(_of(clips, "kick")) == _digest(alone[::2])
    assert _digest(alone[::2]) != _digest(alone[1::2])


def test_limbs_keep_their_length_and_differ_between_subjects(clips: list[Clip]) -> None:
    by_subject: dict[str, list[np.ndarray]] = {}
    for clip in clips:
        ends = np.stack([present(clip.pose_world_m)[:, [j, p]] for j, p in H36M.bones], axis=1)
        length_m = np.linalg.norm(ends[:, :, 0].astype(float) - ends[:, :, 1], axis=-1)
        assert np.ptp(length_m, axis=0).max() < 1e-4, clip.clip_id
        by_subject.setdefault(clip.subject, []).append(length_m[0])
    means = np.stack([np.mean(lengths, axis=0) for lengths in by_subject.values()])
    assert all(np.ptp(lengths, axis=0).max() < 1e-4 for lengths in by_subject.values())
    assert np.mean(means.std(axis=0) / means.mean(axis=0)) > 0.04


def test_left_is_left_of_right(clips: list[Clip]) -> None:
    """Knees point where left x up says ahead is, the chest follows the hips, the nose the chest."""
    for clip in clips:
        at = {name: present(clip.pose_world_m)[:, i] for i, name in enumerate(H36M.joints)}
        hips_left = at["left_hip"] - at["right_hip"]
        for side in ("left", "right"):
            thigh = at[f"{side}_knee"] - at[f"{side}_hip"]
            shank = at[f"{side}_ankle"] - at[f"{side}_knee"]
            assert np.all((np.cross(thigh, shank) * hips_left).sum(axis=-1) > 0), clip.clip_id
        chest_left = at["left_shoulder"] - at["right_shoulder"]
        assert (chest_left * hips_left).sum(axis=-1).min() > 0, clip.clip_id
        if clip.action not in ON_THE_FLOOR:
            ahead = np.cross(chest_left, at["thorax"] - at["spine"])
            nose = at["neck_nose"] - at["thorax"]
            assert (nose * ahead).sum(axis=-1).mean() > 0, clip.clip_id


def test_elbows_and_knees_stay_inside_their_range(clips: list[Clip]) -> None:
    for clip in clips:
        for limb in ("hip knee ankle", "shoulder elbow wrist"):
            for side in ("left", "right"):
                ends = [
                    present(clip.pose_world_m)[:, H36M.index(f"{side}_{j}")] for j in limb.split()
                ]
                upper, lower = ends[1] - ends[0], ends[2] - ends[1]
                cosine = (upper * lower).sum(axis=-1) / (
                    np.linalg.norm(upper, axis=-1) * np.linalg.norm(lower, axis=-1)
                )
                assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 151, clip.clip_id


def test_feet_are_on_the_floor(clips: list[Clip]) -> None:
    for clip in clips:
        lowest_m = present(clip.pose_world_m)[..., 2].min(axis=1)
        assert lowest_m.min() > 0.02, clip.clip_id
        # Who sits on the floor rests on the pelvis, whose centre is a hand's breadth above it.
        highest_m = 0.45 if clip.action in AIRBORNE else 0.14
        assert lowest_m.max() < highest_m, clip.clip_id
        if clip.action not in AIRBORNE | ON_THE_FLOOR:
            lowest_ankle_m = present(clip.pose_world_m)[:, [LEFT_ANKLE, RIGHT_ANKLE], 2].min(axis=1)
            np.testing.assert_allclose(lowest_ankle_m, 0.075, atol=0.03, err_msg=clip.clip_id)


def test_some_lie_some_sit_some_fly(clips: list[Clip]) -> None:
    low_m = {clip.action: present(clip.pose_world_m)[:, 0, 2].min() for clip in clips}
    head_m = [
        present(clip.pose_world_m)[..., H36M.index("head_top"), 2].min()
        for clip in _of(clips, "lie")
    ]
    assert min(head_m) < 0.35
    assert low_m["sit"] < 0.65
    for clip in _of(clips, "jump"):
        assert present(clip.pose_world_m)[..., 2].min(axis=1).max() > 0.15


def test_walking_alternates_left_and_right_with_arms_opposite(clips: list[Clip]) -> None:
    for clip in _of(clips, "walk"):
        pose_m = present(clip.pose_world_m).astype(float)
        left = pose_m[:, 4] - pose_m[:, 1]
        ahead = np.cross(left, (0.0, 0.0, 1.0))
        ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
        stride_m = ((pose_m[:, LEFT_ANKLE] - pose_m[:, RIGHT_ANKLE]) * ahead).sum(axis=-1)
        crossings = np.flatnonzero(np.diff(np.sign(stride_m)))
        steps_s = np.diff(crossings) / FPS
        assert 5 <= len(crossings) <= 10, clip.clip_id
        assert np.all((steps_s > 0.35) & (steps_s < 0.85)), clip.clip_id
        wrists_m = ((pose_m[:, 13] - pose_m[:, 16]) * ahead).sum(axis=-1)
        if np.ptp(wrists_m) > 0.25:
            assert np.corrcoef(stride_m, wrists_m)[0, 1] < -0.5, clip.clip_id
        pelvis_m_s = np.diff(pose_m[:, 0], axis=0) * FPS
        speed_m_s = (pelvis_m_s * ahead[:-1]).sum(axis=-1)
        assert 0.6 < speed_m_s.mean() < 2.0, clip.clip_id
        # People keep an even pace: no stopping from step to step.
        assert speed_m_s.min() > 0.6 * speed_m_s.mean(), clip.clip_id


def test_running_is_faster_than_walking_and_has_flight(clips: list[Clip]) -> None:
    speeds = {}
    for action in ("walk", "run"):
        pelvis_m = np.stack([present(clip.pose_world_m)[:, 0, :2] for clip in _of(clips, action)])
        speeds[action] = np.linalg.norm(np.diff(pelvis_m, axis=1), axis=-1).mean() * FPS
    assert 1.5 < speeds["run"] < 4.0
    assert speeds["run"] > 1.4 * speeds["walk"]
    for clip in _of(clips, "run"):
        assert np.ptp(present(clip.pose_world_m)[..., 2].min(axis=1)) > 0.015, clip.clip_id


def test_bearing_feet_hardly_slide(clips: list[Clip]) -> None:
    for clip in clips:
        if clip.action in AIRBORNE | ON_THE_FLOOR:
            continue
        feet_m = present(clip.pose_world_m)[:, [LEFT_ANKLE, RIGHT_ANKLE], :2]
        speed_m_s = np.linalg.norm(np.diff(feet_m, axis=0), axis=-1).min(axis=1) * FPS
        assert np.median(speed_m_s) < 0.3, clip.clip_id


def test_motions_are_as_fast_as_people(clips: list[Clip]) -> None:
    """Captured running, jumping and boxing stay below 90 m/s2 and 6 m/s at 50 Hz."""
    speeds, pushes = [], []
    for clip in clips:
        pose_m = present(clip.pose_world_m).astype(float)
        speeds.append(np.linalg.norm(np.diff(pose_m, axis=0), axis=-1).ravel() * FPS)
        pushes.append(np.linalg.norm(np.diff(pose_m, 2, axis=0), axis=-1).ravel() * FPS**2)
        assert speeds[-1].max() < 15, clip.clip_id
    assert np.percentile(np.concatenate(speeds), 99.5) < 7
    assert np.percentile(np.concatenate(pushes), 99.5) < 90
    # Nobody stands still: the head and the hands move in every clip.
    assert all(np.median(speed) > 0.01 for speed in speeds)


def test_poses_are_diverse(clips: list[Clip]) -> None:
    """Spread of each joint about the pelvis, heading removed, against standing still."""
    poses = []
    for clip in clips:
        pose_m = present(clip.pose_world_m).astype(float) - present(clip.pose_world_m)[:, :1]
        left = pose_m[:, 4] - pose_m[:, 1]
        turn = np.arctan2(-left[:, 0], left[:, 1])
        x = pose_m[..., 0] * np.cos(turn)[:, None] + pose_m[..., 1] * np.sin(turn)[:, None]
        y = pose_m[..., 1] * np.cos(turn)[:, None] - pose_m[..., 0] * np.sin(turn)[:, None]
        poses.append(np.stack([x, y, pose_m[..., 2]], axis=-1))
    spread_m = np.linalg.norm(np.concatenate(poses).std(axis=0), axis=-1)
    for joint, least_m in (("left_wrist", 0.3), ("right_wrist", 0.3), ("left_ankle", 0.2)):
        assert spread_m[H36M.index(joint)] > least_m
    assert spread_m[H36M.index("head_top")] > 0.15


def test_cameras_see_the_person(clips: list[Clip]) -> None:
    for clip in clips:
        assert (present(clip.keypoint_score) > 0).mean() >= 0.95, clip.clip_id
        for camera in clip.cameras:
            depth_m = world_to_camera(present(clip.pose_world_m), camera)[..., 2]
            assert depth_m.min() > 3.0, clip.clip_id
    heights_px = [
        np.ptp(present(c.keypoints_px)[..., 1], axis=2).mean() for c in _of(clips, "gesture")
    ]
    assert 200 < np.mean(heights_px) < 300


@pytest.mark.parametrize("lens_distortion", [False, True])
def test_gt_keypoints_are_the_projected_pose(lens_distortion: bool) -> None:
    options: dict[str, Any] = {"detections": "gt", "lens_distortion": lens_distortion}
    for clip in studio_clips(subjects=3, seconds=0.5, actions=["walk", "lie"], **options):
        assert np.all(present(clip.keypoint_score) == 1)
        for view, camera in enumerate(clip.cameras):
            expected_px = project(world_to_camera(present(clip.pose_world_m), camera), camera)
            np.testing.assert_allclose(present(clip.keypoints_px)[view], expected_px, atol=1e-3)
            assert (camera.distortion is not None) == lens_distortion


def test_detections_follow_the_projections_of_the_same_motion() -> None:
    options: dict[str, Any] = {"subjects": 3, "seconds": 2.0, "actions": ["reach"]}
    found, true = (next(studio_clips(detections=d, **options)) for d in ("model", "gt"))
    np.testing.assert_array_equal(present(found.pose_world_m), present(true.pose_world_m))
    error_px = np.linalg.norm(present(found.keypoints_px) - present(true.keypoints_px), axis=-1)
    assert 2.5 < error_px.mean() < 6.5


@pytest.mark.parametrize(
    ("options", "what", "fix"),
    [
        ({"actions": ["walk", "fly"]}, "unknown studio actions ['fly']", "choose from walk, run"),
        ({"subjects": 2}, "2 studio subjects cannot fill three splits", "ask for 3 or more"),
        ({"seconds": 0.02}, "0.02 s of studio motion is less than two frames", "0.04 s or more"),
        ({"takes": 0}, "no studio clips asked for", "at least one action and one take"),
        ({"actions": []}, "no studio clips asked for", "at least one action and one take"),
    ],
)
def test_impossible_wishes_are_refused(options: dict[str, Any], what: str, fix: str) -> None:
    with pytest.raises(InputError) as caught:
        next(studio_clips(**options))
    assert what in str(caught.value)
    assert fix in str(caught.value)
