"""Rotations as matrices, quaternions (w, x, y, z), axis-angle vectors and 6D, on scipy.

A rotation matrix acts on column vectors: x' = R x. Leading axes are batches. Angles: radians.
scipy raises ValueError for a quaternion of zero length or a matrix that is no rotation.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation


def quaternion_to_matrix(
    quaternion_wxyz: Float[np.ndarray, "*batch 4"],
) -> Float[np.ndarray, "*batch 3 3"]:
    """Matrices of quaternions (w first), which need not be of unit length."""
    rotation = Rotation.from_quat(quaternion_wxyz.reshape(-1, 4), scalar_first=True)
    return rotation.as_matrix().reshape(*quaternion_wxyz.shape[:-1], 3, 3)


def matrix_to_quaternion(
    matrix: Float[np.ndarray, "*batch 3 3"],
) -> Float[np.ndarray, "*batch 4"]:
    """Unit quaternions (w first) with w >= 0."""
    rotation = Rotation.from_matrix(matrix.reshape(-1, 3, 3))
    quaternion = rotation.as_quat(canonical=True, scalar_first=True)
    return quaternion.reshape(*matrix.shape[:-2], 4)


def axis_angle_to_matrix(
    axis_angle: Float[np.ndarray, "*batch 3"],
) -> Float[np.ndarray, "*batch 3 3"]:
    """Matrices of rotation vectors: direction is the axis, length the angle in radians."""
    rotation = Rotation.from_rotvec(axis_angle.reshape(-1, 3))
    return rotation.as_matrix().reshape(*axis_angle.shape[:-1], 3, 3)


def matrix_to_axis_angle(
    matrix: Float[np.ndarray, "*batch 3 3"],
) -> Float[np.ndarray, "*batch 3"]:
    """Rotation vectors of length 0..pi radians."""
    rotation = Rotation.from_matrix(matrix.reshape(-1, 3, 3))
    return rotation.as_rotvec().reshape(*matrix.shape[:-2], 3)


def sixd_to_matrix(sixd: Float[np.ndarray, "*batch 6"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Matrices whose first two columns are the 6D vector's halves, orthonormalised.

    Source: Zhou et al. 2019, eq. (15). The halves must not be parallel or zero.
    """
    first = sixd[..., :3] / np.linalg.norm(sixd[..., :3], axis=-1, keepdims=True)
    along = (first * sixd[..., 3:]).sum(axis=-1, keepdims=True)
    second = sixd[..., 3:] - along * first
    second = second / np.linalg.norm(second, axis=-1, keepdims=True)
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def matrix_to_sixd(matrix: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch 6"]:
    """The first two columns, one after the other (Zhou et al. 2019, eq. (14))."""
    return np.concatenate([matrix[..., 0], matrix[..., 1]], axis=-1)
