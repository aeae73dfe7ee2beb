"""MPI-INF-3DHP's test set: axes, runs of valid frames, its camera, images that count from 1."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.present import present
from tests.sources.mpi_inf_3dhp import UNIVERSAL
from tests.sources.mpi_inf_3dhp_testset import (
    INDOORS,
    OUTDOORS,
    VALID,
    WRONG,
    annotations,
    pose_mm,
    write_mat73,
    write_with_images,
)

from monopose.data.clip import Clip, validate
from monopose.data.images.encoded import decode
from monopose.data.importers.mpi_inf_3dhp_testset import plan
from monopose.data.importers.source import ImportOptions, ImportPlan
from monopose.errors import InputError


def _plan(folder: Path, **options: Any) -> ImportPlan:
    return plan([folder], ImportOptions(**options))


def _read(folder: Path, **options: Any) -> list[Clip]:
    return [validate(clip) for clip in _plan(folder, **options).clips()]


def _write(folder: Path, name: str = "TS1", **changes: Any) -> Path:
    camera = OUTDOORS if name in ("TS5", "TS6") else INDOORS
    return write_mat73(folder / name / "annot_data.mat", {**annotations(camera), **changes})


def test_each_run_of_valid_frames_of_one_activity_is_a_clip(tmp_path: Path) -> None:
    _write(tmp_path)
    clips = _read(tmp_path)
    assert [(clip.action, clip.start_frame, clip.num_frames) for clip in clips] == [
        ("standing or walking from 2", 2, 3),
        ("exercise from 6", 6, 3),
        ("sports from 9", 9, 2),
    ]
    assert sum(clip.num_frames for clip in clips) == VALID.sum()
    assert clips[0].clip_id == "mpi_inf_3dhp_test_annot3/TS1/standing or walking from 2"
    assert {clip.split for clip in clips} == {"test"}
    assert {clip.joint_set for clip in clips} == {"mpi_inf_3dhp_17"}


@pytest.mark.parametrize("name", [name for name in WRONG if "another" in name])
def test_numbers_of_other_files_are_not_read(tmp_path: Path, name: str) -> None:
    for sequence in ("TS1", "TS5"):
        _write(tmp_path, sequence)
    WRONG[name](tmp_path)
    with pytest.raises(InputError, match=r"TS1/annot_data\.mat: annot2 is not in the file but a"):
        _read(tmp_path)


def test_axes_units_and_labels(tmp_path: Path) -> None:
    _write(tmp_path)
    clip = _read(tmp_path)[1]
    np.testing.assert_allclose(
        present(clip.pose_camera_m)[0], pose_mm(len(VALID))[6:9] / 1000, rtol=1e-6
    )
    np.testing.assert_allclose(
        present(clip.keypoints_px)[0], annotations(INDOORS)["annot2"][6:9, 0], rtol=1e-6
    )
    assert (present(clip.keypoint_score) == 1).all()


@pytest.mark.parametrize(("name", "camera"), [("TS2", INDOORS), ("TS6", OUTDOORS)])
def test_the_camera_is_the_one_that_made_the_2d(tmp_path: Path, name: str, camera: Any) -> None:
    _write(tmp_path, name)
    for layout in ("annot3", "univ_annot3"):
        found = _read(tmp_path, layout=layout)[0].cameras[0]
        fitted = (found.fx, found.fy, found.cx, found.cy)
        expected = (camera[0], camera[0], *camera[1])
        np.testing.assert_allclose(np.array(fitted, float), expected, atol=0.05)
        assert (found.width, found.height) == ((1920, 1080) if name == "TS6" else (2048, 2048))


def test_the_published_camera_serves_where_2d_and_3d_disagree(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 20, (len(VALID), 1, 17, 2))
    _write(tmp_path, annot2=annotations(INDOORS)["annot2"] + noise)
    camera = _read(tmp_path)[0].cameras[0]
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (1500.17, 1500.17, 1017.39, 1043.03)


def test_univ_annot3_is_another_data_set(tmp_path: Path) -> None:
    _write(tmp_path)
    (captured, *_), (scaled, *_) = _read(tmp_path), _read(tmp_path, layout="univ_annot3")
    assert scaled.dataset == "mpi_inf_3dhp_test_univ_annot3"
    one, other = present(captured.pose_camera_m), present(scaled.pose_camera_m)
    # 14 is the pelvis, 0 the top of the head.
    np.testing.assert_allclose(
        other[..., 0, :] - other[..., 14, :],
        UNIVERSAL * (one[..., 0, :] - one[..., 14, :]),
        atol=1e-5,
    )


def test_the_left_hand_stays_up_in_human36ms_order(tmp_path: Path) -> None:
    _write(tmp_path)
    clip = _read(tmp_path, joint_set="h36m17")[0]
    # In the camera's frame y points down. 13 left wrist, 16 right wrist, 10 top of the head.
    down = present(clip.pose_camera_m)[0, ..., 1]
    assert (down[:, 13] < down[:, 10]).all()
    assert (down[:, 16] > down[:, 8]).all()
    # The published map from the test set's 17 joints to Human3.6M's.
    order = [14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4]
    np.testing.assert_allclose(
        present(clip.pose_camera_m)[0], pose_mm(len(VALID))[2:5, order] / 1000, rtol=1e-6
    )


def test_counts_that_are_not_the_published_ones_are_noted(tmp_path: Path) -> None:
    _write(tmp_path, "TS1")
    many = np.ones((276, 1))
    pose = np.repeat(pose_mm(1)[:, None], 276, axis=0)
    whole = {"annot3": pose, "univ_annot3": pose, "annot2": pose[..., :2], "valid_frame": many}
    _write(tmp_path, "TS5", activity_annotation=many, **whole)
    notes = " ".join(_plan(tmp_path).notes)
    assert "TS1 has 8 valid frames, the published test set 603" in notes
    assert "TS5" not in notes


def test_rates_and_labels_that_are_not_known(tmp_path: Path) -> None:
    _write(tmp_path, activity_annotation=np.full((1, len(VALID)), np.nan))
    clips = _read(tmp_path)
    assert [clip.action for clip in clips] == ["activity 0 from 2", "activity 0 from 6"]
    assert {clip.fps for clip in clips} == {25.0}
    assert {clip.fps for clip in _read(tmp_path, fps=50.0)} == {50.0}


def test_images_count_from_one(tmp_path: Path) -> None:
    write_with_images(tmp_path)
    clips = _read(tmp_path, images=True, crop_px=16)
    for clip in clips:
        frames = range(clip.start_frame, clip.start_frame + clip.num_frames)
        (crops,) = present(clip.image)
        shades = [int(decode(payload)[8, 8, 1]) for payload in crops]
        np.testing.assert_allclose(shades, 10 * np.array(frames), atol=2)
        assert present(clip.crop_box_px).shape == (1, clip.num_frames, 4)
    (tmp_path / "TS6" / "imageSequence" / "img_000003.jpg").unlink()
    with pytest.raises(InputError, match=r"img_000003\.jpg"):
        _read(tmp_path, images=True)
    assert len(_read(tmp_path)) == 2


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [("TS7", {}, "lies in TS7"), ("TS1", {"layout": "x"}, "no layout 'x'")],
)
def test_unknown_choices_are_refused(
    tmp_path: Path, name: str, options: dict[str, Any], told: str
) -> None:
    _write(tmp_path, name)
    with pytest.raises(InputError, match=told):
        _read(tmp_path, **options)


def test_a_sequence_comes_once(tmp_path: Path) -> None:
    _write(tmp_path / "a")
    _write(tmp_path / "b")
    with pytest.raises(InputError, match="comes twice"):
        _read(tmp_path)
