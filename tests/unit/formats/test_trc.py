"""TRC files: round trips and the layout that Pose2Sim writes."""

from pathlib import Path

import numpy as np
import pytest
from tests.clip_files import make_clip
from tests.sources import trc as source

from monopose.errors import InputError
from monopose.formats.trc import Trc, read_trc, write_clip_trc, write_trc

REAL = Path(__file__).parents[3] / ".." / "shared" / "data" / "openpose_walk"


@pytest.mark.parametrize(("unit", "last_digit_m"), [("m", 1e-6), ("cm", 1e-8), ("mm", 1e-9)])
def test_round_trips_are_exact_to_the_printed_digits(
    unit: str, last_digit_m: float, tmp_path: Path
) -> None:
    positions_m = np.random.default_rng(0).uniform(-3, 3, (6, 2, 3))
    positions_m[2, 1] = np.nan
    write_trc(tmp_path / "a.trc", Trc(("left knee", "b"), positions_m, 59.94, 5), unit)
    found = read_trc(tmp_path / "a.trc")
    assert (found.markers, found.fps, found.first_frame) == (("left knee", "b"), 59.94, 5)
    np.testing.assert_allclose(found.positions_m, positions_m, rtol=0, atol=0.51 * last_digit_m)
    write_trc(tmp_path / "a.trc", found, unit)
    again = read_trc(tmp_path / "a.trc")
    np.testing.assert_array_equal(np.round(again.positions_m, 9), np.round(found.positions_m, 9))


def test_a_clip_is_written_with_y_up(tmp_path: Path) -> None:
    pose = np.random.default_rng(0).uniform(-1, 1, (4, 17, 3)).astype(np.float32)
    write_clip_trc(tmp_path / "a.trc", make_clip(4, pose_world_m=pose, keypoints_px=None), "mm")
    found = read_trc(tmp_path / "a.trc")
    assert found.markers[:2] == ("pelvis", "right_hip")
    # What is up in the world is the second value in the file.
    np.testing.assert_allclose(found.positions_m[..., 1], pose[..., 2], atol=1e-8)
    np.testing.assert_allclose(found.positions_m[..., 2], -pose[..., 1], atol=1e-8)


def test_pose2sims_layout(tmp_path: Path) -> None:
    (tmp_path / "a.trc").write_text(source.text(3, empty=(1, "LHip")))
    found = read_trc(tmp_path / "a.trc")
    assert found.markers == tuple(source.MARKERS)
    assert (found.fps, found.first_frame) == (60.0, 1)
    hip = found.markers.index("LHip")
    assert np.isnan(found.positions_m[1, hip]).all()
    assert np.isfinite(found.positions_m[[0, 2]]).all()
    np.testing.assert_allclose(found.positions_m[0, hip], [0.0, 0.95, -0.1], atol=1.1e-3)


def test_millimetres_are_read_as_metres(tmp_path: Path) -> None:
    (tmp_path / "a.trc").write_text(source.text(3).replace("\tm\t", "\tmm\t"))
    found = read_trc(tmp_path / "a.trc")
    np.testing.assert_allclose(found.positions_m[0, 0], [0.0, 0.95e-3, 0.1e-3], atol=1.1e-6)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("60\t3\t", "60\t4\t", "NumFrames is 4, the file holds 3"),
        ("\tm\t", "\tfeet\t", "Units is 'feet'"),
        ("PathFileType", "File", "five header lines"),
        ("LHip", "RHip", "same name"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = source.text(3)
    assert old in text
    (tmp_path / "a.trc").write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=said):
        read_trc(tmp_path / "a.trc")


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.exists(), reason="the real walk is not on this machine")
def test_real_files_are_read() -> None:
    found = {path.stem: read_trc(path) for path in REAL.glob("*.trc")}
    assert len(found) == 3
    for trc in found.values():
        assert (len(trc.positions_m), trc.fps) == (100, 60.0)
        ankle = trc.positions_m[:, trc.markers.index("RAnkle"), 1]
        shoulder = trc.positions_m[:, trc.markers.index("RShoulder"), 1]
        assert 1.0 < np.median(shoulder - ankle) < 1.6
