"""Clips written in VideoPose3D's layout: exact, whole or not at all, and refused by name."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.spatial.transform import Rotation
from tests.clip_files import assert_same_clip, make_clip
from tests.present import present

from monopose.data.clip import Clip
from monopose.data.importers.videopose3d import videopose3d_clips
from monopose.errors import InputError
from monopose.formats.videopose3d import write_videopose3d
from monopose.geometry.camera import Camera

CMU17 = Path(__file__).parents[3].parent / "shared" / "data" / "cmu17"
WIDTH, HEIGHT = 1000, 1002


def camera(seed: int, **changes: Any) -> Camera:
    """A camera whose numbers are no round ones."""
    rng = np.random.default_rng(seed)
    values: dict[str, Any] = {
        "rotation": Rotation.random(rng=rng).as_matrix(),
        "translation_m": rng.normal(size=3) * 3,
        "fx": 1145.04940458804,
        "fy": 1143.78109572365,
        "cx": 512.541504956548,
        "cy": 515.4514869776,
        "distortion": tuple(rng.normal(size=5).tolist()),
        "width": WIDTH,
        "height": HEIGHT,
    }
    return Camera(f"c{seed}", **{**values, **changes})


def clip(action: str = "walk", subject: str = "S1", **changes: Any) -> Clip:
    rng = np.random.default_rng(len(action))
    values: dict[str, Any] = {
        "clip_id": f"set/{subject}/{action}",
        "subject": subject,
        "action": action,
        "cameras": (camera(1), camera(2, distortion=None)),
        "pose_world_m": rng.normal(size=(5, 17, 3)).astype(np.float32),
        "keypoints_px": rng.normal(500, 90, (2, 5, 17, 2)).astype(np.float32),
        "keypoint_score": np.ones((2, 5, 17), np.float32),
    }
    return make_clip(5, **{**values, **changes})


def survives(clips: list[Clip], folder: Path, **options: Any) -> None:
    write_videopose3d(clips, folder, detections="gt")
    back = {clip.clip_id: clip for clip in videopose3d_clips([folder], **options)}
    for original in clips:
        assert_same_clip(original, back.pop(original.clip_id))
    assert not back


def test_clips_come_back_bit_for_bit(tmp_path: Path) -> None:
    clips = [
        clip("walk, then run", split="val", start_frame=400),
        clip('a "quoted", long näme', split="test"),
        clip("Walking 1", subject="Train/S9"),
    ]
    survives(clips, tmp_path / "out")


def test_scores_come_back_bit_for_bit(tmp_path: Path) -> None:
    score = np.random.default_rng(0).uniform(size=(2, 5, 17)).astype(np.float32)
    score[0, :, 3] = 0
    pixels = np.full((2, 5, 17, 2), 1 / 3, np.float32)
    pixels[0, :, 3] = 0
    survives([clip(keypoint_score=score, keypoints_px=pixels), clip("sit")], tmp_path / "out")


@pytest.mark.parametrize(("name", "joints"), [("humaneva15", 15), ("h36m32", 32)])
def test_the_layouts_other_joints_come_back(tmp_path: Path, name: str, joints: int) -> None:
    rng = np.random.default_rng(1)
    one = clip(
        joint_set=name,
        fps=60.0,
        pose_world_m=rng.normal(size=(5, joints, 3)).astype(np.float32),
        keypoints_px=rng.normal(size=(2, 5, joints, 2)).astype(np.float32),
        keypoint_score=np.ones((2, 5, joints), np.float32),
    )
    survives([one], tmp_path / "out", joint_set=name)


@settings(max_examples=25, deadline=None)
@given(
    pose=arrays.arrays(
        np.float32, (2, 17, 3), elements=st.floats(-1e4, 1e4, width=32, allow_subnormal=False)
    ),
    fps=st.floats(1, 1000),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_numbers_come_back(
    pose: np.ndarray, fps: float, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rng = np.random.default_rng(seed)
    one = clip(
        fps=fps,
        cameras=(camera(seed),),
        pose_world_m=pose,
        keypoints_px=rng.normal(size=(1, 2, 17, 2)).astype(np.float32),
        keypoint_score=np.ones((1, 2, 17), np.float32),
    )
    survives([one], tmp_path_factory.mktemp("any") / "out")


def test_videopose3ds_own_way_of_loading_works(tmp_path: Path) -> None:
    one = clip()
    write_videopose3d([one], tmp_path / "out", detections="gt")
    poses = np.load(tmp_path / "out" / "data_3d_set.npz", allow_pickle=True)["positions_3d"].item()
    np.testing.assert_array_equal(poses["S1"]["walk"], one.pose_world_m)
    loaded = np.load(tmp_path / "out" / "data_2d_set_gt.npz", allow_pickle=True)
    seen = loaded["positions_2d"].item()["S1"]["walk"]
    assert [view.shape for view in seen] == [(5, 17, 2)] * 2
    assert {view.dtype for view in seen} == {np.dtype(np.float32)}
    metadata = loaded["metadata"].item()
    assert metadata["num_joints"] == 17
    assert metadata["keypoints_symmetry"] == [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]
    record = json.loads((tmp_path / "out" / "cameras_set.json").read_text())["S1"][0]
    # X_camera = R(orientation)^-1 (X_world - translation), the tangential pair the other way round.
    turn = Rotation.from_quat(record["orientation"], scalar_first=True).inv()
    point = np.array([0.3, -2.0, 1.1])
    np.testing.assert_allclose(
        turn.apply(point - record["translation"]),
        present(one.cameras[0].rotation) @ point + one.cameras[0].translation_m,
        atol=1e-12,
    )
    k1, k2, p1, p2, k3 = present(one.cameras[0].distortion)
    assert record["radial_distortion"] == [k1, k2, k3]
    assert record["tangential_distortion"] == [p2, p1]
    with (tmp_path / "out" / "clips.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows == [{"subject": "S1", "action": "walk", "split": "train", "start_frame": "0"}]


BLANK = np.zeros((2, 5, 17), np.float32)
REFUSED: dict[str, tuple[list[Clip], str]] = {
    "no clips": ([], r"out: no clips to write"),
    "no world pose": ([clip(pose_world_m=None)], r"clip 'set/S1/walk': has no pose_world_m"),
    "no scores": ([clip(keypoint_score=None)], "has no keypoints_px or keypoint_score"),
    "pixels that are missing": (
        [clip(keypoint_score=BLANK)], "has pixels where the score is 0",
    ),
    "its own camera poses": (
        [clip(pose_camera_m=np.zeros((2, 5, 17, 3), np.float32))], "holds pose_camera_m, which",
    ),
    "crop boxes": ([clip(crop_box_px=np.ones((2, 5, 4), np.float32))], "holds crop_box_px"),
    "other joints": (
        [clip(joint_set="coco17")], "joints are coco17; VideoPose3D's files hold humaneva15, h36m17"
    ),
    "views that differ": (
        [
            clip(),
            clip(
                "sit",
                cameras=(camera(1),),
                keypoints_px=np.ones((1, 5, 17, 2), np.float32),
                keypoint_score=np.ones((1, 5, 17), np.float32),
            ),
        ],
        "clip 'set/S1/sit': has 1 views, others of S1 have 2",
    ),
    "cameras that differ": (
        [clip(), clip("sit", cameras=(camera(1), camera(3)))], "other cameras than other clips of",
    ),
    "a rate that differs": ([clip(), clip("sit", fps=60.0)], "fps is 60.0, others have 50.0"),
    "a take twice": ([clip(), clip()], "clip 'set/S1/walk': is there twice"),
    "an id of its own": ([clip(clip_id="x")], "clip 'x': clip_id is not dataset/subject/action"),
    "a line break": ([clip("a\nb")], "action or split is no text on one line"),
    "no lens": (
        [clip(cameras=(camera(1), camera(2, fx=None)))], "camera 'c2': is not calibrated in full",
    ),
    "a lens that is no number": (
        [clip(cameras=(camera(1), camera(2, cx=float("nan"))))],
        "camera 'c2': translation or lens holds NaN",
    ),
    "a name that is a path": (
        [clip(dataset="../up", clip_id="../up/S1/walk")], "'../up' cannot be part of a file's name",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_layout_cannot_express_is_refused_whole(tmp_path: Path, name: str) -> None:
    clips, message = REFUSED[name]
    with pytest.raises(InputError, match=message) as caught:
        write_videopose3d(clips, tmp_path / "out", detections="gt")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_videopose3d([clip()], tmp_path / "out", detections="gt")
    before = {file: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    with pytest.raises(InputError, match="out: is there already; name a new folder"):
        write_videopose3d([clip("sit")], tmp_path / "out", detections="gt")
    assert {file: file.read_bytes() for file in (tmp_path / "out").iterdir()} == before


def test_a_failure_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("monopose.formats.videopose3d.csv.writer", full)
    with pytest.raises(OSError, match="no space left"):
        write_videopose3d([clip()], tmp_path / "out", detections="gt")
    assert not list(tmp_path.iterdir())


@pytest.mark.real_data
@pytest.mark.skipif(not CMU17.exists(), reason="the shared real motion is not on this machine")
@pytest.mark.parametrize("detections", ["gt", "det"])
def test_real_motion_survives(tmp_path: Path, detections: str) -> None:
    originals = list(videopose3d_clips([CMU17], detections=detections))
    write_videopose3d(originals, tmp_path / "out", detections=detections)
    back = list(videopose3d_clips([tmp_path / "out"]))
    assert len(originals) == 56
    for one, other in zip(originals, back, strict=True):
        assert_same_clip(one, other)
