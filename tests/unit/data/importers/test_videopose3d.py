"""VideoPose3D's layout: cameras, joint sets, splits and disagreements between its files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.clip_files import (
    H36M_SYMMETRY,
    POSITIONS_M,
    assert_same_clip,
    camera_records,
    people,
    pixels,
    write_videopose3d,
)
from tests.present import present

from monopose.data.clip import Clip, validate
from monopose.data.importers.source import ImportOptions
from monopose.data.importers.videopose3d import plan, videopose3d_clips
from monopose.errors import InputError
from monopose.geometry.camera import camera_to_world, project, world_to_camera

CMU17 = Path(__file__).parents[4].parent / "shared" / "data" / "cmu17"
COCO_SYMMETRY = [[1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]]


def _read(folder: Path, **options: Any) -> list[Clip]:
    return [validate(clip) for clip in videopose3d_clips([folder], **options)]


def test_values_names_and_cameras(tmp_path: Path) -> None:
    poses = people(("S1", "S2"))
    clips = {clip.clip_id: clip for clip in _read(write_videopose3d(tmp_path, poses))}
    assert sorted(clips) == [
        "tiny/S1/Sitting",
        "tiny/S1/Walking 1",
        "tiny/S2/Sitting",
        "tiny/S2/Walking 1",
    ]
    clip = clips["tiny/S2/Walking 1"]
    pose = poses["S2"]["Walking 1"]
    np.testing.assert_array_equal(present(clip.pose_world_m), pose)
    np.testing.assert_array_equal(present(clip.keypoints_px), np.stack(pixels(pose)))
    assert (present(clip.keypoint_score) == 1).all()
    assert (clip.dataset, clip.subject, clip.action) == ("tiny", "S2", "Walking 1")
    assert (clip.split, clip.fps, clip.joint_set) == ("train", 50.0, "h36m17")
    assert [camera.camera_id for camera in clip.cameras] == ["c0", "c1"]
    assert (clip.cameras[0].width, clip.cameras[0].height) == (1000, 800)
    for camera, seen, position in zip(clip.cameras, pixels(pose), POSITIONS_M, strict=True):
        np.testing.assert_allclose(project(world_to_camera(pose, camera), camera), seen, atol=1e-3)
        np.testing.assert_allclose(camera_to_world(np.zeros(3), camera), position, atol=1e-12)


def test_millimetre_translations_are_metres(tmp_path: Path) -> None:
    records = camera_records()
    for record in records:
        record["translation"] = [1000 * value for value in record["translation"]]
    clip = _read(write_videopose3d(tmp_path, people(("S1",)), cameras={"S1": records}))[0]
    np.testing.assert_allclose(camera_to_world(np.zeros(3), clip.cameras[1]), [5, 0, 1])


def test_the_tangential_pair_is_swapped_into_opencvs_order(tmp_path: Path) -> None:
    radial, tangential = [-0.2, 0.24, -0.002], [-0.0016, -0.0027]
    lens = {"radial_distortion": radial, "tangential_distortion": tangential}
    cameras = {"S1": camera_records(**lens)}
    clip = _read(write_videopose3d(tmp_path, people(("S1",)), cameras=cameras))[0]
    camera = clip.cameras[0]
    assert camera.distortion == (-0.2, 0.24, -0.0027, -0.0016, -0.002)
    for x, y in np.random.default_rng(0).uniform(-0.3, 0.3, (50, 2)):
        # VideoPose3D's project_to_2d, term by term.
        r2 = x * x + y * y
        along = tangential[0] * x + tangential[1] * y
        scale = 1 + radial[0] * r2 + radial[1] * r2**2 + radial[2] * r2**3 + along
        theirs = np.array([x * scale + tangential[0] * r2, y * scale + tangential[1] * r2])
        ours = project(np.array([x, y, 1.0]), camera)
        difference = ours - (theirs * 1000 + [500, 400])
        # The two formulas differ by x (t . x) and by nothing else.
        np.testing.assert_allclose(difference, 1000 * along * np.array([x, y]), atol=1e-9)


def test_32_joints_become_17_in_the_published_order(tmp_path: Path) -> None:
    poses = people(("S1",), joints=32)
    keypoints = {"S1": {a: pixels(p[:, :17]) for a, p in poses["S1"].items()}}
    clip = _read(write_videopose3d(tmp_path, poses, keypoints=keypoints))[0]
    # VideoPose3D removes joints 4, 5, 9, 10, 11, 16, 20-24, 28-31.
    kept = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
    np.testing.assert_array_equal(present(clip.pose_world_m), poses["S1"]["Walking 1"][:, kept])


@pytest.mark.parametrize(
    "metadata",
    [
        {"num_joints": 17, "keypoints_symmetry": COCO_SYMMETRY},
        {"num_joints": 17, "layout_name": "coco"},
    ],
)
def test_coco_detections_are_converted_by_name(tmp_path: Path, metadata: dict[str, Any]) -> None:
    values = np.arange(6 * 17 * 2, dtype=np.float32).reshape(6, 17, 2) + 1
    score = np.linspace(0.1, 0.9, 6 * 17, dtype=np.float32).reshape(6, 17, 1)
    view = np.concatenate([values, score], axis=-1)
    keypoints = {"S1": {"Walking 1": [view, view], "Sitting": [view, view]}}
    folder = write_videopose3d(
        tmp_path, people(("S1",)), keypoints=keypoints, metadata=metadata, detections="coco"
    )
    clip = _read(folder)[0]
    # COCO: 11 and 12 are the hips (left first), 5 the left shoulder, 16 the right ankle.
    np.testing.assert_array_equal(present(clip.keypoints_px)[0, :, 11], values[:, 5])
    np.testing.assert_array_equal(present(clip.keypoints_px)[1, :, 3], values[:, 16])
    np.testing.assert_allclose(
        present(clip.keypoints_px)[0, :, 0], (values[:, 11] + values[:, 12]) / 2
    )
    np.testing.assert_array_equal(present(clip.keypoint_score)[0, :, 0], score[:, 11, 0])
    # Spine, thorax and the top of the head have no counterpart in COCO.
    for joint in (7, 8, 10):
        assert not present(clip.keypoint_score)[:, :, joint].any()
        assert not present(clip.keypoints_px)[:, :, joint].any()


def test_scores_are_clipped_and_missing_keypoints_are_zero(tmp_path: Path) -> None:
    view = np.full((6, 17, 3), 7, np.float32)
    view[0, 0], view[1, 1, 2], view[2, 2, 2] = np.nan, -0.5, 0.25
    keypoints = {"S1": {"Walking 1": [view, view], "Sitting": [view, view]}}
    clip = _read(write_videopose3d(tmp_path, people(("S1",)), keypoints=keypoints))[0]
    assert present(clip.keypoint_score)[0, 3, 3] == 1
    assert present(clip.keypoint_score)[0, 0, 0] == present(clip.keypoint_score)[0, 1, 1] == 0
    assert present(clip.keypoint_score)[0, 2, 2] == 0.25
    np.testing.assert_array_equal(present(clip.keypoints_px)[0, 0, 0], [0, 0])
    np.testing.assert_array_equal(present(clip.keypoints_px)[0, 1, 1], [0, 0])
    np.testing.assert_array_equal(present(clip.keypoints_px)[0, 2, 2], [7, 7])


def test_longer_detections_are_truncated_and_unknown_takes_left_out(tmp_path: Path) -> None:
    poses = people(("S1",), frames=9)
    keypoints = {"S1": {a: pixels(p) for a, p in poses["S1"].items()}}
    keypoints["S1"]["Directions"] = keypoints["S1"]["Sitting"]
    short = {"S1": {action: pose[:4] for action, pose in poses["S1"].items()}}
    clips = _read(write_videopose3d(tmp_path, short, keypoints=keypoints))
    assert [clip.num_frames for clip in clips] == [4, 4]


def test_the_frame_rate_comes_from_the_metadata(tmp_path: Path) -> None:
    metadata = {"num_joints": 17, "keypoints_symmetry": H36M_SYMMETRY, "fps": 60}
    folder = write_videopose3d(tmp_path, people(("S1",)), metadata=metadata)
    assert {clip.fps for clip in _read(folder)} == {60.0}


def test_another_joint_set_can_be_asked_for(tmp_path: Path) -> None:
    poses = people(("S1",))
    folder = write_videopose3d(tmp_path, poses)
    clip = _read(folder, joint_set="h36m16")[0]
    without_nose = np.delete(poses["S1"]["Walking 1"], 9, axis=1)
    np.testing.assert_array_equal(present(clip.pose_world_m), without_nose)
    with pytest.raises(InputError, match=r"3D of h36m17 has no nose, left_eye.* for coco17"):
        _read(folder, joint_set="coco17")


def test_human36m_keeps_its_test_subjects(tmp_path: Path) -> None:
    folder = write_videopose3d(tmp_path, people(("S1", "S9", "S11")), name="h36m")
    splits = {clip.subject: clip.split for clip in _read(folder)}
    assert splits == {"S1": "train", "S9": "test", "S11": "test"}


def test_other_subjects_called_s9_train(tmp_path: Path) -> None:
    folder = write_videopose3d(tmp_path, people(("S9", "S40")))
    assert {clip.split for clip in _read(folder)} == {"train"}


def test_splits_come_from_the_table(tmp_path: Path) -> None:
    folder = write_videopose3d(tmp_path, people(("S9",)))
    table = folder / "clips.csv"
    table.write_text('subject,action,note,split\nS9,Walking 1,"a, b",val\nS9,Sitting,,train\n')
    assert {clip.action: clip.split for clip in _read(folder)} == {
        "Walking 1": "val",
        "Sitting": "train",
    }
    table.write_text("subject,action,split\nS9,Walking 1,val\n")
    with pytest.raises(InputError, match=r"clips\.csv: has no row for S9/Sitting; add it"):
        _read(folder)
    table.write_text("subject,action\nS9,Walking 1\n")
    with pytest.raises(InputError, match=r"clips\.csv: has no column 'split'"):
        _read(folder)


def test_detections_are_chosen_by_name(tmp_path: Path) -> None:
    poses = people(("S1",))
    write_videopose3d(tmp_path, poses, detections="gt")
    assert plan([tmp_path], ImportOptions()).detections == "gt"
    write_videopose3d(tmp_path, poses, detections="cpn_ft_h36m_dbb")
    asked = ImportOptions(detections="cpn_ft_h36m_dbb")
    assert plan([tmp_path], asked).detections == "cpn_ft_h36m_dbb"
    with pytest.raises(
        InputError, match=r"several files.*choose with --detections one of cpn_ft_h36m_dbb, gt"
    ):
        plan([tmp_path], ImportOptions())
    with pytest.raises(
        InputError,
        match=r"no detections 'det'.*choose with --detections one of cpn_ft_h36m_dbb, gt",
    ):
        _read(tmp_path, detections="det")


def test_the_files_may_be_named_one_by_one(tmp_path: Path) -> None:
    folder = write_videopose3d(tmp_path, people(("S1",)))
    assert len(list(videopose3d_clips(sorted(folder.iterdir())))) == 2


def test_one_list_of_cameras_serves_all_and_humaneva_prefixes_are_known(tmp_path: Path) -> None:
    poses = people(("Train/S1", "Validate/S1"))
    for cameras in (camera_records(), {"S1": camera_records()}):
        assert len(_read(write_videopose3d(tmp_path, poses, cameras=cameras))) == 4


def test_intrinsics_and_extrinsics_may_lie_apart(tmp_path: Path) -> None:
    lens = ("id", "focal_length", "center", "radial_distortion", "res_w", "res_h")
    place = ("orientation", "translation")
    records = camera_records()
    apart = {
        "intrinsics": [{key: record[key] for key in lens} for record in records],
        "extrinsics": {"S1": [{key: record[key] for key in place} for record in records]},
    }
    whole = _read(write_videopose3d(tmp_path / "whole", people(("S1",))))
    split = _read(write_videopose3d(tmp_path / "apart", people(("S1",)), cameras=apart))
    for one, other in zip(whole, split, strict=True):
        assert_same_clip(one, other)


def test_each_subject_is_a_part(tmp_path: Path) -> None:
    found = plan([write_videopose3d(tmp_path, people(("S1", "S2", "S3")))], ImportOptions())
    ids = [[clip.clip_id.split("/")[1] for clip in part()] for part in found.parts]
    assert ids == [["S1", "S1"], ["S2", "S2"], ["S3", "S3"]]
    assert found.notes == ("50 Hz assumed: data_2d_tiny_gt.npz does not tell",)


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    folder = write_videopose3d(tmp_path, people(("S1",), frames=6))
    assert {clip.num_frames for clip in _read(folder)} == {6}
    write_videopose3d(tmp_path, people(("S1",), frames=5))
    assert {clip.num_frames for clip in _read(folder)} == {5}


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("data_3d_tiny.npz", r"needs exactly one data_3d_\*\.npz, found none"),
        ("data_2d_tiny_gt.npz", "there is no data_2d_tiny_<detections>.npz"),
        ("cameras_tiny.json", r"needs exactly one cameras_\*\.json, found none"),
    ],
)
def test_a_missing_file_is_named(tmp_path: Path, missing: str, message: str) -> None:
    folder = write_videopose3d(tmp_path, people(("S1",)))
    (folder / missing).unlink()
    with pytest.raises(InputError, match=message):
        _read(folder)


@pytest.mark.real_data
@pytest.mark.skipif(not CMU17.exists(), reason="the shared real motion is not on this machine")
def test_real_motion_projects_to_its_published_pixels() -> None:
    clips = _read(CMU17, detections="gt")
    assert len(clips) == 56
    assert sum(clip.split == "train" for clip in clips) == 41
    assert sum(clip.split == "val" for clip in clips) == 15
    for clip in clips:
        for view, camera in enumerate(clip.cameras):
            seen = project(
                world_to_camera(present(clip.pose_world_m).astype(np.float64), camera), camera
            )
            np.testing.assert_allclose(seen, present(clip.keypoints_px)[view], atol=1e-2)


@pytest.mark.real_data
@pytest.mark.skipif(not CMU17.exists(), reason="the shared real motion is not on this machine")
def test_real_detections_have_their_published_error() -> None:
    truth = {clip.clip_id: clip for clip in _read(CMU17, detections="gt")}
    errors = [
        np.linalg.norm(
            present(clip.keypoints_px) - present(truth[clip.clip_id].keypoints_px), axis=-1
        ).ravel()
        for clip in _read(CMU17, detections="det")
    ]
    # The data's own notes give a mean error of 4.3 px.
    assert np.concatenate(errors).mean() == pytest.approx(4.3, abs=0.05)
