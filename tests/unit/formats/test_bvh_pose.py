"""Clip -> BVH -> clip: positions come back where bones keep their lengths."""

from pathlib import Path

import numpy as np
import pytest
from tests.clip_files import make_clip
from tests.present import present

from monopose.data.studio.studio import studio_clips
from monopose.errors import InputError
from monopose.formats.bvh import joint_positions, read_bvh
from monopose.formats.bvh_pose import bvh_of_pose, write_clip_bvh
from monopose.formats.unpickle import load_npz
from monopose.skeleton import JOINT_SETS, JointSet, joint_set

REAL = Path(__file__).parents[3] / ".." / "shared" / "data" / "cmu17"

# Printed angles are rounded by 5e-7 degrees (9e-9 rad): at most 10 bones of 0.4 m add up to
# 4e-5 mm; offsets are rounded by 5e-6 mm, positions in float32 by 2.4e-4 mm within 4 m.
EXACT_MM = 1e-3


def swinging(joints: JointSet, frames: int, rng: np.random.Generator) -> np.ndarray:
    """Bones of constant length in any direction, near the origin: the hardest motion there is."""
    pose = np.zeros((frames, len(joints), 3))
    placed = {joints.root}
    pose[:, joints.root] = rng.normal(size=(frames, 3))
    while len(placed) < len(joints):
        for joint, parent in joints.bones:
            if parent in placed and joint not in placed:
                direction = rng.normal(size=(frames, 3))
                direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
                pose[:, joint] = pose[:, parent] + rng.uniform(0.1, 0.4) * direction
                placed.add(joint)
    return pose.astype(np.float32)


def back(path: Path, joints: str) -> np.ndarray:
    """Positions of a written file: metres, Z up."""
    bvh = read_bvh(path)
    cm = joint_positions(bvh)
    x, y, z = np.moveaxis(
        np.stack([cm[:, bvh.names.index(n)] for n in joint_set(joints).joints], 1), -1, 0
    )
    found: np.ndarray = np.stack([x, -z, y], axis=-1) / 100
    return found


@pytest.mark.parametrize("joints", JOINT_SETS)
def test_constant_bones_come_back(joints: str, tmp_path: Path) -> None:
    pose = swinging(joint_set(joints), 30, np.random.default_rng(0))
    clip = make_clip(30, joint_set=joints, pose_world_m=pose, keypoints_px=None)
    write_clip_bvh(tmp_path / "a.bvh", clip)
    error_mm = np.linalg.norm(back(tmp_path / "a.bvh", joints) - pose, axis=-1) * 1000
    assert error_mm.max() < EXACT_MM
    assert read_bvh(tmp_path / "a.bvh").fps == clip.fps


def test_bones_that_point_against_their_rest_come_back(tmp_path: Path) -> None:
    # A body upside down, arms crossed to the other side: each bone opposite to where it rests.
    bvh = bvh_of_pose(swinging(joint_set("h36m17"), 2, np.random.default_rng(1)), "h36m17", 50.0)
    rest = np.zeros((1, len(bvh.joints), 3))
    for index, joint in enumerate(bvh.joints):
        if joint.parent >= 0:
            rest[0, index] = rest[0, joint.parent] - joint.offset
    x, y, z = np.moveaxis(rest[:, [bvh.names.index(n) for n in joint_set("h36m17").joints]], -1, 0)
    pose = (np.stack([x, -z, y], axis=-1) / 100).astype(np.float32)
    write_clip_bvh(tmp_path / "a.bvh", make_clip(1, pose_world_m=pose, keypoints_px=None))
    np.testing.assert_allclose(back(tmp_path / "a.bvh", "h36m17"), pose, atol=EXACT_MM / 1000)


def test_programs_find_one_offset_per_joint_and_a_plain_root(tmp_path: Path) -> None:
    clip = next(studio_clips(seed=1, seconds=0.2, subjects=3, actions=("walk",), detections="gt"))
    write_clip_bvh(tmp_path / "a.bvh", clip)
    bvh = read_bvh(tmp_path / "a.bvh")
    assert [joint.name for joint in bvh.joints if len(joint.channels) == 6] == ["pelvis"]
    assert bvh.joints[0].channels[:3] == ("Xposition", "Yposition", "Zposition")
    assert bvh.joints[0].channels[3:] == ("Zrotation", "Yrotation", "Xrotation")
    assert {len(joint.channels) for joint in bvh.joints[1:]} == {0, 3}
    text = (tmp_path / "a.bvh").read_text()
    assert text.count("OFFSET") == text.count("{") == text.count("}") == len(bvh.joints)
    # The root stands at hip height, in centimetres, Y up.
    assert 70 < bvh.values[:, 1].mean() < 120


def test_a_walks_root_channels_are_its_heading() -> None:
    # A rigid body that turns about the vertical by 40 degrees: the root turns by as much, and
    # nothing below it moves.
    clip = next(studio_clips(seed=1, seconds=0.1, subjects=3, actions=("walk",), detections="gt"))
    start = present(clip.pose_world_m)[0].astype(float)
    angle = np.radians(40)
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    bvh = bvh_of_pose(np.stack([start, start @ turn.T]).astype(np.float32), "h36m17", 50.0)
    np.testing.assert_allclose(bvh.values[1, 6:], bvh.values[0, 6:], atol=1e-3)
    assert np.abs(bvh.values[1, 3:6] - bvh.values[0, 3:6]).max() > 30


def test_a_clip_without_a_world_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no 3D in the world"):
        write_clip_bvh(tmp_path / "a.bvh", make_clip(pose_world_m=None))


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.exists(), reason="the real motion is not on this machine")
@pytest.mark.parametrize(
    ("subject", "action"), [("S02", "02_01"), ("S01", "01_01"), ("S94", "indian_13")]
)
def test_real_motion_comes_back_within_its_bones_variation(
    subject: str, action: str, tmp_path: Path
) -> None:
    pose = load_npz(REAL / "data_3d_cmu17.npz")["positions_3d"][subject][action]
    write_clip_bvh(tmp_path / "a.bvh", make_clip(len(pose), pose_world_m=pose, keypoints_px=None))
    error_m = np.linalg.norm(back(tmp_path / "a.bvh", "h36m17") - pose, axis=-1)
    joints = joint_set("h36m17")
    # A joint is off by at most what the bones from the root to it deviate from their means.
    allowed_m = np.zeros(pose.shape[:2])
    for joint, parent in joints.bones:
        length_m = np.linalg.norm(pose[:, joint] - pose[:, parent], axis=-1)
        allowed_m[:, joint] = allowed_m[:, parent] + np.abs(length_m - length_m.mean())
    assert (error_m <= allowed_m + EXACT_MM / 1000).all()
