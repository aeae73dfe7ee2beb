"""Perspective correction of crops: a crop is what a virtual camera turned towards it would see.

A pose predicted from a crop lives in the frame of that virtual camera, whose axis goes through
the crop's centre. Source: Mehta et al. 2017; Habibie et al. 2019 use it without giving a formula,
so the choice of a rotation without roll is ours.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from monopose.geometry.camera import Camera, pixel_rays


def crop_rotation(
    centre_px: Float[np.ndarray, "*batch 2"], camera: Camera
) -> Float[np.ndarray, "*batch 3 3"]:
    """Rotation from the virtual camera's frame to the real one: R e_z is the ray of the centre.

    centre_px: crop centres in the full image. R = R_y(yaw) R_x(pitch), hence no roll; the
    identity for a crop around the principal point. Raises InputError without intrinsics.
    """
    return towards(pixel_rays(centre_px.astype(np.float64), camera))


def towards(rays: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Rotations without roll, R e_z = ray / |ray|, from a camera turned there to the camera."""
    x, y, z = np.moveaxis(rays, -1, 0)
    yaw = np.arctan2(x, z)
    pitch = -np.arctan2(y, np.hypot(x, z))
    angles = np.stack([yaw, pitch], axis=-1)
    matrix = Rotation.from_euler("YX", angles.reshape(-1, 2)).as_matrix()
    return matrix.reshape(*angles.shape[:-1], 3, 3)


def crop_to_camera(
    pose_crop_m: Float[np.ndarray, "*batch J 3"], rotation: Float[np.ndarray, "*batch 3 3"]
) -> Float[np.ndarray, "*batch J 3"]:
    """Root-relative poses of the virtual camera's frame in the real camera's frame, metres."""
    return pose_crop_m @ np.swapaxes(rotation, -1, -2)


def camera_to_crop(
    pose_camera_m: Float[np.ndarray, "*batch J 3"], rotation: Float[np.ndarray, "*batch 3 3"]
) -> Float[np.ndarray, "*batch J 3"]:
    """Inverse of `crop_to_camera`: what a network that sees the crop is trained to predict."""
    return pose_camera_m @ rotation
