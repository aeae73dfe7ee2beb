"""BVH files: joints whose places are known in closed form."""

from pathlib import Path

import numpy as np
import pytest

from monopose.errors import InputError
from monopose.formats.bvh import Bvh, joint_positions, read_bvh, write_bvh

# An upper arm of 2 along +X, a forearm of 1 along +X.
ARM = """\
HIERARCHY
ROOT shoulder
{
\tOFFSET 7 7 7
\tCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
\tJOINT elbow
\t{
\t\tOFFSET 2 0 0
\t\tCHANNELS %s
\t\tEnd Site
\t\t{
\t\t\tOFFSET 1 0 0
\t\t}
\t}
}
MOTION
Frames: 1
Frame Time: 0.0083333
"""


def places(folder: Path, values: str, elbow: str = "3 Zrotation Xrotation Yrotation") -> np.ndarray:
    (folder / "arm.bvh").write_text(ARM % elbow + values + "\n")
    bvh = read_bvh(folder / "arm.bvh")
    assert bvh.names == ("shoulder", "elbow", "elbow.end")
    found: np.ndarray = np.round(joint_positions(bvh)[0], 9)
    return found


def test_at_rest_joints_are_offsets_from_the_roots_position(tmp_path: Path) -> None:
    found = places(tmp_path, "1 2 3 0 0 0 0 0 0")
    np.testing.assert_array_equal(found, [[1, 2, 3], [3, 2, 3], [4, 2, 3]])


def test_an_elbow_of_90_degrees(tmp_path: Path) -> None:
    np.testing.assert_array_equal(places(tmp_path, "0 0 0 0 0 0 90 0 0")[2], [2, 1, 0])


def test_a_turned_shoulder_carries_the_forearm(tmp_path: Path) -> None:
    found = places(tmp_path, "0 0 0 90 0 0 90 0 0")
    np.testing.assert_array_equal(found[1:], [[0, 2, 0], [-1, 2, 0]])


def test_rotations_apply_in_the_order_of_the_channels_about_moving_axes(tmp_path: Path) -> None:
    # R = Rz(90) Ry(90): Ry takes +X to -Z, which Rz leaves.
    found = places(tmp_path, "0 0 0 0 0 0 90 90", elbow="2 Zrotation Yrotation")
    np.testing.assert_array_equal(found[2], [2, 0, -1])
    # R = Ry(90) Rz(90): Rz takes +X to +Y, which Ry leaves.
    found = places(tmp_path, "0 0 0 0 0 0 90 90", elbow="2 Yrotation Zrotation")
    np.testing.assert_array_equal(found[2], [2, 1, 0])


def test_channels_of_any_count_and_order(tmp_path: Path) -> None:
    found = places(tmp_path, "0 0 0 0 0 0 90", elbow="1 Zrotation")
    np.testing.assert_array_equal(found[2], [2, 1, 0])
    found = places(tmp_path, "0 0 0 0 0 0 90 5", elbow="2 Zrotation Xposition")
    np.testing.assert_array_equal(found[1:], [[5, 0, 0], [5, 1, 0]])
    found = places(tmp_path, "0 0 0 0 0 0", elbow="0")
    np.testing.assert_array_equal(found[2], [3, 0, 0])


def test_lines_may_be_broken_in_other_places(tmp_path: Path) -> None:
    places(tmp_path, "0 0 0 0 0 0 90 0 0")
    text = (tmp_path / "arm.bvh").read_text()
    for old, new in (("\n{", " {"), ("\n", "\r\n"), ("JOINT elbow", "JOINT  my elbow")):
        (tmp_path / "arm.bvh").write_text(text.replace(old, new))
        bvh = read_bvh(tmp_path / "arm.bvh")
        np.testing.assert_allclose(joint_positions(bvh)[0, 2], [2, 1, 0], atol=1e-9)


@pytest.mark.parametrize(
    ("printed", "fps"),
    [(".0083333", 120), ("0.00833333", 120), ("0.016667", 60), ("0.0333667", 29.97), ("0.04", 25)],
)
def test_rates_are_what_the_printed_time_stands_for(
    tmp_path: Path, printed: str, fps: float
) -> None:
    places(tmp_path, "0 0 0 0 0 0 90 0 0")
    text = (tmp_path / "arm.bvh").read_text()
    (tmp_path / "arm.bvh").write_text(text.replace("0.0083333", printed))
    assert read_bvh(tmp_path / "arm.bvh").fps == pytest.approx(fps, abs=1e-3)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    places(tmp_path, "1 2 3 10 20 30 40 50 60")
    first = read_bvh(tmp_path / "arm.bvh")
    values = np.random.default_rng(0).uniform(-180, 180, (5, 9))
    write_bvh(tmp_path / "again.bvh", Bvh(first.joints, values, 1 / 50))
    again = read_bvh(tmp_path / "again.bvh")
    assert again.joints == first.joints
    assert again.fps == 50
    np.testing.assert_allclose(again.values, values, atol=5.1e-7)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("MOTION", "MOVES", "no MOTION"),
        ("Frames: 1", "Frames: 2", "holds 9 values, 2 frames of 9"),
        ("Zrotation Xrotation Yrotation\n\t\tEnd", "Zrotation\n\t\tEnd", "CHANNELS is '3 Zr"),
        ("0 0 0 90", "0 x 0 90", "'x' where a number"),
        ("0 0 0 90", "0 inf 0 90", "'inf'"),
        ("ROOT", "JOINT", "JOINT out of place"),
        ("OFFSET 2 0 0", "OFFSET 2 0", "elbow': OFFSET is '2 0'"),
        ("Frame Time: 0.0083333", "Frame Time: -1", "Frame Time is -1"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, said: str) -> None:
    places(tmp_path, "0 0 0 0 0 0 90 0 0")
    text = (tmp_path / "arm.bvh").read_text()
    assert old in text
    (tmp_path / "arm.bvh").write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=said) as caught:
        read_bvh(tmp_path / "arm.bvh")
    assert "arm.bvh" in str(caught.value)
