"""The same motion faster or slower: a clip resampled in time at its own frame rate."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Float32

from monopose.data.clip import Clip
from monopose.errors import InputError


def resampled(clip: Clip, speed: float) -> Clip:
    """The clip played `speed` times as fast; fps stays, so the frames become fewer or more.

    Frame k of the result is the moment `k * speed` of the source, in its frames. 3D joints and
    keypoints are interpolated linearly between the two frames around it (which shortens fast bones
    a little and averages the detector's noise there). A keypoint is missing where either of the
    two misses it; its score is the lower of both. Images, heatmaps and crop boxes are those of
    the nearest frame. Raises InputError for a speed that is not a positive number.
    """
    if not (np.isfinite(speed) and speed > 0):
        raise InputError(f"speed is {speed}, not a positive number", where=f"clip {clip.clip_id!r}")
    # A tolerance, so that 1 / speed frames are not lost to rounding.
    frames = int(np.floor((clip.num_frames - 1) / speed + 1e-9)) + 1
    moment = np.minimum(np.arange(frames) * speed, clip.num_frames - 1)
    nearest = np.rint(moment).astype(np.int64)
    keypoints_px, score = _keypoints(clip, moment)
    return replace(
        clip,
        start_frame=round(clip.start_frame / speed),
        pose_world_m=_optional(clip.pose_world_m, moment, axis=0),
        pose_camera_m=_optional(clip.pose_camera_m, moment, axis=1),
        keypoints_px=keypoints_px,
        keypoint_score=score,
        image=None if clip.image is None else tuple(_pick(view, nearest) for view in clip.image),
        crop_box_px=None if clip.crop_box_px is None else clip.crop_box_px[:, nearest],
        heatmaps=None if clip.heatmaps is None else clip.heatmaps[:, nearest],
    )


def interpolated(
    values: Float[np.ndarray, "..."], moment: Float[np.ndarray, " K"], axis: int
) -> Float32[np.ndarray, "..."]:
    """Values between frames, linearly; `moment` counts frames along `axis`, within its ends."""
    before, after, share = _around(moment, values.shape[axis])
    share = share.reshape([-1 if d == axis else 1 for d in range(values.ndim)])
    mixed = values.take(before, axis) * (1 - share) + values.take(after, axis) * share
    return mixed.astype(np.float32)


def _around(
    moment: Float[np.ndarray, " K"], frames: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    before = np.floor(moment).astype(np.int64)
    share = moment - before
    # On a frame itself the next one must not matter: it may be missing, or not exist.
    after = np.where(share > 0, np.minimum(before + 1, frames - 1), before)
    return before, after, share


def _optional(values: np.ndarray | None, moment: np.ndarray, axis: int) -> np.ndarray | None:
    return None if values is None else interpolated(values, moment, axis)


def _keypoints(clip: Clip, moment: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
    if clip.keypoints_px is None:
        return None, None
    keypoints_px = interpolated(clip.keypoints_px, moment, axis=1)
    if clip.keypoint_score is None:
        return keypoints_px, None
    before, after, _ = _around(moment, clip.num_frames)
    score = np.minimum(clip.keypoint_score[:, before], clip.keypoint_score[:, after])
    return keypoints_px * (score > 0)[..., None], score


def _pick(view: tuple[bytes, ...], frames: np.ndarray) -> tuple[bytes, ...]:
    return tuple(view[frame] for frame in frames)
