from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.present import present

from monopose.data.clip import Clip, validate
from monopose.errors import InputError
from monopose.geometry.camera import Camera

# Looking along world +Y from three metres before the origin: x right = X, y down = -Z, z = Y.
FRONT = Camera(
    "front",
    rotation=np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
    translation_m=np.array([0, 0, 3.0]),
    fx=1000.0,
    fy=1000.0,
    cx=500.0,
    cy=500.0,
    width=1000,
    height=1000,
)


def make_clip(**changes: Any) -> Clip:
    values: dict[str, Any] = {
        "clip_id": "walk",
        "dataset": "handmade",
        "subject": "S1",
        "action": "walk",
        "split": "val",
        "fps": 50.0,
        "joint_set": "h36m17",
        "cameras": (FRONT, replace(FRONT, camera_id="second")),
        "pose_world_m": np.ones((4, 17, 3), np.float32),
        "keypoints_px": np.ones((2, 4, 17, 2), np.float32),
        "keypoint_score": np.ones((2, 4, 17), np.float32),
    }
    return Clip(**(values | changes))


def with_value(array: np.ndarray, index: tuple[int, ...], value: float) -> np.ndarray:
    changed = array.copy()
    changed[index] = value
    return changed


def test_a_clip_that_keeps_the_contract_comes_back_itself() -> None:
    clip = make_clip()
    assert validate(clip) is clip
    assert (clip.num_views, clip.num_frames) == (2, 4)


def test_what_a_clip_holds_is_derived() -> None:
    clip = make_clip()
    assert (clip.has_3d, clip.has_2d, clip.multiview, clip.has_images) == (True, True, True, False)
    photo = make_clip(
        cameras=(FRONT,),
        pose_world_m=None,
        keypoints_px=None,
        keypoint_score=None,
        image=((b"jpeg",),),
    )
    assert (photo.has_3d, photo.has_2d, photo.multiview, photo.has_images) == (
        False,
        False,
        False,
        True,
    )
    assert validate(photo).num_frames == 1


def test_poses_are_brought_into_each_cameras_frame() -> None:
    pose_world_m = np.zeros((4, 17, 3), np.float32)
    pose_world_m[..., :] = [1, 2, 5]
    poses_m = present(make_clip(pose_world_m=pose_world_m).camera_poses_m())
    assert poses_m.shape == (2, 4, 17, 3)
    assert poses_m.dtype == np.float32
    np.testing.assert_allclose(poses_m[1, 3, 16], [1, -5, 2 + 3])


def test_given_camera_poses_are_preferred_and_none_are_invented() -> None:
    pose_camera_m = np.full((2, 4, 17, 3), 7, np.float32)
    assert make_clip(pose_camera_m=pose_camera_m).camera_poses_m() is pose_camera_m
    assert make_clip(cameras=(FRONT, Camera("blind"))).camera_poses_m() is None
    assert make_clip(pose_world_m=None).camera_poses_m() is None


GOOD = make_clip()
MAPS = np.zeros((2, 4, 17, 8, 8), np.uint8)
SQUARE = np.full((2, 4, 4), 9, np.float32)


def test_heatmaps_may_cover_square_boxes_of_which_some_are_of_nobody() -> None:
    clip = make_clip(heatmaps=MAPS, crop_box_px=with_value(SQUARE, (0, 1), 0))
    assert validate(clip).has_heatmaps
    assert not GOOD.has_heatmaps


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split": ""}, r"clip_id, dataset, subject and split must not be empty"),
        ({"action": "two\nlines"}, r"action or split is no text on one line"),
        ({"subject": "\udcff"}, r"subject, action or split is no text on one line"),
        ({"cameras": (FRONT, Camera("a\nb"))}, r"camera_id 'a\\nb' is no text on one line"),
        ({"fps": 0.0}, r"fps is 0.0, not a positive number"),
        ({"fps": float("nan")}, r"fps is nan"),
        ({"start_frame": -1}, r"start_frame is -1, below zero"),
        ({"cameras": ()}, r"cameras is empty; a clip has at least one view"),
        ({"joint_set": "h36m"}, r"unknown joint set 'h36m'; choose one of"),
        (
            {"joint_set": "h36m16"},
            r"pose_world_m has shape \(4, 17, 3\), expected \(4, 16, 3\) for h36m16",
        ),
        (
            {
                "pose_world_m": np.ones((0, 17, 3), np.float32),
                "keypoints_px": None,
                "keypoint_score": None,
            },
            r"the clip has no frames",
        ),
        (
            {"keypoints_px": with_value(present(GOOD.keypoints_px), (1, 2, 3, 0), np.nan)},
            r"keypoints_px holds NaN or infinity, first at index \(1, 2, 3, 0\)",
        ),
        (
            {"keypoint_score": with_value(present(GOOD.keypoint_score), (0, 0, 0), 1.5)},
            r"keypoint_score spans 1..1.5, outside 0..1",
        ),
        ({"keypoints_px": None}, r"keypoint_score is given without keypoints_px"),
        ({"image": ((b"",) * 4,)}, r"image must hold 2 views of 4 frames"),
        ({"heatmaps": MAPS}, r"heatmaps are given without crop_box_px"),
        (
            {
                "heatmaps": MAPS[:, :, :16],
                "crop_box_px": SQUARE,
                "pose_world_m": None,
                "keypoints_px": None,
                "keypoint_score": None,
            },
            r"heatmaps have shape \(2, 4, 16, 8, 8\), expected \(2, 4, 17, h, h\), h36m17",
        ),
        (
            {"heatmaps": MAPS, "crop_box_px": with_value(SQUARE, (1, 2, 3), 9.5)},
            r"heatmaps cover boxes \(crop_box_px\) that are not square",
        ),
        (
            {"cameras": (FRONT, replace(FRONT, rotation=2 * np.eye(3)))},
            r"camera 'front': rotation is not a rotation matrix",
        ),
        (
            {"cameras": (FRONT, replace(FRONT, rotation=np.diag([1.0, 1, -1])))},
            r"camera 'front': rotation is not a rotation matrix",
        ),
        (
            {"cameras": (FRONT, replace(FRONT, camera_id="flat", fy=0.0))},
            r"camera 'flat': fy is 0.0, not positive",
        ),
        (
            {"cameras": (FRONT, replace(FRONT, cx=float("nan")))},
            r"camera 'front': translation or lens holds NaN or infinity",
        ),
        (
            {"cameras": (FRONT, replace(FRONT, translation_m=np.array([0, np.inf, 0])))},
            r"camera 'front': translation or lens holds NaN or infinity",
        ),
    ],
)
def test_a_broken_clip_is_refused_by_field(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        validate(make_clip(**changes))


def test_the_message_names_the_clip() -> None:
    with pytest.raises(InputError, match=r"^clip 'walk': fps is -1.0"):
        validate(make_clip(fps=-1.0))


def test_a_clip_with_nothing_per_frame_says_so() -> None:
    empty = make_clip(pose_world_m=None, keypoints_px=None, keypoint_score=None)
    with pytest.raises(InputError, match="walk: clip holds no poses, keypoints or images"):
        validate(empty)
