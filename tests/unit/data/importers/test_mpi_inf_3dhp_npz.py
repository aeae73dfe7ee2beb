"""P-STMO's files of MPI-INF-3DHP: orders of joints, sides, rates, cameras."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.present import present
from tests.sources.mpi_inf_3dhp import CENTRE, FOCAL, body_mm, in_camera_mm
from tests.sources.mpi_inf_3dhp_npz import TO_H36M, TO_H36M_SWAPPED, train, write
from tests.sources.mpi_inf_3dhp_testset import RELEVANT, VALID

from monopose.data.clip import Clip, validate
from monopose.data.importers.mpi_inf_3dhp_npz import plan
from monopose.data.importers.source import ImportOptions
from monopose.errors import InputError


def _read(folder: Path, **options: Any) -> dict[str, Clip]:
    clips = plan([folder], ImportOptions(**options)).clips()
    return {clip.clip_id.partition("/")[2]: validate(clip) for clip in clips}


def test_names_views_and_values(tmp_path: Path) -> None:
    clips = _read(write(tmp_path))
    assert sorted(clips) == [
        "S1/Seq1", "S1/Seq2", "TS1/frames from 2", "TS1/frames from 6",
    ]  # fmt: skip
    clip = clips["S1/Seq2"]
    assert (clip.split, clip.fps, clip.joint_set) == ("train", 50.0, "mpi_inf_3dhp_17")
    assert [camera.camera_id for camera in clip.cameras] == ["0", "1", "4"]
    expected = in_camera_mm(body_mm(8)[:, RELEVANT], 4) / 1000
    np.testing.assert_allclose(present(clip.pose_camera_m)[2], expected, rtol=1e-5)


def test_cameras_are_fitted(tmp_path: Path) -> None:
    camera = _read(write(tmp_path))["S1/Seq1"].cameras[1]
    found = (camera.fx, camera.fy, camera.cx, camera.cy)
    np.testing.assert_allclose(np.array(found, float), (FOCAL, FOCAL, *CENTRE), atol=0.05)
    assert not camera.has_extrinsics
    cameras = train()["S1 Seq1"][0]
    cameras["1"]["data_2d"] = cameras["1"]["data_2d"] + 40 * np.sin(np.arange(17))[:, None]
    other = _read(write(tmp_path, **{"S1 Seq1": [cameras, 25]}))
    unknown = other["S1/Seq1"].cameras[1]
    assert not unknown.has_intrinsics
    assert (unknown.width, unknown.height) == (2048, 2048)


def test_only_valid_frames_and_where_they_were(tmp_path: Path) -> None:
    clips = _read(write(tmp_path))
    tests = [clip for clip in clips.values() if clip.split == "test"]
    assert [(clip.start_frame, clip.num_frames) for clip in tests] == [(2, 3), (6, 5)]
    assert sum(clip.num_frames for clip in tests) == VALID.sum()


@pytest.mark.parametrize(
    ("order", "options"),
    [
        (slice(None), {"joint_set": "h36m17"}),
        (TO_H36M, {}),
        (TO_H36M_SWAPPED, {"layout": "h36m17_sides_swapped"}),
    ],
)
def test_the_left_hand_stays_up(tmp_path: Path, order: Any, options: dict[str, Any]) -> None:
    for clip in _read(write(tmp_path, order), **options).values():
        assert clip.joint_set == "h36m17"
        # In the camera's frame y points down. 13 left wrist, 16 right wrist, 10 top of the head.
        down = present(clip.pose_camera_m)[..., 1]
        assert (down[..., 13] < down[..., 10]).all()
        assert (down[..., 16] > down[..., 8]).all()
        rows = present(clip.keypoints_px)[..., 1]
        assert (rows[..., 13] < rows[..., 10]).all()


def test_swapped_sides_are_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="left and right swapped") as caught:
        _read(write(tmp_path, TO_H36M_SWAPPED))
    assert "--layout h36m17_sides_swapped" in str(caught.value)


def test_an_unknown_order_is_refused(tmp_path: Path) -> None:
    shuffle = np.random.default_rng(1).permutation(17).tolist()
    with pytest.raises(InputError, match="cannot tell the order of the joints"):
        _read(write(tmp_path, shuffle))
    assert _read(tmp_path, layout="h36m17")


def test_poses_about_a_root_are_refused(tmp_path: Path) -> None:
    found = train()["S1 Seq1"]
    for arrays in found[0].values():
        arrays["data_3d"] = arrays["data_3d"] - arrays["data_3d"][:, 14:15]
    with pytest.raises(InputError, match=r"S1 Seq1 camera 0: .*relative to a root"):
        _read(write(tmp_path, **{"S1 Seq1": found}))


def test_rates(tmp_path: Path) -> None:
    found = train()
    folder = write(tmp_path, **{"S1 Seq1": found["S1 Seq1"][:1], "S1 Seq2": found["S1 Seq2"][:1]})
    # The published rates of these sequences, where the file has none.
    assert [clip.fps for clip in _read(folder).values()] == [25.0, 25.0, 25.0, 50.0]
    assert {clip.fps for clip in _read(folder, fps=30.0).values()} == {30.0}


def test_an_unknown_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no layout 'x'"):
        _read(write(tmp_path), layout="x")
