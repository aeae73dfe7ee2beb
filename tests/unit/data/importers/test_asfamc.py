"""CMU's ASF/AMC, against the same takes in the data set that was made from them elsewhere."""

from pathlib import Path

import numpy as np
import pytest
from tests.present import present
from tests.sources import asfamc as source

from monopose.data.clip import Clip
from monopose.data.importers.catalog import plan_import
from monopose.data.importers.source import ImportOptions
from monopose.errors import InputError
from monopose.formats.unpickle import load_npz
from monopose.skeleton import joint_set

SHARED = Path(__file__).parents[4] / ".." / "shared" / "data"
RAW, REDUCED = SHARED / "cmu_raw" / "asfamc", SHARED / "cmu17" / "data_3d_cmu17.npz"
JOINTS = joint_set("h36m17")
REDUCED_FPS = 50.0
# A joint that moves so far in 1/120 s is a fault of the capture, not of a person (36 m/s).
GLITCH_M = 0.3


def clips(folder: Path, **options: object) -> dict[str, Clip]:
    chosen = ImportOptions(detections="gt", **options)  # type: ignore[arg-type]
    return {clip.action: clip for clip in plan_import("asfamc", [folder], chosen).clips()}


def test_the_small_source_comes_in_as_laid_out(tmp_path: Path) -> None:
    source.write(tmp_path)
    found = clips(tmp_path)
    assert [(c.clip_id, c.subject, c.num_frames, c.fps) for c in found.values()] == [
        ("asfamc/02/02_01", "02", 9, 120.0),
        ("asfamc/02/02_02", "02", 6, 120.0),
    ]
    pose = present(found["02_01"].pose_world_m)
    unit_m = 0.0254 / 0.45
    bones = {"left_knee": 7.5, "left_ankle": 7.25, "right_elbow": 5, "right_wrist": 3.5}
    for joint, length in bones.items():
        index = JOINTS.index(joint)
        found_m = np.linalg.norm(pose[:, index] - pose[:, JOINTS.parents[index]], axis=-1)
        np.testing.assert_allclose(found_m, length * unit_m, rtol=1e-5)
    # The root walks 0.5 units a frame along the file's Z, which is -Y with Z up.
    travelled = pose[-1, JOINTS.index("pelvis")] - pose[0, JOINTS.index("pelvis")]
    assert travelled[1] == pytest.approx(-8 * 0.5 * unit_m, abs=0.02)
    assert (pose[:, JOINTS.index("head_top"), 2] > pose[:, JOINTS.index("left_ankle"), 2] + 1).all()


def test_every_nth_frame_is_kept_at_the_lower_rate(tmp_path: Path) -> None:
    source.write(tmp_path)
    every, third = clips(tmp_path)["02_01"], clips(tmp_path, stride=3)["02_01"]
    assert (third.fps, third.num_frames) == (40.0, 3)
    np.testing.assert_array_equal(present(third.pose_world_m), present(every.pose_world_m)[::3])
    assert clips(tmp_path, fps=60.0, stride=2)["02_01"].fps == 30.0


def test_joints_can_be_converted(tmp_path: Path) -> None:
    source.write(tmp_path)
    found = clips(tmp_path, joint_set="humaneva15")["02_01"]
    assert present(found.pose_world_m).shape == (9, 15, 3)
    with pytest.raises(InputError, match="nose"):
        clips(tmp_path, joint_set="coco17")


def test_skeletons_are_found_by_name(tmp_path: Path) -> None:
    source.write(tmp_path)
    (tmp_path / "03.asf").write_text(source.skeleton())
    (tmp_path / "03_01.amc").write_text(source.motion(3))
    assert clips(tmp_path)["03_01"].subject == "03"
    (tmp_path / "04_01.amc").write_text(source.motion(3))
    with pytest.raises(InputError, match=r"04_01.amc: has no skeleton; put 04.asf beside it"):
        clips(tmp_path)


def test_a_lone_skeleton_of_another_name_is_told(tmp_path: Path) -> None:
    source.write(tmp_path)
    chosen = ImportOptions(detections="gt")
    before = plan_import("asfamc", [tmp_path], chosen).notes
    assert not any("skeleton" in note for note in before)
    (tmp_path / "01_01.amc").write_text(source.motion(3))
    (tmp_path / "01_02.amc").write_text(source.motion(3))
    notes = plan_import("asfamc", [tmp_path], chosen).notes
    assert set(notes) - set(before) == {
        "02.asf is taken for the skeleton, and subject 02, of 01_01.amc and 1 more, whose name "
        "says another: there is no other skeleton"
    }
    assert clips(tmp_path)["01_01"].subject == "02"


def test_a_skeleton_without_a_bone_says_what_it_has(tmp_path: Path) -> None:
    source.write(tmp_path)
    text = (tmp_path / "02.asf").read_text()
    (tmp_path / "02.asf").write_text(text.replace("upperneck", "neck"))
    for motion in tmp_path.glob("*.amc"):
        motion.write_text(motion.read_text().replace("upperneck", "neck"))
    with pytest.raises(InputError, match=r"02.asf: has no upperneck; it has root, lhipjoint, "):
        clips(tmp_path)


def at_50_hz(pose_m: np.ndarray, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions at k / 50 s between those at 120 Hz, linearly, and where no glitch is near.

    The last moment may lie up to half a frame after the last row, and is extrapolated.
    """
    time = np.arange(frames) * 120.0 / REDUCED_FPS
    before = np.minimum(time.astype(int), len(pose_m) - 2)
    share = (time - before)[:, None, None]
    steps_m = np.linalg.norm(np.diff(pose_m, axis=0), axis=-1).max(axis=-1)
    near = [slice(max(0, first - 2), first + 3) for first in before]
    clean = np.array([(steps_m[span] < GLITCH_M).all() for span in near])
    return (1 - share) * pose_m[before] + share * pose_m[before + 1], clean


@pytest.mark.real_data
@pytest.mark.skipif(not RAW.exists(), reason="the real motion is not on this machine")
def test_real_takes_agree_with_the_reduced_ones() -> None:
    reduced = load_npz(REDUCED)["positions_3d"]
    found = clips(RAW)
    assert len(found) == 16
    left_out, frames = 0, 0
    for action, clip in found.items():
        expected = reduced[f"S{clip.subject}"][action].astype(float)
        resampled, clean = at_50_hz(present(clip.pose_world_m).astype(float), len(expected))
        difference_m = expected - resampled
        apart_m = difference_m - np.median(difference_m, axis=(0, 1))
        assert np.linalg.norm(apart_m[clean], axis=-1).max() < 0.02, action
        assert np.linalg.norm(apart_m, axis=-1).mean() < 0.0005, action
        assert np.abs(_bone_lengths_m(expected) - _bone_lengths_m(resampled)).max() < 0.001
        left_out, frames = left_out + int((~clean).sum()), frames + len(clean)
    # Three faults of the capture: 01_06 at 39.6 and 39.7 s, 03_02 at 0.4 s.
    assert left_out < 0.002 * frames


def _bone_lengths_m(pose_m: np.ndarray) -> np.ndarray:
    """Of limbs; in the trunk, joints are not joined by one rigid bone."""
    limbs = ("knee", "ankle", "shoulder", "elbow", "wrist", "hip")
    bones = [(j, p) for j, p in JOINTS.bones if JOINTS.joints[j].endswith(limbs)]
    lengths = [np.median(np.linalg.norm(pose_m[:, j] - pose_m[:, p], axis=-1)) for j, p in bones]
    return np.array(lengths)
