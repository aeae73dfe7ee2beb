"""Which square of the full image a training crop shows, and what follows for 2D and 3D.

Axes: B samples, T frames, J joints. A crop's own coordinates q are normalised: -1..1 from outer
edge to outer edge, x right, y down. A view maps them to pixels of the full image by
p = centre + side / 2 * R(angle) F q, with F = diag(-1, 1) for a mirrored crop and 1 otherwise.

A crop is taken for the picture of a virtual camera that looks through its centre and is rolled
with it, so the 3D target is turned by the same angle about that camera's axis.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64

from monopose.geometry.camera import undistort
from monopose.geometry.crop import towards
from monopose.recipes.images import ImageAugmentation

_MIRROR = np.diag([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Views:
    """Squares of full images. centre_px, side_px: pixels; angle: radians, clockwise as seen."""

    centre_px: Float64[np.ndarray, "B T 2"]
    side_px: Float64[np.ndarray, "B T"]
    angle: Float64[np.ndarray, " B"]
    mirrored: Bool[np.ndarray, " B"]

    def to_image_px(self) -> Float64[np.ndarray, "B T 2 3"]:
        """The affine map from normalised crop coordinates to pixels of the full image."""
        linear = _plane(self.angle) @ np.where(self.mirrored[:, None, None], _MIRROR[:2, :2], _I)
        linear = linear[:, None] * (self.side_px / 2)[..., None, None]
        return np.concatenate([linear, self.centre_px[..., None]], axis=-1)

    def to_camera(
        self, intrinsics: Float[np.ndarray, "B 4"], lens: Float[np.ndarray, "B 5"]
    ) -> Float64[np.ndarray, "B T 3 3"]:
        """Rotations from the virtual camera's frame to the camera's: X_camera = R X_crop.

        Of a mirrored crop, both are the frames of mirrored cameras (x to the other side), which
        see the mirrored person; so R is a rotation all the same. lens: (k1, k2, p1, p2, k3).
        """
        xy = (self.centre_px - intrinsics[:, None, 2:]) / intrinsics[:, None, :2]
        if lens.any():
            xy = undistort(xy, list(lens.T[..., None]))
        turned = towards(np.concatenate([xy, np.ones_like(xy[..., :1])], axis=-1))
        rolled = turned @ _about_axis(self.angle)[:, None]
        return np.where(self.mirrored[:, None, None, None], _MIRROR @ rolled @ _MIRROR, rolled)


_I = np.eye(2)


def plain_views(box_px: Float[np.ndarray, "B T 4"]) -> Views:
    """The boxes as they are; boxes are square, (x, y, width, height)."""
    box_px = box_px.astype(np.float64)
    zero = np.zeros(len(box_px))
    centre_px = box_px[..., :2] + box_px[..., 2:] / 2
    return Views(centre_px, box_px[..., 2], zero, zero.astype(bool))


def random_views(
    box_px: Float[np.ndarray, "B T 4"], change: ImageAugmentation, rng: np.random.Generator
) -> Views:
    """The boxes moved, scaled, turned and mirrored at random; frames of a sample alike."""
    plain, count = plain_views(box_px), len(box_px)
    shift = rng.uniform(-change.shift, change.shift, (count, 1, 2))
    scale = rng.uniform(*change.scale, (count, 1))
    most = np.deg2rad(change.rotation_deg)
    angle = rng.uniform(-most, most, count) * (rng.random(count) < change.rotation_share)
    mirrored = (rng.random(count) < 0.5) & change.flip
    side_px = plain.side_px
    return Views(plain.centre_px + shift * side_px[..., None], side_px * scale, angle, mirrored)


def in_crop(
    points_px: Float[np.ndarray, "B T J 2"], to_image_px: Float64[np.ndarray, "B T 2 3"]
) -> Float64[np.ndarray, "B T J 2"]:
    """Pixels of the full image in normalised crop coordinates: the inverse of `to_image_px`."""
    inverse = np.linalg.inv(to_image_px[..., :2])
    return (points_px - to_image_px[..., None, :, 2]) @ np.swapaxes(inverse, -1, -2)


def poses_in_crop(
    pose_m: Float[np.ndarray, "B T J 3"],
    to_camera: Float64[np.ndarray, "B T 3 3"],
    mirrored: Bool[np.ndarray, " B"],
) -> Float64[np.ndarray, "B T J 3"]:
    """Root-relative camera-frame poses in the virtual cameras' frames; sides are not swapped."""
    seen_m = np.where(mirrored[:, None, None, None], pose_m @ _MIRROR, pose_m)
    return seen_m @ to_camera


def swap_sides(
    values: np.ndarray, mirrored: Bool[np.ndarray, " B"], order: tuple[int, ...], axis: int
) -> np.ndarray:
    """Values of mirrored samples with left and right joints exchanged along an axis."""
    chosen = mirrored.reshape(-1, *[1] * (values.ndim - 1))
    return np.where(chosen, np.take(values, order, axis=axis), values)


def _plane(angle: Float64[np.ndarray, " B"]) -> Float64[np.ndarray, "B 2 2"]:
    return _about_axis(angle)[:, :2, :2]


def _about_axis(angle: Float64[np.ndarray, " B"]) -> Float64[np.ndarray, "B 3 3"]:
    turn = np.tile(np.eye(3), (len(angle), 1, 1))
    turn[:, 0, 0] = turn[:, 1, 1] = np.cos(angle)
    turn[:, 0, 1], turn[:, 1, 0] = -np.sin(angle), np.sin(angle)
    return turn
