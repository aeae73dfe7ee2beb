"""Human3.6M's quirks: names, views by id, the corrupt take, and the joints of each 2D source."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.present import present
from tests.sources import h36m as source
from tests.sources.videopose3d import projected

from monopose.data.clip import Clip, validate
from monopose.data.importers.catalog import plan_import
from monopose.data.importers.source import ImportOptions, ImportPlan
from monopose.errors import InputError


def _plan(folder: Path, **options: Any) -> ImportPlan:
    return plan_import("h36m", [folder], ImportOptions(**options))


def _clips(folder: Path, **options: Any) -> dict[str, Clip]:
    return {clip.clip_id: validate(clip) for clip in _plan(folder, **options).clips()}


def test_takes_splits_and_joints(tmp_path: Path) -> None:
    clips = _clips(source.write_h36m(tmp_path))
    assert {name: clip.split for name, clip in clips.items()} == {
        "h36m/S1/Directions": "train",
        "h36m/S1/Photo 1": "train",
        "h36m/S9/WalkDog": "test",
        "h36m/S11/Directions 1": "test",
    }
    clip = clips["h36m/S9/WalkDog"]
    assert (clip.joint_set, clip.fps, clip.subject) == ("h36m17", 50.0, "S9")
    pose = source.poses(source.TAKES)["S9"]["WalkDog"]
    np.testing.assert_array_equal(present(clip.pose_world_m), pose[:, source.KEPT])


def test_image_sizes_go_by_the_cameras_id(tmp_path: Path) -> None:
    clip = next(iter(_clips(source.write_h36m(tmp_path)).values()))
    assert {camera.camera_id: (camera.width, camera.height) for camera in clip.cameras} == {
        "54138969": (1000, 1002),
        "55011271": (1000, 1000),
        "58860488": (1000, 1000),
        "60457274": (1000, 1002),
    }


def test_views_follow_the_published_order_of_ids(tmp_path: Path) -> None:
    folder = source.write_h36m(tmp_path, cameras=list(reversed(source.records())))
    clip = next(iter(_clips(folder).values()))
    assert [camera.camera_id for camera in clip.cameras] == list(source.IDS)


def test_the_camera_file_may_lie_apart(tmp_path: Path) -> None:
    folder = source.write_h36m(tmp_path / "data")
    calibration = tmp_path / "calibration.json"
    (folder / "cameras_h36m.json").rename(calibration)
    with pytest.raises(InputError, match=r"cameras_\*\.json, found none; .*--cameras"):
        _plan(folder)
    assert len(_clips(folder, cameras=calibration)) == 4
    calibration.write_text(json.dumps({"S1": source.records()}))
    with pytest.raises(InputError, match=r"calibration\.json S9: has no cameras for this subject"):
        _clips(folder, cameras=calibration)
    calibration.write_text(json.dumps(source.records()[:3]))
    with pytest.raises(
        InputError, match=r"has cameras '54138969, 55011271, 58860488', not 54138969"
    ):
        _clips(folder, cameras=calibration)


def test_the_data_sets_own_spelling_is_mapped_and_the_corrupt_take_dropped(tmp_path: Path) -> None:
    folder = source.write_own_spelling(tmp_path)
    assert sorted(_clips(folder)) == [
        "h36m/S1/Photo",
        "h36m/S1/WalkDog 1",
        "h36m/S11/Directions 1",
    ]
    assert "S11/Directions left out: its video is corrupt" in _plan(folder).notes


def test_the_same_take_in_two_spellings_is_refused(tmp_path: Path) -> None:
    folder = source.write_h36m(tmp_path, takes={"S1": ("Photo", "TakingPhoto")})
    with pytest.raises(InputError, match=r"data_3d_h36m\.npz: two takes of S1 have the same name"):
        _clips(folder)


@pytest.mark.parametrize(
    ("detections", "metadata", "view", "missing"),
    [
        ("gt", source.GT, source.plain, []),
        ("cpn_ft_h36m_dbb", source.H36M, source.longer, []),
        ("detectron_ft_h36m", source.H36M, source.with_confidence, []),
        ("sh_pt_mpii", source.HOURGLASS, source.mpii, ["spine"]),
        ("sh_ft_h36m", source.HOURGLASS, source.mpii, ["spine"]),
    ],
)
@pytest.mark.parametrize("kept", ["all", "layout", "none"])
def test_each_2d_source_is_known_by_symmetry_layout_or_name(
    tmp_path: Path, detections: str, metadata: dict[str, Any], view: Any, missing: list[str],
    kept: str,
) -> None:  # fmt: skip
    layout = {"layout_name": "mpii" if metadata is source.HOURGLASS else "h36m"}
    left = {
        "all": metadata,
        "layout": {**layout, "num_joints": metadata["num_joints"]},
        "none": {"fps": 50},
    }
    clips = _clips(source.write_h36m(tmp_path, detections, left[kept], view))
    clip = clips["h36m/S1/Photo 1"]
    pose = source.poses(source.TAKES)["S1"]["Photo 1"][:, source.KEPT]
    seen = np.stack([projected(pose, camera) for camera in source.records()])
    # Wrists, elbows, knees, ankles and the mid-hips mean the same in every source.
    for joint in (0, 2, 3, 5, 6, 12, 13, 15, 16):
        np.testing.assert_array_equal(present(clip.keypoints_px)[:, :, joint], seen[:, :, joint])
    score = present(clip.keypoint_score)
    assert (score[:, :, 7] == 0).all() == ("spine" in missing)
    assert (score[:, :, [0, 3, 13, 16]] > 0).all()


def test_coco_keeps_left_and_right_and_says_what_it_lacks(tmp_path: Path) -> None:
    folder = source.write_h36m(tmp_path, "detectron_pt_coco", source.COCO, source.coco)
    clip = _clips(folder)["h36m/S1/Photo 1"]
    pose = source.poses(source.TAKES)["S1"]["Photo 1"][:, source.KEPT]
    seen = np.stack([projected(pose, camera) for camera in source.records()])
    assert clip.num_frames == len(pose)
    for joint in (1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16):
        np.testing.assert_array_equal(present(clip.keypoints_px)[:, :, joint], seen[:, :, joint])
    (lost,) = [note for note in _plan(folder).notes if "score 0" in note]
    assert "2D of coco17" in lost
    assert "spine" in lost


def test_a_source_of_another_name_without_metadata_is_refused(tmp_path: Path) -> None:
    folder = source.write_h36m(tmp_path, "mine", {"fps": 50})
    with pytest.raises(InputError, match=r"mine\.npz: cannot tell the joints from layout None"):
        _plan(folder)
