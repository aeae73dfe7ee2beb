"""Copies, people in two splits, and a world on its side."""

from dataclasses import replace

import numpy as np
import pytest
from tests.present import present
from tests.spoilt_clips import Y_UP

from monopose.data.clip import Clip
from monopose.data.expectations.examine import examine
from monopose.data.expectations.finding import Finding
from monopose.data.studio.studio import studio_clips


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    return list(studio_clips(2, subjects=3, actions=("walk", "dance")))


def found(clips: list[Clip]) -> list[tuple[str, str, str]]:
    return [(f.cause, f.severity, f.clip_id) for f in examine(clips)]


def test_an_exact_copy(clips: list[Clip]) -> None:
    copy = replace(clips[0], clip_id="again")
    assert found([*clips, copy]) == [("duplicate", "warning", "again")]


def test_a_copy_in_another_split_under_another_name(clips: list[Clip]) -> None:
    copy = replace(clips[0], clip_id="again", subject="someone", split="elsewhere")
    assert found([*clips, copy]) == [("duplicate across splits", "error", "again")]


def test_a_copy_moved_and_shaken_by_a_millimetre(clips: list[Clip]) -> None:
    pose = present(clips[0].pose_world_m)
    noise = np.random.default_rng(0).normal(0, 0.001, pose.shape).astype(np.float32)
    copy = replace(
        clips[0], clip_id="again", split="elsewhere", subject="someone",
        pose_world_m=pose + noise + np.float32(2), keypoints_px=None, keypoint_score=None,
    )  # fmt: skip
    assert ("duplicate across splits", "error", "again") in found([*clips, copy])


def test_copies_of_2d_alone(clips: list[Clip]) -> None:
    bare = [replace(clip, pose_world_m=None) for clip in clips]
    copy = replace(bare[0], clip_id="again")
    assert found([*bare, copy]) == [("duplicate", "warning", "again")]


def test_a_subject_in_two_splits_unless_nobody_knows_who(clips: list[Clip]) -> None:
    mixed = [replace(clips[0], split="train"), replace(clips[1], split="val")]
    assert mixed[0].subject == mixed[1].subject
    [finding] = examine(mixed)
    assert finding == Finding(
        "subject in several splits", "warning", "",
        f"1 subjects are in several splits: {mixed[0].subject} in train, val",
    )  # fmt: skip
    assert not found([replace(clip, subject="unknown") for clip in mixed])


def test_y_up_without_cameras_is_seen_in_most_clips(clips: list[Clip]) -> None:
    def bare(clip: Clip, turned: bool) -> Clip:
        pose = present(clip.pose_world_m)
        cameras = (replace(clip.cameras[0], rotation=None, translation_m=None),)
        return replace(
            clip, cameras=cameras, keypoints_px=None, keypoint_score=None,
            pose_world_m=pose @ Y_UP.T if turned else pose,
        )  # fmt: skip

    assert found([bare(clip, turned=True) for clip in clips]) == [("up axis", "error", "")]
    assert not found([bare(clip, turned=number == 0) for number, clip in enumerate(clips)])
