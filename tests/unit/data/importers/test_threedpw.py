"""3DPW by its readme: a moving camera, invalid frames, two actors, Python 2's pickles."""

from pathlib import Path

import numpy as np
import pytest
from tests.present import present
from tests.sources import threedpw as source
from tests.sources.python2_pickle import dumps

from monopose.data.clip import Clip
from monopose.data.images.encoded import decode
from monopose.data.importers.catalog import plan_import
from monopose.data.importers.source import ImportOptions
from monopose.errors import InputError
from monopose.formats.unpickle import load_pickle
from monopose.skeleton import joint_set


def clips(folder: Path, **options: object) -> dict[str, Clip]:
    plan = plan_import("3dpw", [folder], ImportOptions(**options))  # type: ignore[arg-type]
    return {clip.clip_id.removeprefix("3dpw/"): clip for clip in plan.clips()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source.write(tmp_path)
    return tmp_path


def test_invalid_frames_cut_takes_into_clips(folder: Path) -> None:
    found = {name: (clip.start_frame, clip.num_frames) for name, clip in clips(folder).items()}
    expected: dict[str, tuple[int, int]] = {}
    for take in ("courtyard_basketball_00", "downtown_walking_00"):
        expected |= {
            f"{take}_0/{take}_00000": (0, 2),
            f"{take}_0/{take}_00003": (3, 2),
            f"{take}_0/{take}_00006": (6, 1),
            f"{take}_1/{take}_00001": (1, 6),
        }
    assert found == expected


def test_splits_are_the_folders(folder: Path) -> None:
    path = folder / "sequenceFiles" / source.TRAIN
    (folder / "sequenceFiles" / "validation").mkdir()
    path.rename(folder / "sequenceFiles" / "validation" / path.name)
    splits = {name.split("_")[0]: clip.split for name, clip in clips(folder).items()}
    assert splits == {"courtyard": "val", "downtown": "test"}


def test_poses_are_in_each_frames_own_camera(folder: Path) -> None:
    take = "downtown_walking_00"
    found = clips(folder)[f"{take}_1/{take}_00001"]
    np.testing.assert_allclose(present(found.pose_camera_m)[0], source.camera_m(1)[1:], atol=1e-6)
    assert found.pose_world_m is None
    camera = found.cameras[0]
    assert not camera.has_extrinsics
    assert (camera.fx, camera.cx, camera.cy) == (source.FOCAL, *source.CENTRE)
    assert (camera.width, camera.height) == (1080, 1920)
    assert (found.fps, found.joint_set) == (30.0, "smpl24")


def test_detections_are_converted_by_name(folder: Path) -> None:
    take = "downtown_walking_00"
    clip = clips(folder)[f"{take}_1/{take}_00001"]
    pixels, score = present(clip.keypoints_px)[0], present(clip.keypoint_score)[0]
    smpl, openpose = joint_set("smpl24"), joint_set("openpose18")
    frame = 4 - clip.start_frame
    for joint in ("left_shoulder", "right_hip", "left_ankle"):
        at = openpose.index(joint)
        expected = (100 + 10 * at + 1, 200 + 5 * at + 4)
        np.testing.assert_allclose(pixels[frame, smpl.index(joint)], expected)
        np.testing.assert_allclose(score[frame, smpl.index(joint)], 0.5 + 0.02 * at)
    # Hips are OpenPose's joints 8 and 11: the pelvis lies between, as sure as the less sure one.
    np.testing.assert_allclose(pixels[frame, 0], (100 + 95 + 1, 200 + 47.5 + 4))
    np.testing.assert_allclose(score[frame, 0], 0.5 + 0.02 * 8)
    for lacking in ("spine1", "left_hand", "right_foot", "right_wrist"):
        assert score[frame, smpl.index(lacking)] == 0
        np.testing.assert_array_equal(pixels[frame, smpl.index(lacking)], 0)


def test_a_frame_without_detections_keeps_its_pose(folder: Path) -> None:
    take = "downtown_walking_00"
    clip = clips(folder)[f"{take}_1/{take}_00001"]
    assert not present(clip.keypoint_score)[0, source.UNDETECTED - 1].any()
    assert present(clip.pose_camera_m)[0, source.UNDETECTED - 1].any()


def test_images_are_those_of_the_frames(tmp_path: Path) -> None:
    source.write(tmp_path, images=True)
    take = "downtown_walking_00"
    clip = clips(tmp_path, images=True, crop_px=32)[f"{take}_0/{take}_00003"]
    # Frame f is grey 20 f throughout; the crop's middle lies inside the image.
    shades = [decode(image)[14:18, 14:18].mean() for image in present(clip.image)[0]]
    np.testing.assert_allclose(shades, [60, 80], atol=2)
    assert (clip.cameras[0].width, clip.cameras[0].height) == source.TENTH
    assert present(clip.crop_box_px).shape == (1, 2, 4)


def test_lying_videos_are_told_by_their_principal_point(tmp_path: Path) -> None:
    path = tmp_path / "test" / "a.pkl"
    path.parent.mkdir()
    matrix = np.array([[1962.0, 0, 960], [0, 1969, 540], [0, 0, 1]])
    path.write_bytes(dumps(source.fields("a", cam_intrinsics=matrix)))
    camera = next(iter(clips(path).values())).cameras[0]
    assert (camera.width, camera.height) == (1920, 1080)


def test_a_file_outside_the_splits_is_named(folder: Path) -> None:
    (folder / "sequenceFiles" / source.TEST).rename(folder / "stray.pkl")
    with pytest.raises(InputError, match=r"stray\.pkl: is in none of the split folders"):
        clips(folder)


def test_images_that_are_not_there_are_named(folder: Path) -> None:
    with pytest.raises(InputError, match="has no images in imageFiles/downtown_walking_00"):
        clips(folder, images=True)


@pytest.mark.parametrize(
    ("damage", "named"),
    [("os.system", "os.system"), ("chumpy", "chumpy.ch.Ch"), ("sparse", "scipy.sparse.csc.csc_")],
)
def test_objects_in_a_pickle_are_refused_by_name(folder: Path, damage: str, named: str) -> None:
    source.WRONG[damage](folder)
    with pytest.raises(InputError, match=rf"downtown_walking_00\.pkl: pickle refers to {named}"):
        clips(folder)


def test_python_2s_arrays_are_numpys(tmp_path: Path) -> None:
    arrays = [
        np.arange(6.0).reshape(2, 3), np.arange(300, dtype=np.int64), np.array([True, False]),
        np.array([b"ab", b"\xff"]), np.zeros((0, 3), np.float32),
    ]  # fmt: skip
    path = tmp_path / "a.pkl"
    path.write_bytes(dumps({"arrays": arrays, "genders": ["m", "f"], "nested": (1, [2.5, None])}))
    read = load_pickle(path)
    assert (read["genders"], read["nested"]) == (["m", "f"], (1, [2.5, None]))
    for array, found in zip(arrays, read["arrays"], strict=True):
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)
