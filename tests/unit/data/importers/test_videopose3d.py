"""VideoPose3D's layout: cameras, joint sets, splits and disagreements between its files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.clip_files import (
    H36M_SYMMETRY,
    POSITIONS_M,
    camera_records,
    people,
    pixels,
    write_npz,
    write_videopose3d,
)
from tests.present import present

from monopose.data.clip import Clip, validate
from monopose.data.importers.videopose3d import choose_detections, videopose3d_clips
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
    assert choose_detections([tmp_path]) == "gt"
    write_videopose3d(tmp_path, poses, detections="cpn_ft_h36m_dbb")
    assert choose_detections([tmp_path], "cpn_ft_h36m_dbb") == "cpn_ft_h36m_dbb"
    with pytest.raises(InputError, match=r"several files.*choose one of cpn_ft_h36m_dbb, gt"):
        choose_detections([tmp_path])
    with pytest.raises(InputError, match=r"no detections 'det'.*choose one of cpn_ft_h36m_dbb, gt"):
        _read(tmp_path, detections="det")


def test_the_files_may_be_named_one_by_one(tmp_path: Path) -> None:
    folder = write_videopose3d(tmp_path, people(("S1",)))
    assert len(list(videopose3d_clips(sorted(folder.iterdir())))) == 2


def test_one_list_of_cameras_serves_all_and_humaneva_prefixes_are_known(tmp_path: Path) -> None:
    poses = people(("Train/S1", "Validate/S1"))
    for cameras in (camera_records(), {"S1": camera_records()}):
        assert len(_read(write_videopose3d(tmp_path, poses, cameras=cameras))) == 4


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "3D of 21 joints": (
        {"poses": {"S1": {"a": np.zeros((2, 21, 3), np.float32)}}, "keypoints": {}},
        r"data_3d_tiny\.npz S1/a: 3D of 21 joints is not known",
    ),
    "flat 3D": (
        {"poses": {"S1": {"a": np.zeros((2, 51), np.float32)}}, "keypoints": {}},
        r"data_3d_tiny\.npz S1/a: holds ndarray of shape \(2, 51\), not frames x joints x 3",
    ),
    "no subjects": ({"poses": [1, 2], "keypoints": {}, "cameras": []}, "has no positions_3d"),
    "no 2D of a take": (
        {"keypoints": {"S1": {}}},
        r"data_2d_tiny_gt\.npz S1/Walking 1: has no 2D for this take",
    ),
    "one view too few": (
        {"keypoints": {"S1": {"Walking 1": [np.zeros((6, 17, 2))]}}},
        "has 2D of 1 views, but there are 2 cameras",
    ),
    "2D too short": (
        {"keypoints": {"S1": {"Walking 1": [np.zeros((5, 17, 2))] * 2}}},
        "view 0 has 5 frames of 2D for 6 frames of 3D",
    ),
    "2D of other joints": (
        {"keypoints": {"S1": {"Walking 1": [np.zeros((6, 16, 2))] * 2}}},
        "view 0 has 16 joints, h36m17 has 17",
    ),
    "unknown layout": (
        {"metadata": {"num_joints": 25, "layout_name": "body25"}},
        r"gt\.npz: cannot tell the joints from layout 'body25', 25 joints.*known layouts: h36m17",
    ),
    "a strange frame rate": (
        {"metadata": {"num_joints": 17, "keypoints_symmetry": H36M_SYMMETRY, "fps": "fast"}},
        "fps is 'fast', not a number between 0 and 10000",
    ),
    "views that are a number": (
        {"keypoints": {"S1": {"Walking 1": np.zeros(())}}},
        "has 2D of 0 views, but there are 2 cameras",
    ),
    "subjects by number": ({"poses": {1: {}}, "keypoints": {}}, "has no positions_3d of the form"),
    "no cameras of a subject": (
        {"cameras": {"S2": camera_records()}},
        r"cameras_tiny\.json S1: has no cameras for this subject; add them",
    ),
    "a camera without a place": (
        {"cameras": {"S1": [{"id": "c0", "orientation": [1, 0, 0, 0]}] * 2}},
        r"cameras_tiny\.json S1: a camera lacks a part.*'translation'.*needs id, orientation",
    ),
    "a zero quaternion": (
        {"cameras": {"S1": camera_records(orientation=[0, 0, 0, 0])}},
        "a camera lacks a part or has a wrong one",
    ),
    "normalised intrinsics": (
        {"cameras": {"S1": camera_records(focal_length=[2.29, 2.28])}},
        r"camera 0: focal length \[2\.29, 2\.28\] is not in pixels",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_files_that_disagree_are_refused(tmp_path: Path, name: str) -> None:
    parts, message = WRONG[name]
    arguments = {"poses": people(("S1",)), **parts}
    poses = arguments.pop("poses")
    folder = write_videopose3d(tmp_path, {}, **arguments)
    if "cameras" not in parts:
        (folder / "cameras_tiny.json").write_text(json.dumps({"S1": camera_records()}))
    write_npz(folder / "data_3d_tiny.npz", positions_3d=poses)
    with pytest.raises(InputError, match=message):
        _read(folder)


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
