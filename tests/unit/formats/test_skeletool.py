"""MPI-INF-3DHP's text of calibrated cameras."""

from pathlib import Path

import numpy as np
import pytest
from tests.sources.mpi_inf_3dhp import calibration, extrinsic_mm

from monopose.errors import InputError
from monopose.formats.skeletool import read_calibration

TEXT = """Skeletool Camera Calibration File V1.0
name          7
  sensor      10 10
  size        2048 1024
  animated    0
  intrinsic   1500 0 1000 0 0 1400 500 0 0 0 1 0 0 0 0 1 \r
  extrinsic   0 1 0 10 -1 0 0 20 0 0 1 3000 0 0 0 1 \r
  radial      0
"""


def test_a_block_is_read_by_its_keywords(tmp_path: Path) -> None:
    path = tmp_path / "camera.calibration"
    path.write_text(TEXT)
    cameras = read_calibration(path)
    assert list(cameras) == ["7"]
    assert cameras["7"].size_px == (2048, 1024)
    np.testing.assert_array_equal(cameras["7"].intrinsic[:2, :3], [[1500, 0, 1000], [0, 1400, 500]])
    np.testing.assert_array_equal(cameras["7"].extrinsic_mm[:3, 3], [10, 20, 3000])
    np.testing.assert_array_equal(cameras["7"].extrinsic_mm[0, :3], [0, 1, 0])


@pytest.mark.parametrize("title", [True, False])
def test_the_title_may_be_missing(tmp_path: Path, title: bool) -> None:
    path = tmp_path / "camera.calibration"
    path.write_text(calibration(title))
    cameras = read_calibration(path)
    assert list(cameras) == [str(camera) for camera in range(14)]
    np.testing.assert_allclose(cameras["3"].extrinsic_mm, extrinsic_mm(3), atol=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("radial      0", "radial      0.1", "distortion"),
        ("extrinsic   0 1", "extrinsic   0 2", "not a rotation"),
        ("extrinsic   0 1 0", "extrinsic   0 -1 0", "not a rotation"),
        ("extrinsic   0 1 0", "extrinsic   0 1", "extrinsic' needs 16"),
        ("1500", "nan", "intrinsic' needs 16"),
        ("1500", "-1500", "focal length"),
        ("2048 1024", "0 1024", "0 x 1024"),
        ("  intrinsic", "  intrinsics", "intrinsic' needs 16"),
        ("name          7", "name", "name '' is empty"),
    ],
)
def test_wrong_parts_are_named_with_their_line(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    path = tmp_path / "camera.calibration"
    assert old in TEXT
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(InputError, match=told) as caught:
        read_calibration(path)
    assert "camera.calibration line 2" in str(caught.value)


def test_a_name_comes_once(tmp_path: Path) -> None:
    path = tmp_path / "camera.calibration"
    path.write_text(TEXT + TEXT.partition("\n")[2])
    with pytest.raises(InputError, match="'7' is empty or taken"):
        read_calibration(path)


def test_a_text_without_cameras(tmp_path: Path) -> None:
    path = tmp_path / "camera.calibration"
    path.write_text("Skeletool Camera Calibration File V1.0\n")
    with pytest.raises(InputError, match="holds no camera"):
        read_calibration(path)
