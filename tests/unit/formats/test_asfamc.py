"""Acclaim files: bones whose ends are known in closed form."""

from pathlib import Path

import numpy as np
import pytest

from monopose.errors import InputError
from monopose.formats.asfamc import joint_positions_m, read_amc, read_asf

# An upper arm along +X and a forearm along +X, each 2 units; a unit is an inch / 0.5.
ARM = """\
:version 1.10
:units
  length 0.5
  angle deg
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 1 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name upper
     direction 1 0 0
     length 2
     axis 0 0 {upper_axis} XYZ
     dof rx ry rz
     limits (-90 90)
            (-90 90)
            (-90 90)
  end
  begin
     id 2
     name fore
     direction 1 0 0
     length 2
     axis 0 0 {fore_axis} XYZ
    dof {fore_dof}
  end
:hierarchy
  begin
    root upper
    upper fore
  end
"""
UNIT_M = 0.0254 / 0.5


def ends(
    folder: Path,
    rows: list[str],
    *,
    upper_axis: float = 0,
    fore_axis: float = 0,
    fore_dof: str = "rz",
    extra: str = "",
) -> dict[str, list[float]]:
    """Positions in file units of the motion's last frame."""
    (folder / "a.asf").write_text(
        ARM.format(upper_axis=upper_axis, fore_axis=fore_axis, fore_dof=fore_dof) + extra
    )
    (folder / "a.amc").write_text(":FULLY-SPECIFIED\n:DEGREES\n1\n" + "\n".join(rows) + "\n")
    skeleton = read_asf(folder / "a.asf")
    found = joint_positions_m(skeleton, read_amc(folder / "a.amc", skeleton))
    return {name: list(np.round(end[-1] / UNIT_M, 9) + 0.0) for name, end in found.items()}


def test_at_rest_bones_lie_along_their_directions(tmp_path: Path) -> None:
    found = ends(tmp_path, ["root 0 0 0 0 0 0", "upper 0 0 0", "fore 0"])
    assert found == {"root": [1, 0, 0], "upper": [3, 0, 0], "fore": [5, 0, 0]}


def test_an_elbow_of_90_degrees(tmp_path: Path) -> None:
    found = ends(tmp_path, ["root 0 0 0 0 0 0", "upper 0 0 0", "fore 90"])
    assert found["fore"] == [3, 2, 0]


def test_a_turned_shoulder_carries_the_forearm(tmp_path: Path) -> None:
    found = ends(tmp_path, ["root 0 0 0 0 0 0", "upper 0 0 90", "fore 90"])
    assert found["upper"] == [1, 2, 0]
    assert found["fore"] == [-1, 2, 0]


def test_the_first_freedom_acts_first(tmp_path: Path) -> None:
    # About fixed axes: x does nothing to +X, z turns it to +Y. The other way round x would then
    # turn +Y to +Z.
    assert ends(tmp_path, ["root 0 0 0 0 0 0", "upper 90 0 90", "fore 0"])["upper"] == [1, 2, 0]


def test_the_root_moves_and_turns_everything(tmp_path: Path) -> None:
    found = ends(tmp_path, ["root 4 5 6 0 90 0", "upper 0 0 0", "fore 0"])
    assert found["root"] == [5, 5, 6]
    assert found["upper"] == [5, 5, 4]


def test_free_angles_are_about_the_bones_own_axes(tmp_path: Path) -> None:
    # With C = 90 degrees about z the bone's own x axis is +Y: turning about it takes +X to -Z.
    found = ends(
        tmp_path, ["root 0 0 0 0 0 0", "upper 0 0 0", "fore 90"], fore_axis=90, fore_dof="rx"
    )
    assert found["fore"] == [3, 0, -2]


def test_bones_of_a_motion_may_stand_in_any_order(tmp_path: Path) -> None:
    found = ends(tmp_path, ["fore 90", "upper 0 0 0", "root 0 0 0 0 0 0"])
    assert found["fore"] == [3, 2, 0]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["root 0 0 0 0 0 0", "upper 0 0 0"], "no values of 'fore'"),
        (["root 0 0 0 0 0 0", "upper 0 0", "fore 0"], "2 values of 'upper'"),
        (["root 0 0 0 0 0 0", "upper 0 0 0", "fore 0", "hand 0"], "a bone that the skeleton"),
        (["root 0 0 0 0 0 0", "upper 0 0 0", "fore 0", "3"], "where frame 2 belongs"),
        (["root 0 0 0 0 0 0", "upper 0 0 0", "fore nan"], "'nan'"),
    ],
)
def test_a_motion_that_does_not_fit_is_refused(tmp_path: Path, rows: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ends(tmp_path, rows)
