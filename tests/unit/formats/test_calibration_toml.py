"""Calibrations that are not what Pose2Sim writes; the right ones are in the importers' tests."""

from pathlib import Path

import pytest
from tests.sources.detections import CALIBRATION

from monopose.errors import InputError
from monopose.formats.calibration_toml import read_calibration

MATRIX = "matrix = [ [ 700.0, 0.0, 320.0], [ 0.0, 710.0, 240.0], [ 0.0, 0.0, 1.0]]"


@pytest.mark.parametrize(
    ("instead", "message"),
    [
        ("matrix = 5", "matrix is 5, not 3 x 3"),
        ('matrix = "abc"', "matrix is 'abc', not 3 x 3"),
        ("matrix = [[1, 0, 0], [0, 1, 0]]", r"matrix is \[\[.*, not 3 x 3"),
        ("matrix = [[1, 0, 0], [0, 1, 0], [0, 0, true]]", "matrix holds True, not a usual number"),
        ("", "matrix is None, not 3 x 3"),
    ],
)
def test_a_matrix_that_is_none_is_refused(tmp_path: Path, instead: str, message: str) -> None:
    path = tmp_path / "Calib.toml"
    path.write_text(CALIBRATION)
    assert [camera.fx for camera in read_calibration(path)] == [700, 720]
    path.write_text(CALIBRATION.replace(MATRIX, instead))
    with pytest.raises(InputError, match=rf"Calib.toml \[cam_01\]: {message}"):
        read_calibration(path)
