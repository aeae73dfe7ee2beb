"""Two views without 3D: are they in step, and are their cameras right? Epipolar geometry tells.

A point seen by two calibrated cameras at one instant lies on the other view's epipolar line. That
sees only motion across the lines, so a shift found here is real, but one not found may exist.
"""

import numpy as np
from jaxtyping import Bool, Float

from monopose.data.clip import Clip
from monopose.data.expectations.agreement import SHIFTED
from monopose.data.expectations.finding import Finding
from monopose.data.expectations.hypotheses import CAMERA_INVERTED
from monopose.data.expectations.reprojection import person_size_px
from monopose.data.expectations.sides import SIDES_EXCHANGED
from monopose.geometry.camera import Camera, pixel_rays
from monopose.skeleton import joint_set

_FRAMES = 60
_REACH_S = 1.0
_MOST_REACH = 30
# Distances from the lines as shares of the person's size.
_SUSPICIOUS = 0.05
_BETTER = 0.7
_SIGMAS = 5.0
_MOST = 0.5


def check_views(clip: Clip) -> list[Finding]:
    """Two calibrated views without 3D: shifted in time, sides exchanged, or a wrong camera."""
    usable = all(camera.has_intrinsics and camera.has_extrinsics for camera in clip.cameras)
    if clip.has_3d or clip.keypoints_px is None or clip.num_views != 2 or not usable:
        return []
    for first in (0, 1):
        cause, what = _verdict(_Pair(clip, first, 1 - first), clip.fps)
        if cause:
            names = " and ".join(camera.camera_id for camera in clip.cameras)
            return [Finding(cause, "error", clip.clip_id, f"between {names}: {what}")]
    return []


def _verdict(pair: "_Pair", fps: float) -> tuple[str, str]:
    given = float(pair.costs(0).mean())
    mirrored = float(pair.costs(0, mirrored=True).mean())
    inverted = float(pair.inverted().costs(0).mean())
    instead = f"instead of {given:.1%} of the person's size"
    if given > _SUSPICIOUS and mirrored < _BETTER * given:
        what = f"epipolar error {mirrored:.1%} with one view's sides exchanged {instead}"
        return SIDES_EXCHANGED, what
    shift, then = _shift(pair, fps)
    if shift:
        what = f"{abs(shift)} frames apart: epipolar error {then:.1%} {instead}"
        return SHIFTED, what
    if given > _SUSPICIOUS and inverted < 0.5 * given:
        what = f"epipolar error {inverted:.1%} with one rotation transposed {instead}"
        return CAMERA_INVERTED, what
    if given > 3 * _SUSPICIOUS:
        return "cameras disagree", f"epipolar error {given:.1%} of the person's size"
    return "", ""


def _shift(pair: "_Pair", fps: float) -> tuple[int, float]:
    reach = min(round(_REACH_S * fps), _MOST_REACH, pair.frames // 3)
    by_shift = np.stack([pair.costs(shift, reach) for shift in range(-reach, reach + 1)])
    means = by_shift.mean(axis=1)
    best = int(np.argmin(means))
    gain = by_shift[reach] - by_shift[best]
    by_chance = float(gain.std()) / np.sqrt(len(gain))
    if abs(best - reach) < 2 or means[best] > _BETTER * means[reach]:
        return 0, 0.0
    return (best - reach, float(means[best])) if gain.mean() > _SIGMAS * by_chance else (0, 0.0)


class _Pair:
    """View `first` of a clip against view `second`."""

    def __init__(self, clip: Clip, first: int, second: int, camera: Camera | None = None) -> None:
        assert clip.keypoints_px is not None
        self.clip, self.first, self.second = clip, first, second
        self.frames = clip.num_frames
        cameras = camera or clip.cameras[first], clip.cameras[second]
        keypoints_px = clip.keypoints_px[first], clip.keypoints_px[second]
        self.rays = [_flat(k, c) for k, c in zip(keypoints_px, cameras, strict=True)]
        self.seen = [_seen(clip, view) for view in (first, second)]
        size_px = person_size_px(keypoints_px[1], self.seen[1])
        self.unit = size_px / float(np.mean([cameras[1].fx or 1.0, cameras[1].fy or 1.0]))
        self.essential = _essential(*cameras)
        self.mirror = list(joint_set(clip.joint_set).mirror)

    def inverted(self) -> "_Pair":
        """The pair with the first camera's rotation transposed about its place."""
        camera = self.clip.cameras[self.first]
        rotation, translation = camera.rotation, camera.translation_m
        assert rotation is not None
        assert translation is not None
        turned = Camera(
            camera.camera_id, rotation.T, rotation.T @ rotation.T @ translation,
            camera.fx, camera.fy, camera.cx, camera.cy, camera.distortion,
        )  # fmt: skip
        return _Pair(self.clip, self.first, self.second, turned)

    def costs(
        self, shift: int, reach: int = 0, mirrored: bool = False
    ) -> Float[np.ndarray, " anchors"]:
        """Mean distance from the lines per frame, in shares of the person's size.

        shift: frames that the first view is taken to run ahead.
        """
        at = np.unique(np.linspace(reach, self.frames - 1 - reach, _FRAMES).astype(int))
        order = self.mirror if mirrored else slice(None)
        points, seen = self.rays[0][at - shift][:, order], self.seen[0][at - shift][:, order]
        lines = points @ self.essential.T
        distance = np.abs((self.rays[1][at] * lines).sum(axis=-1))
        distance = distance / np.maximum(np.linalg.norm(lines[..., :2], axis=-1), 1e-9)
        share = np.minimum(distance / max(self.unit, 1e-9), _MOST)
        both = seen & self.seen[1][at]
        return np.asarray((share * both).sum(axis=-1) / np.maximum(both.sum(axis=-1), 1))


def _seen(clip: Clip, view: int) -> Bool[np.ndarray, "T J"]:
    assert clip.keypoints_px is not None
    if clip.keypoint_score is None:
        return np.ones(clip.keypoints_px.shape[1:3], bool)
    return np.asarray(clip.keypoint_score[view] > 0.05)


def _flat(keypoints_px: Float[np.ndarray, "T J 2"], camera: Camera) -> Float[np.ndarray, "T J 3"]:
    rays = pixel_rays(keypoints_px.astype(np.float64), camera)
    return np.asarray(rays / rays[..., 2:])


def _essential(first: Camera, second: Camera) -> Float[np.ndarray, "3 3"]:
    """E with x2 . E x1 = 0 for the undistorted, normalised points of one world point."""
    assert first.rotation is not None
    assert second.rotation is not None
    assert first.translation_m is not None
    assert second.translation_m is not None
    turn = second.rotation @ first.rotation.T
    x, y, z = second.translation_m - turn @ first.translation_m
    return np.asarray(np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ turn, np.float64)
