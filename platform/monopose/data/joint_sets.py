"""Clips in another joint set."""

from dataclasses import replace

import numpy as np

from monopose.data.clip import Clip
from monopose.errors import InputError
from monopose.skeleton import conversion


def in_joint_set(clip: Clip, wanted: str | None) -> Clip:
    """The clip's 3D and 2D in another joint set, by joint name; itself when it is in that set.

    A 2D joint without counterpart has score 0. Heatmaps are left out: those of a joint made of
    several have none. Raises InputError naming the 3D joints that have
    none, as a pose has no way to say that one is missing.
    """
    if wanted is None or wanted == clip.joint_set:
        return clip
    change = conversion(clip.joint_set, wanted)
    if clip.has_3d and not change.mask.all():
        pairs = zip(change.target.joints, change.mask, strict=True)
        lost = ", ".join(name for name, known in pairs if not known)
        what = f"3D of {clip.joint_set} has no {lost} for {wanted}"
        raise InputError(what, where=f"clip {clip.clip_id!r}")
    keypoints_px, score = clip.keypoints_px, clip.keypoint_score
    if keypoints_px is not None:
        given = np.ones(keypoints_px.shape[:-1], np.float32) if score is None else score
        score = change.apply_score(given)
        keypoints_px = change.apply(keypoints_px) * (score > 0)[..., None]
    world_m, camera_m = clip.pose_world_m, clip.pose_camera_m
    return replace(
        clip,
        joint_set=wanted,
        pose_world_m=None if world_m is None else change.apply(world_m),
        pose_camera_m=None if camera_m is None else change.apply(camera_m),
        keypoints_px=keypoints_px,
        keypoint_score=score,
        heatmaps=None,
    )
