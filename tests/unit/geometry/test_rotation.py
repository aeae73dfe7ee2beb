from collections.abc import Callable

import numpy as np
import pytest
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from monopose.geometry import rotation


def random_matrices(count: int) -> Float64[np.ndarray, "count 3 3"]:
    return Rotation.random(count, rng=np.random.default_rng(0)).as_matrix()


def test_a_quaternion_is_read_w_first() -> None:
    half = np.sqrt(0.5)
    quarter_turn_about_z = np.array([half, 0, 0, half])
    expected = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    matrix = rotation.quaternion_to_matrix(quarter_turn_about_z)
    np.testing.assert_allclose(matrix, expected, atol=1e-12)


def test_a_quaternion_agrees_with_the_sandwich_product_formula() -> None:
    quaternion = np.random.default_rng(1).normal(size=(5, 4))
    w, x, y, z = (quaternion / np.linalg.norm(quaternion, axis=1, keepdims=True)).T
    first_row = np.stack(
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], axis=-1
    )
    matrix = rotation.quaternion_to_matrix(quaternion)
    np.testing.assert_allclose(matrix[:, 0], first_row, atol=1e-12)


@pytest.mark.parametrize(
    ("forward", "back"),
    [
        (rotation.matrix_to_quaternion, rotation.quaternion_to_matrix),
        (rotation.matrix_to_axis_angle, rotation.axis_angle_to_matrix),
        (rotation.matrix_to_sixd, rotation.sixd_to_matrix),
    ],
)
def test_round_trips_keep_matrices_and_leading_axes(
    forward: Callable[[np.ndarray], np.ndarray], back: Callable[[np.ndarray], np.ndarray]
) -> None:
    matrices = random_matrices(6).reshape(2, 3, 3, 3)
    np.testing.assert_allclose(back(forward(matrices)), matrices, atol=1e-12)
    np.testing.assert_allclose(back(forward(matrices[0, 0])), matrices[0, 0], atol=1e-12)


def test_quaternions_have_a_nonnegative_real_part() -> None:
    assert (rotation.matrix_to_quaternion(random_matrices(50))[:, 0] >= 0).all()


def test_axis_angle_of_a_quarter_turn_about_x() -> None:
    matrix = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    np.testing.assert_allclose(rotation.matrix_to_axis_angle(matrix), [np.pi / 2, 0, 0], atol=1e-12)


def test_6d_is_orthonormalised_into_a_rotation() -> None:
    sixd = np.random.default_rng(2).normal(size=(7, 6))
    matrix = rotation.sixd_to_matrix(sixd)
    identity = np.broadcast_to(np.eye(3), (7, 3, 3))
    np.testing.assert_allclose(matrix @ np.swapaxes(matrix, 1, 2), identity, atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(matrix), 1, atol=1e-12)
    assert (np.cross(matrix[:, :, 0], sixd[:, :3]) < 1e-12).all()
