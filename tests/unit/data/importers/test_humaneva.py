"""HumanEva's quirks: parts, chunks, unlabelled 2D, and cameras without a lens or a place."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.clip_files import write_npz
from tests.present import present
from tests.sources import humaneva as source

from monopose.data.clip import Clip, validate
from monopose.data.importers.catalog import plan_import
from monopose.data.importers.source import ImportOptions, ImportPlan
from monopose.errors import InputError


def _plan(folder: Path) -> ImportPlan:
    return plan_import("humaneva", [folder], ImportOptions())


def _clips(folder: Path) -> dict[str, Clip]:
    return {clip.clip_id: validate(clip) for clip in _plan(folder).clips()}


def test_parts_are_splits_and_keep_takes_of_one_name_apart(tmp_path: Path) -> None:
    clips = _clips(source.write_gt(tmp_path))
    assert {name: clip.split for name, clip in clips.items()} == {
        "humaneva15/S1/Walking 1 chunk0 train": "train",
        "humaneva15/S1/Walking 1 chunk2 train": "train",
        "humaneva15/S1/Walking 1 chunk0 validate": "test",
        "humaneva15/S1/Jog 1 chunk0 validate": "test",
        "humaneva15/S2/Box 1 chunk0 validate": "test",
    }
    clip = clips["humaneva15/S1/Walking 1 chunk0 validate"]
    assert (clip.joint_set, clip.fps, clip.num_views) == ("humaneva15", 60.0, 3)
    assert [(c.camera_id, c.width, c.height) for c in clip.cameras] == [
        ("C1", 640, 480), ("C2", 640, 480), ("C3", 640, 480),
    ]  # fmt: skip
    pose = source.poses()["Validate/S1"]["Walking 1 chunk0"]
    np.testing.assert_array_equal(present(clip.pose_world_m), pose)


def test_2d_without_3d_becomes_unlabelled_clips(tmp_path: Path) -> None:
    clips = _clips(source.write_coco(tmp_path))
    unlabelled = {name: clip for name, clip in clips.items() if clip.split == "unlabeled"}
    assert {name: (clip.num_views, clip.num_frames) for name, clip in unlabelled.items()} == {
        "humaneva15/S1/Walking 1 chunk1 unlabeled train": (3, 2),
        "humaneva15/S1/Box 2 unlabeled": (3, 3),
        "humaneva15/S4/Walking 1 unlabeled": (3, 6),
        "humaneva15/S4/Jog 2 unlabeled": (2, 3),
    }
    assert not any(clip.has_3d for clip in unlabelled.values())
    assert "4 takes have no 3D: they become clips of 2D alone" in _plan(tmp_path).notes
    jog = unlabelled["humaneva15/S4/Jog 2 unlabeled"]
    assert [camera.camera_id for camera in jog.cameras] == ["C1", "C3"]
    # COCO's joint 9, the left wrist, is joint 4 of HumanEva's.
    wrist = source.detections(4, 300.0)[:3, 9]
    np.testing.assert_array_equal(present(jog.keypoints_px)[1, :, 4], wrist)
    labelled = clips["humaneva15/S1/Walking 1 chunk0 train"]
    assert labelled.has_3d


def test_cameras_as_videopose3d_has_them_lack_the_lens(tmp_path: Path) -> None:
    folder = source.write_coco(tmp_path)
    clips = _clips(folder)
    assert all(camera.fx is None for clip in clips.values() for camera in clip.cameras)
    assert "the cameras have no focal lengths" in _plan(folder).notes
    labelled = clips["humaneva15/S2/Box 1 chunk0 validate"]
    assert all(camera.has_extrinsics for camera in labelled.cameras)
    unlabelled = clips["humaneva15/S4/Walking 1 unlabeled"]
    assert not any(camera.has_extrinsics for camera in unlabelled.cameras)


def test_3d_needs_cameras_with_a_place(tmp_path: Path) -> None:
    folder = source.write_gt(tmp_path)
    (folder / "cameras_humaneva15.json").write_text(json.dumps({"S1": source.records()}))
    with pytest.raises(InputError, match=r"json Validate/S2: camera C1 has no place in the world"):
        _clips(folder)


def test_other_parts_are_refused(tmp_path: Path) -> None:
    folder = source.write_gt(tmp_path)
    world = {"Test/S1": source.poses()["Train/S1"]}
    write_npz(folder / "data_3d_humaneva15.npz", positions_3d=world)
    with pytest.raises(InputError, match=r"3d_humaneva15\.npz: subject 'Test/S1' is not of Train"):
        _clips(folder)
