"""TRC markers as clips."""

from pathlib import Path

import numpy as np
import pytest
from tests.clip_files import make_clip
from tests.present import present
from tests.sources import trc as source

from monopose.data.clip import Clip
from monopose.data.importers.catalog import plan_import
from monopose.data.importers.source import ImportOptions
from monopose.data.studio.studio import studio_clips
from monopose.errors import InputError
from monopose.formats.trc import write_clip_trc
from monopose.skeleton import joint_set

MAP = Path(source.__file__).with_name("trc_joint_map.json")
REAL = Path(__file__).parents[4] / ".." / "shared" / "data" / "openpose_walk"
LSP14 = joint_set("lsp14")


def clips(folder: Path, **options: object) -> dict[str, Clip]:
    chosen = ImportOptions(**{"detections": "gt", **options})  # type: ignore[arg-type]
    return {clip.action: clip for clip in plan_import("trc", [folder], chosen).clips()}


def test_markers_become_joints_with_z_up(tmp_path: Path) -> None:
    source.write(tmp_path)
    found = clips(tmp_path, joint_map=MAP, joint_set="lsp14")["trial"]
    assert (found.clip_id, found.fps, found.num_frames) == ("trc/unknown/trial", 60.0, 7)
    pose = present(found.pose_world_m)
    for joint, marker in (("left_knee", "LKnee"), ("head_top", "Head"), ("right_wrist", "RWrist")):
        x, y, z = source.MARKERS[marker]
        np.testing.assert_allclose(pose[0, LSP14.index(joint)], [x, -z, y], atol=1.1e-3)


def test_frames_without_a_marker_cut_the_take(tmp_path: Path) -> None:
    (tmp_path / "trial.trc").write_text(source.text(7, empty=(2, "LKnee")))
    found = clips(tmp_path, joint_map=MAP, joint_set="lsp14")
    assert {name: (c.num_frames, c.start_frame) for name, c in found.items()} == {
        "trial_0": (2, 0),
        "trial_3": (4, 3),
    }
    (tmp_path / "trial.trc").write_text(source.text(7, empty=(2, "Nose")))
    assert clips(tmp_path, joint_map=MAP, joint_set="lsp14")["trial"].num_frames == 7
    (tmp_path / "trial.trc").write_text(source.text(1, empty=(0, "LKnee")))
    with pytest.raises(InputError, match="no frame has all the joints"):
        clips(tmp_path, joint_map=MAP)


def test_unknown_markers_ask_for_a_map(tmp_path: Path) -> None:
    (tmp_path / "trial.trc").write_text(source.text().replace("RHip", "R.ASIS"))
    with pytest.raises(InputError, match=r"trial.trc: cannot tell .* R.ASIS, .*; give --joint-map"):
        clips(tmp_path)


def test_pose2sims_markers_are_told_only_where_they_are_taken(tmp_path: Path) -> None:
    source.write(tmp_path)

    def told(**options: object) -> bool:
        notes = plan_import("trc", [tmp_path], ImportOptions(**options)).notes  # type: ignore[arg-type]
        return any("Pose2Sim" in note for note in notes)

    assert told()
    assert not told(joint_map=MAP)
    (tmp_path / "trial.trc").write_text("PathFileType")
    assert not told()


def test_pose2sims_markers_need_no_map(tmp_path: Path) -> None:
    source.write(tmp_path)
    found = clips(tmp_path)["trial"]
    assert found.joint_set == "mpi_inf_3dhp_14"
    joints = joint_set(found.joint_set)
    for joint, marker in (("left_hip", "LHip"), ("neck", "Neck"), ("right_wrist", "RWrist")):
        x, y, z = source.MARKERS[marker]
        pose_m = present(found.pose_world_m)[0, joints.index(joint)]
        np.testing.assert_allclose(pose_m, [x, -z, y], atol=1.1e-3)


def test_what_we_write_comes_in_by_itself(tmp_path: Path) -> None:
    clip = next(studio_clips(seed=1, seconds=0.5, subjects=3, actions=("walk",), detections="gt"))
    write_clip_trc(tmp_path / "walk.trc", clip)
    found = clips(tmp_path)["walk"]
    assert (found.joint_set, found.fps) == ("h36m17", clip.fps)
    # Six decimals of a metre.
    np.testing.assert_allclose(
        present(found.pose_world_m), present(clip.pose_world_m), rtol=0, atol=1e-6
    )
    write_clip_trc(tmp_path / "walk.trc", make_clip(3, joint_set="coco17"))
    with pytest.raises(InputError, match="the body is 0 m large"):
        clips(tmp_path)


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.exists(), reason="the real walk is not on this machine")
def test_the_real_walk_is_a_person() -> None:
    found = clips(REAL, joint_map=MAP, joint_set="lsp14")
    assert len(found) == 3
    for clip in found.values():
        pose = present(clip.pose_world_m)
        assert clip.num_frames == 100
        thigh = pose[:, LSP14.index("left_hip")] - pose[:, LSP14.index("left_knee")]
        assert 0.3 < np.median(np.linalg.norm(thigh, axis=-1)) < 0.5
        assert 1.4 < np.median(pose[:, LSP14.index("head_top"), 2]) < 2.0
