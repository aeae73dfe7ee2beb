"""MPI-INF-3DHP's training set: frames of reference, cameras, rates, frames left out, images."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.io import savemat
from tests.present import present
from tests.sources.mpi_inf_3dhp import (
    CAMERAS,
    UNIVERSAL,
    annotations,
    body_mm,
    calibration,
    extrinsic_mm,
    in_camera_mm,
    write_sequence,
    write_with_videos,
)

from monopose.data.clip import Clip, validate
from monopose.data.images.encoded import decode
from monopose.data.importers import mpi_inf_3dhp
from monopose.data.importers.source import ImportOptions
from monopose.errors import InputError
from monopose.geometry.camera import camera_to_world
from monopose.skeleton import joint_set


def _read(folder: Path, **options: Any) -> list[Clip]:
    plan = mpi_inf_3dhp.plan([folder], ImportOptions(**options))
    return [validate(clip) for clip in plan.clips()]


def test_values_names_and_cameras(tmp_path: Path) -> None:
    write_sequence(tmp_path, "S1/Seq1")
    (clip,) = _read(tmp_path)
    # Y up, Z forward, X left of the source become Z up: (z, x, y) of each point.
    np.testing.assert_allclose(
        present(clip.pose_world_m), body_mm(6)[..., [2, 0, 1]] / 1000, atol=1e-6
    )
    poses = present(clip.camera_poses_m())
    np.testing.assert_allclose(poses[3], in_camera_mm(body_mm(6), 4) / 1000, atol=1e-5)
    assert clip.clip_id == "mpi_inf_3dhp_annot3/S1/Seq1"
    assert (clip.split, clip.joint_set, clip.num_frames) == ("train", "mpi_inf_3dhp_28", 6)
    assert [camera.camera_id for camera in clip.cameras] == list("01245678")
    camera = clip.cameras[0]
    assert (camera.fx, camera.cx, camera.cy, camera.width) == (1497.693, 1024.704, 1051.394, 2048)
    # Camera 0 of the ring stands 4 m in front (Z) and 1.5 m up (Y).
    np.testing.assert_allclose(camera_to_world(np.zeros(3), camera), [4, 0, 1.5], atol=1e-9)


def test_rates_are_the_published_ones_and_stride_divides_them(tmp_path: Path) -> None:
    write_sequence(tmp_path, "S1/Seq1")
    write_sequence(tmp_path, "S1/Seq2")
    assert [clip.fps for clip in _read(tmp_path)] == [25.0, 50.0]
    every, other = _read(tmp_path)[1], _read(tmp_path, stride=2)[1]
    assert (other.fps, other.num_frames) == (25.0, 3)
    np.testing.assert_array_equal(present(other.keypoints_px), present(every.keypoints_px)[:, ::2])
    assert _read(tmp_path, fps=60.0)[0].fps == 60.0


# Rows: X, Y, Z of the source's world in the axes that body_mm uses; all right handed.
TURNS = {
    "y": np.eye(3),
    "x": np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]),
    "z": np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]),
    "-y": np.diag([1.0, -1, -1]),
    "-z": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
}


@pytest.mark.parametrize("up", TURNS)
def test_up_is_where_people_stand(tmp_path: Path, up: str) -> None:
    folder = write_sequence(tmp_path, "S1/Seq1")
    lines = calibration().splitlines()
    for camera in range(CAMERAS):
        matrix = extrinsic_mm(camera)
        matrix[:3, :3] = matrix[:3, :3] @ TURNS[up].T
        lines[7 * camera + 6] = "extrinsic " + " ".join(f"{v:.12g}" for v in matrix.ravel())
    (folder / "camera.calibration").write_text("\n".join(lines))
    (clip,) = _read(tmp_path)
    np.testing.assert_allclose(
        present(clip.pose_world_m)[..., 2], body_mm(6)[..., 1] / 1000, atol=1e-6
    )
    if up in "xyz":
        (given,) = _read(tmp_path, up=up)
        np.testing.assert_array_equal(present(given.pose_world_m), present(clip.pose_world_m))


def test_an_axis_that_is_given_counts(tmp_path: Path) -> None:
    write_sequence(tmp_path, "S1/Seq1")
    (clip,) = _read(tmp_path, up="x")
    np.testing.assert_allclose(
        present(clip.pose_world_m)[..., 2], body_mm(6)[..., 0] / 1000, atol=1e-6
    )


def test_views_that_disagree_keep_a_pose_each(tmp_path: Path) -> None:
    cells = annotations(6)
    cells["annot3"][2, 0] = cells["annot3"][2, 0] + 5.0
    write_sequence(tmp_path, "S1/Seq1", annot3=cells["annot3"])
    (clip,) = _read(tmp_path)
    assert clip.pose_world_m is None
    poses = present(clip.pose_camera_m)
    np.testing.assert_allclose(poses[2], (in_camera_mm(body_mm(6), 2) + 5) / 1000, atol=1e-5)
    assert clip.cameras[2].has_extrinsics


def test_univ_annot3_is_another_data_set(tmp_path: Path) -> None:
    write_sequence(tmp_path, "S1/Seq1")
    (clip,) = _read(tmp_path, layout="univ_annot3_all_cameras")
    assert clip.dataset == "mpi_inf_3dhp_univ_annot3_all_cameras"
    assert clip.num_views == 14
    pose = present(clip.camera_poses_m())[0]
    names = joint_set("mpi_inf_3dhp_28")
    thigh = pose[:, names.index("left_hip")] - pose[:, names.index("left_knee")]
    np.testing.assert_allclose(np.linalg.norm(thigh, axis=-1), UNIVERSAL * 0.43, rtol=1e-5)


def test_the_left_hand_stays_up_in_human36ms_order(tmp_path: Path) -> None:
    write_sequence(tmp_path, "S1/Seq1")
    (clip,) = _read(tmp_path, joint_set="h36m17")
    height = present(clip.pose_world_m)[..., 2]
    # Human3.6M's 17: 13 is the left wrist, 16 the right one, 10 the top of the head.
    assert (height[:, 13] > height[:, 10]).all()
    assert (height[:, 16] < height[:, 8]).all()
    assert (present(clip.keypoints_px)[0, :, 13, 1] < present(clip.keypoints_px)[0, :, 10, 1]).all()


def test_joint_sets_with_more_joints_are_refused(tmp_path: Path) -> None:
    write_sequence(tmp_path, "S1/Seq1")
    with pytest.raises(InputError, match=r"has no .*left_eye"):
        _read(tmp_path, joint_set="coco17")


def test_frames_that_end_without_numbers_are_left_out(tmp_path: Path) -> None:
    cells = annotations(6)
    cells["annot3"][4, 0][-2:] = np.nan
    cells["annot2"][0, 0] = cells["annot2"][0, 0][:5]
    folder = write_sequence(tmp_path, "S1/Seq1")
    savemat(folder / "annot.mat", cells)
    assert _read(tmp_path)[0].num_frames == 4
    cells["annot3"][4, 0][2] = np.nan
    savemat(folder / "annot.mat", cells)
    with pytest.raises(InputError, match=r"annot.mat: frame 2 holds"):
        _read(tmp_path)


def test_the_calibration_of_another_sequence_is_noticed(tmp_path: Path) -> None:
    folder = write_sequence(tmp_path, "S1/Seq1")
    (folder / "camera.calibration").write_text(calibration(size=1024))
    with pytest.raises(InputError, match="px from annot2 in camera 0"):
        _read(tmp_path)


def test_a_calibration_may_lie_apart(tmp_path: Path) -> None:
    folder = write_sequence(tmp_path / "data", "S1/Seq1")
    apart = (folder / "camera.calibration").rename(tmp_path / "cameras.txt")
    with pytest.raises(InputError, match="--cameras"):
        _read(tmp_path / "data")
    assert _read(tmp_path / "data", cameras=apart)[0].num_views == 8


@pytest.mark.parametrize("name", ["S9/Seq1", "S1/Seq3", "S1/annotations"])
def test_folders_of_other_names_are_refused(tmp_path: Path, name: str) -> None:
    write_sequence(tmp_path, name)
    with pytest.raises(InputError, match=f"lies in {name}"):
        _read(tmp_path)


def test_a_sequence_comes_once(tmp_path: Path) -> None:
    write_sequence(tmp_path / "a", "S1/Seq1")
    write_sequence(tmp_path / "b", "S1/Seq1")
    with pytest.raises(InputError, match="S1/Seq1 comes twice"):
        _read(tmp_path)


@pytest.mark.parametrize(
    ("options", "told"), [({"layout": "x"}, "no layout"), ({"stride": 0}, "0")]
)
def test_unknown_choices_are_refused(tmp_path: Path, options: dict[str, Any], told: str) -> None:
    write_sequence(tmp_path, "S1/Seq1")
    with pytest.raises(InputError, match=told):
        _read(tmp_path, **options)


def test_videos_are_cropped_a_few_frames_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mpi_inf_3dhp, "_FRAMES_AT_ONCE", 4)
    write_with_videos(tmp_path, frames=12)
    clips = _read(tmp_path, images=True, crop_px=16, stride=2)
    assert [(clip.action, clip.start_frame) for clip in clips] == [
        ("Seq1 chunk0", 0),
        ("Seq1 chunk1", 4),
    ]
    assert [clip.num_frames for clip in clips] == [4, 2]
    for view, camera in enumerate((0, 1, 2, 4, 5, 6, 7, 8)):
        shades = [
            int(decode(payload)[8, 8, 0]) for clip in clips for payload in present(clip.image)[view]
        ]
        # write_with_videos: 10 * frame + camera; JPEG twice may move a shade by a few.
        np.testing.assert_allclose(shades, 10 * np.arange(0, 12, 2) + camera, atol=3)
    box = present(clips[1].crop_box_px)[2, 1]
    seen = present(clips[1].keypoints_px)[2, 1]
    np.testing.assert_allclose(box[:2] + box[2:] / 2, (seen.min(0) + seen.max(0)) / 2, atol=1e-3)


def test_images_may_lie_in_folders(tmp_path: Path) -> None:
    folder = write_with_videos(tmp_path, frames=3)
    (folder / "imageSequence" / "video_2.avi").unlink()
    (folder / "imageFrames" / "video_2").mkdir(parents=True)
    for frame in range(3):
        image = np.full((64, 64, 3), 100 + frame, np.uint8)
        name = folder / "imageFrames" / "video_2" / f"frame_{frame + 1:06d}.jpg"
        cv2.imwrite(str(name), image)
    (clip,) = _read(tmp_path, images=True, crop_px=16)
    assert [int(decode(p)[8, 8, 0]) for p in present(clip.image)[2]] == [100, 101, 102]


def test_a_video_that_does_not_fit_is_named(tmp_path: Path) -> None:
    folder = write_with_videos(tmp_path, frames=6)
    whole, short = folder / "imageSequence", write_with_videos(tmp_path / "short", frames=3)
    (short / "imageSequence" / "video_4.avi").replace(whole / "video_4.avi")
    with pytest.raises(InputError, match=r"video_4.avi: has 3 frames where about 6"):
        _read(tmp_path / "S1", images=True)
    large = write_with_videos(tmp_path / "large", frames=6, size=96)
    (large / "imageSequence" / "video_4.avi").replace(whole / "video_4.avi")
    with pytest.raises(InputError, match=r"video_4.avi: has 96 x 96 pixels"):
        _read(tmp_path / "S1", images=True)
    (whole / "video_4.avi").unlink()
    with pytest.raises(InputError, match="no video or images of camera 4"):
        _read(tmp_path / "S1", images=True)
