"""Each mistake is named in the clips it is made in, and clean data is left alone."""

from dataclasses import replace

import numpy as np
import pytest
from tests.present import present
from tests.spoilt_clips import (
    SPOILT,
    first_17_of_28,
    joints_28,
    one_camera_inverted,
    one_view_shifted,
    sides_exchanged_in_2d,
    without_3d,
)

from monopose.data.clip import Clip
from monopose.data.expectations.examine import examine, examine_clip
from monopose.data.studio.studio import studio_clips

# Bent knees, and motion all through: what every mistake shows in.
ACTIONS = ("walk", "run", "kick", "dance")


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    return list(studio_clips(1, subjects=3, actions=ACTIONS))


def causes(clip: Clip) -> set[str]:
    return {finding.cause for finding in examine_clip(clip)}


@pytest.mark.parametrize("mistake", SPOILT)
def test_a_mistake_is_named(mistake: str, clips: list[Clip]) -> None:
    spoil, cause = SPOILT[mistake]
    assert [causes(spoil(clip)) for clip in clips] == [{cause}] * len(clips)


def test_clean_clips_of_every_action_are_left_alone() -> None:
    for detections in ("model", "gt"):
        assert examine(studio_clips(5, subjects=3, detections=detections)) == []


def test_lenses_with_distortion_are_no_mistake() -> None:
    assert examine(studio_clips(6, subjects=3, actions=ACTIONS, lens_distortion=True)) == []


def test_28_joints_are_fine_when_they_are_declared(clips: list[Clip]) -> None:
    whole = replace(first_17_of_28(clips[0]), joint_set="mpi_inf_3dhp_28")
    assert not causes(replace(whole, pose_world_m=joints_28(clips[0])))


def test_28_joints_read_as_the_17_of_their_publisher(clips: list[Clip]) -> None:
    [finding] = examine_clip(first_17_of_28(clips[0], "mpi_inf_3dhp_17"))
    assert finding.cause == "joint order"
    assert "the first 17 of the 28 joints of mpi_inf_3dhp_28" in finding.what


def test_views_judge_each_other_without_3d(clips: list[Clip]) -> None:
    bare = [without_3d(clip) for clip in clips]
    assert examine(bare) == []
    one_exchanged = [
        replace(
            clip,
            keypoints_px=np.concatenate(
                [
                    present(sides_exchanged_in_2d(clip).keypoints_px)[:1],
                    present(clip.keypoints_px)[1:],
                ]
            ),
        )
        for clip in bare
    ]
    walking = [clip for clip in bare if clip.action in ("walk", "run")]
    assert all("frames shifted" in causes(one_view_shifted(clip)) for clip in walking)
    assert all("camera rotated by its inverse" in causes(one_camera_inverted(c)) for c in bare)
    assert all("left/right exchanged" in causes(clip) for clip in one_exchanged)
    assert all("left/right exchanged" in causes(sides_exchanged_in_2d(clip)) for clip in bare)


def test_two_views_without_3d(clips: list[Clip]) -> None:
    def two(clip: Clip) -> Clip:
        return replace(
            without_3d(clip),
            cameras=clip.cameras[:2],
            keypoints_px=present(clip.keypoints_px)[:2],
            keypoint_score=present(clip.keypoint_score)[:2],
        )

    assert examine(map(two, clips)) == []
    running = two(next(clip for clip in clips if clip.action == "run"))
    assert causes(one_view_shifted(running)) == {"frames shifted"}
    assert causes(one_camera_inverted(running)) == {"camera rotated by its inverse"}


def test_a_mirrored_body_bends_its_knees_forward(clips: list[Clip]) -> None:
    mirrored = present(clips[0].pose_world_m) * np.array([-1, 1, 1], np.float32)
    bare = replace(clips[0], pose_world_m=mirrored, keypoints_px=None, keypoint_score=None)
    assert causes(bare) == {"left/right exchanged"}


@pytest.mark.parametrize(
    ("factor", "unit"), [(1000, "millimetres"), (100, "centimetres"), (1 / 0.0254, "inches")]
)
def test_the_unit_is_named(factor: float, unit: str, clips: list[Clip]) -> None:
    pose = present(clips[0].pose_world_m) * np.float32(factor)
    bare = replace(clips[0], pose_world_m=pose, keypoints_px=None, keypoint_score=None)
    [finding] = examine_clip(bare)
    assert finding.cause == "units"
    assert unit in finding.what


def test_a_frame_rate_that_makes_people_too_fast(clips: list[Clip]) -> None:
    running = next(clip for clip in clips if clip.action == "run")
    assert causes(replace(running, fps=1000.0)) == {"frame rate"}


def test_stretching_limbs(clips: list[Clip]) -> None:
    pose = present(clips[0].pose_world_m)
    grown = np.linspace(0.6, 1.4, len(pose), dtype=np.float32)[:, None, None]
    bare = replace(clips[0], pose_world_m=pose * grown, keypoints_px=None, keypoint_score=None)
    assert causes(bare) == {"limbs not constant"}


def test_one_limb_longer_than_the_other(clips: list[Clip]) -> None:
    pose = present(clips[0].pose_world_m).copy()
    # h36m17: 15 is the right elbow, 16 the right wrist.
    pose[:, 16] += 0.5 * (pose[:, 16] - pose[:, 15])
    bare = replace(clips[0], pose_world_m=pose, keypoints_px=None, keypoint_score=None)
    assert causes(bare) == {"limbs not symmetric"}


def test_keypoints_that_are_not_pixels_of_the_image(clips: list[Clip]) -> None:
    keypoints_px = present(clips[0].keypoints_px)
    assert causes(replace(clips[0], keypoints_px=keypoints_px / 500 - 1)) == {"keypoint unit"}
    half = replace(clips[0], keypoints_px=keypoints_px / 2)
    assert causes(half) == {"image size"}
    outside = replace(without_3d(clips[0]), keypoints_px=keypoints_px + 2000)
    assert "keypoints outside" in causes(outside)


def test_images_mirrored_and_frames_repeated(clips: list[Clip]) -> None:
    width = present(clips[0].cameras[0].width)
    keypoints_px = present(clips[0].keypoints_px) * np.array([-1, 1], np.float32)
    mirrored = replace(clips[0], keypoints_px=keypoints_px + np.array([width - 1, 0], np.float32))
    assert causes(mirrored) == {"image axes"}
    twice = np.repeat(present(clips[0].pose_world_m), 2, axis=0)
    repeated = replace(clips[0], pose_world_m=twice, keypoints_px=None, keypoint_score=None)
    assert causes(repeated) == {"frozen frames"}


def test_most_keypoints_missing(clips: list[Clip]) -> None:
    score = np.zeros_like(present(clips[0].keypoint_score))
    score[:, :, :4] = 1
    assert causes(replace(without_3d(clips[0]), keypoint_score=score)) == {"keypoints missing"}


def test_photos_and_single_frames_are_taken_as_they_are(clips: list[Clip]) -> None:
    photo = replace(
        clips[0],
        cameras=clips[0].cameras[:1],
        pose_world_m=None,
        keypoints_px=present(clips[0].keypoints_px)[:1, :1],
        keypoint_score=present(clips[0].keypoint_score)[:1, :1],
    )
    unknown = replace(photo, keypoint_score=np.zeros_like(present(photo.keypoint_score)))
    assert causes(photo) == set()
    assert causes(unknown) == {"keypoints missing"}
    assert causes(replace(photo, pose_world_m=present(clips[0].pose_world_m)[:1])) == set()
