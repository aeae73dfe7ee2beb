"""BVH sources: layouts by name, joint maps, the CMU flavours as real bodies."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.clip_files import make_clip
from tests.present import present
from tests.sources import bvh as source

from monopose.data.clip import Clip
from monopose.data.importers.catalog import plan_import
from monopose.data.importers.source import ImportOptions
from monopose.data.studio.studio import studio_clips
from monopose.errors import InputError
from monopose.formats.bvh_pose import write_clip_bvh
from monopose.formats.unpickle import load_npz
from monopose.skeleton import joint_set

SHARED = Path(__file__).parents[4] / ".." / "shared" / "data"
RAW, REDUCED = SHARED / "cmu_raw" / "bvh", SHARED / "cmu17" / "data_3d_cmu17.npz"
JOINTS = joint_set("h36m17")


def clips(folder: Path, **options: object) -> dict[str, Clip]:
    chosen = ImportOptions(**{"detections": "gt", **options})  # type: ignore[arg-type]
    return {clip.action: clip for clip in plan_import("bvh", [folder], chosen).clips()}


def still(folder: Path, tree: source.Tree, name: str, height: float) -> np.ndarray:
    """The joints of a file whose only frames are the rest pose: [J, 3] metres."""
    folder.mkdir(parents=True, exist_ok=True)
    joints = sum(bool(joint) for _, joint, _ in tree)
    row = " ".join(["0", str(height), "0", *["0"] * (3 * joints)])
    text = source.hierarchy(tree, "ZYX")
    text += f"MOTION\nFrames: 2\nFrame Time: 0.016667\n{row}\n{row}\n"
    (folder / f"{name}.bvh").write_text(text)
    clip = clips(folder)[name]
    assert (clip.fps, clip.num_frames) == (60.0, 2)
    return present(clip.pose_world_m)[0]


@pytest.mark.parametrize("tree", [source.CGSPEED, source.MAX], ids=["cgspeed", "max"])
def test_cmus_joints_by_hand(tree: source.Tree, tmp_path: Path) -> None:
    pose = still(tmp_path, tree, "02_01", 17)
    # Offsets added up by hand, file units, Y up; the thorax is the second 2 above the spine.
    by_hand = {
        "pelvis": (0, 15.25, 0.75), "left_hip": (1.5, 15.25, 0.75), "left_knee": (4, 8.25, 0.75),
        "right_ankle": (-6.5, 1.5, 0.75), "spine": (0, 19, -0.125), "thorax": (0, 23, -0.125),
        "neck_nose": (0, 26, 0), "head_top": (0, 27.75, 0), "left_shoulder": (3.5, 24, -0.125),
        "right_elbow": (-8.5, 24, -0.125), "right_wrist": (-12, 24, -0.125),
    }  # fmt: skip
    for joint, (x, y, z) in by_hand.items():
        expected = np.array([x, -z, y]) * 0.0254 / 0.45
        np.testing.assert_allclose(pose[JOINTS.index(joint)], expected, atol=1e-6, err_msg=joint)


def test_daz_joints_by_hand(tmp_path: Path) -> None:
    pose = still(tmp_path, source.DAZ, "indian_13", 85)
    by_hand = {
        "pelvis": (0, 87.5, -1), "right_hip": (-8.75, 87.5, -1), "left_knee": (8.75, 50.5, -0.25),
        "spine": (0, 105.75, -0.75), "thorax": (0, 136.75, -6.25),
        "neck_nose": (-0.25, 150.75, -2.25), "head_top": (-0.25, 162.75, -2.25),
        "left_shoulder": (11.5, 134.75, -4.75), "right_wrist": (-62, 133.75, 2.75),
    }  # fmt: skip
    for joint, (x, y, z) in by_hand.items():
        expected = np.array([x, -z, y]) * 0.01
        np.testing.assert_allclose(pose[JOINTS.index(joint)], expected, atol=1e-6, err_msg=joint)


def test_an_added_rest_pose_is_dropped_and_no_other_row(tmp_path: Path) -> None:
    source.CASES["bvh-cgspeed"].write(tmp_path / "added")
    source.CASES["bvh-max"].write(tmp_path / "moving")
    assert clips(tmp_path / "added")["02_01"].num_frames == source.FRAMES
    assert clips(tmp_path / "moving")["131_01"].num_frames == source.FRAMES


@pytest.mark.parametrize(
    ("case", "rest_pose", "thorax"),
    [("bvh-cgspeed", True, True), ("bvh-max", True, True), ("bvh-daz", True, False)],
)
def test_only_what_is_done_to_these_files_is_told(
    case: str, rest_pose: bool, thorax: bool, tmp_path: Path
) -> None:
    source.CASES[case].write(tmp_path)
    notes = " ".join(plan_import("bvh", [tmp_path], ImportOptions()).notes)
    assert ("rest pose" in notes, "thorax bone" in notes) == (rest_pose, thorax)


def test_our_own_files_and_damaged_ones_need_no_such_notes(tmp_path: Path) -> None:
    (tmp_path / "damaged.bvh").write_text("HIERARCHY")
    clip = next(studio_clips(seed=1, seconds=0.1, subjects=3, actions=("walk",), detections="gt"))
    write_clip_bvh(tmp_path / "walk.bvh", clip)
    notes = " ".join(plan_import("bvh", [tmp_path], ImportOptions()).notes)
    assert "rest pose" not in notes
    assert "thorax bone" not in notes


def test_subjects_are_those_that_cmus_names_tell(tmp_path: Path) -> None:
    source.CASES["bvh-cgspeed"].write(tmp_path)
    source.CASES["bvh-daz"].write(tmp_path)
    assert {c.clip_id for c in clips(tmp_path).values()} == {
        "bvh/02/02_01",
        "bvh/unknown/indian_13",
    }


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        source.CASES["bvh-daz"].write(tmp_path / folder)
    assert set(clips(tmp_path)) == {"a_indian_13", "b_indian_13"}


def map_file(folder: Path, **changes: object) -> Path:
    given = json.loads(Path(source.__file__).with_name("bvh_joint_map.json").read_text())
    given = {key: value for key, value in (given | changes).items() if value is not None}
    (folder / "map.json").write_text(json.dumps(given))
    return folder / "map.json"


def test_a_joint_map_names_joints_and_takes_means(tmp_path: Path) -> None:
    source.CASES["bvh-joint-map"].write(tmp_path)
    found = clips(tmp_path, joint_map=map_file(tmp_path), unit_m=0.056)["any name"]
    assert found.joint_set == "mpii16"
    pose, joints = present(found.pose_world_m), joint_set("mpii16")
    hips = pose[:, [joints.index("left_hip"), joints.index("right_hip")]].mean(axis=1)
    np.testing.assert_allclose(pose[:, joints.index("pelvis")], hips, atol=1e-6)
    shin = pose[:, joints.index("left_knee")] - pose[:, joints.index("left_ankle")]
    np.testing.assert_allclose(
        np.linalg.norm(shin, axis=-1), np.hypot(2.5, 6.75) * 0.056, rtol=1e-5
    )


def test_up_is_the_axis_that_is_said(tmp_path: Path) -> None:
    source.CASES["bvh-joint-map"].write(tmp_path)
    poses = {
        up: present(
            clips(tmp_path, joint_map=map_file(tmp_path), unit_m=0.05, up=up)[
                "any name"
            ].pose_world_m
        )
        for up in ("x", "y", "z")
    }
    x, y, z = np.moveaxis(poses["z"], -1, 0)
    np.testing.assert_allclose(poses["y"], np.stack([x, -z, y], axis=-1))
    np.testing.assert_allclose(poses["x"], np.stack([y, z, x], axis=-1))


def test_a_map_that_does_not_fit_lists_what_the_file_has(tmp_path: Path) -> None:
    source.CASES["bvh-joint-map"].write(tmp_path)
    wrong = map_file(tmp_path, left_knee="LeftShin", right_knee=["RightShin", "RightFoot"])
    with pytest.raises(InputError) as caught:
        clips(tmp_path, joint_map=wrong, unit_m=0.056)
    assert "any name.bvh: has no LeftShin, RightShin; it has Hips, LHipJoint, " in str(caught.value)
    assert "Head.end" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "options", "said"),
    [
        ({"left_knee": None}, {"unit_m": 0.05}, r"leaves out .*; h36m17 needs all of pelvis"),
        ({"left_knee": 3}, {"unit_m": 0.05}, "'left_knee' is neither a name nor a list"),
        ({}, {}, "do not tell their unit of length; give --unit-m"),
        ({}, {"unit_m": 1.0}, r"the body is 2[3-8]\S* m large; give the unit"),
        ({}, {"unit_m": 0.05, "layout": "cmu-max"}, "give one of them"),
        ({}, {"unit_m": 0.05, "detections": "model"}, "of h36m17, not of mpii16"),
        ({}, {"unit_m": 0.05, "joint_set": "coco17"}, "mpii16 has no nose"),
    ],
)
def test_maps_that_cannot_work_are_refused(
    changes: dict[str, object], options: dict[str, object], said: str, tmp_path: Path
) -> None:
    source.CASES["bvh-joint-map"].write(tmp_path)
    with pytest.raises(InputError, match=said):
        clips(tmp_path, joint_map=map_file(tmp_path, **changes), **options)


def test_unknown_bodies_ask_for_a_map(tmp_path: Path) -> None:
    source.CASES["bvh-cgspeed"].write(tmp_path)
    text = (tmp_path / "02_01.bvh").read_text()
    (tmp_path / "02_01.bvh").write_text(text.replace("LeftLeg", "Shank"))
    with pytest.raises(InputError, match=r"joints from Hips, .*Shank.*; give --joint-map"):
        clips(tmp_path)
    with pytest.raises(InputError, match=r"has no LeftLeg; it has Hips"):
        clips(tmp_path, layout="cmu-cgspeed")
    with pytest.raises(InputError, match=r"--layout: is 'poser'; choose one of cmu-cgspeed"):
        clips(tmp_path, layout="poser")


def test_what_we_write_comes_in_by_itself(tmp_path: Path) -> None:
    clip = next(studio_clips(seed=1, seconds=0.5, subjects=3, actions=("walk",), detections="gt"))
    write_clip_bvh(tmp_path / "walk.bvh", clip)
    found = clips(tmp_path)["walk"]
    assert (found.joint_set, found.fps) == ("h36m17", clip.fps)
    pose = present(clip.pose_world_m)
    np.testing.assert_allclose(present(found.pose_world_m), pose, atol=0.005)
    sets = make_clip(2, joint_set="lsp14", pose_world_m=pose[:2, :14], keypoints_px=None)
    write_clip_bvh(tmp_path / "walk.bvh", sets)
    assert clips(tmp_path, joint_set="lsp14")["walk"].joint_set == "lsp14"


# Lengths in metres, adults; the wrist of CMU's skeletons lies above the anatomical one.
RANGES_M = {
    "left_hip": (0.06, 0.12), "left_knee": (0.34, 0.50), "left_ankle": (0.34, 0.48),
    "spine": (0.15, 0.28), "thorax": (0.18, 0.34), "neck_nose": (0.12, 0.22),
    "head_top": (0.08, 0.16), "left_shoulder": (0.10, 0.24), "left_elbow": (0.22, 0.34),
    "left_wrist": (0.17, 0.30),
}  # fmt: skip


@pytest.fixture(scope="module")
def real() -> dict[str, Clip]:
    return clips(RAW)


REAL = pytest.mark.skipif(not RAW.exists(), reason="the real motion is not on this machine")
ACTIONS = ("131_01", "131_02", "indian_13", "martial_04")


@pytest.mark.real_data
@REAL
@pytest.mark.parametrize("action", ACTIONS)
def test_real_bodies_are_plausible(real: dict[str, Clip], action: str) -> None:
    pose = present(real[action].pose_world_m).astype(float)
    at = {joint: pose[:, index] for index, joint in enumerate(JOINTS.joints)}
    for joint, (low, high) in RANGES_M.items():
        for name in {joint, joint.replace("left_", "right_")}:
            parent = JOINTS.joints[JOINTS.parents[JOINTS.index(name)]]
            assert low < np.linalg.norm(at[name] - at[parent], axis=-1).mean() < high, name
    # Tallest moment from floor to top of the head, and feet that come down to the floor at z = 0.
    assert 1.4 < np.percentile(at["head_top"][:, 2], 95) < 1.9
    ankles = np.minimum(at["left_ankle"][:, 2], at["right_ankle"][:, 2])
    assert 0.0 < np.percentile(ankles, 5) < 0.12
    # Left is left: knees that are bent, are bent forwards.
    forward = np.cross(at["left_hip"] - at["right_hip"], at["thorax"] - at["pelvis"])
    for side in ("left", "right"):
        thigh, shin = (
            at[f"{side}_knee"] - at[f"{side}_hip"],
            at[f"{side}_ankle"] - at[f"{side}_knee"],
        )
        lengths_m = np.linalg.norm(thigh, axis=-1) * np.linalg.norm(shin, axis=-1)
        bent = np.sum(thigh * shin, axis=-1) < np.cos(np.radians(20)) * lengths_m
        assert bent.mean() > 0.1
        assert (np.sum((thigh - shin) * forward, axis=-1)[bent] > 0).mean() > 0.95


@pytest.mark.real_data
@REAL
@pytest.mark.parametrize("action", ["131_01", "131_02"])
def test_real_people_walk_forwards(real: dict[str, Clip], action: str) -> None:
    pose = present(real[action].pose_world_m).astype(float)
    pelvis, thorax = pose[:, 0], pose[:, JOINTS.index("thorax")]
    left = pose[:, JOINTS.index("left_hip")] - pose[:, JOINTS.index("right_hip")]
    forward = np.cross(left, thorax - pelvis)[:-1]
    forward[:, 2] = 0
    forward /= np.linalg.norm(forward, axis=-1, keepdims=True)
    step = np.diff(pelvis, axis=0)
    ahead_m, travelled_m = np.sum(step * forward), np.linalg.norm(step[:, :2], axis=-1).sum()
    # The rest is the pelvis's sway to the sides; a body facing backwards would be below zero.
    assert ahead_m > 0.5 * travelled_m > 1.0


@pytest.mark.real_data
@REAL
@pytest.mark.parametrize(
    ("action", "subject", "later"),
    [
        ("131_01", "S131", 1),
        ("131_02", "S131", 1),
        ("indian_13", "S94", 0),
        ("martial_04", "S135", 0),
    ],
)
def test_real_takes_agree_with_the_reduced_ones(
    real: dict[str, Clip], action: str, subject: str, later: int
) -> None:
    """later: the reduced set starts a row later, taking every first row for a rest pose."""
    expected = load_npz(REDUCED)["positions_3d"][subject][action].astype(float)
    pose = present(real[action].pose_world_m)[later:].astype(float)
    time = np.arange(len(expected)) * 2.4
    before = np.minimum(time.astype(int), len(pose) - 2)
    share = (time - before)[:, None, None]
    apart_m = expected - (1 - share) * pose[before] - share * pose[before + 1]
    apart_m -= np.median(apart_m, axis=(0, 1))
    assert np.linalg.norm(apart_m, axis=-1).max() < 0.02
