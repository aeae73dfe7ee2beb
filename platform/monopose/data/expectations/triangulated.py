"""Three or more calibrated views without 3D: the 3D of the other views judges each view.

All views together give a 3D by least squares; where one view does not belong, leaving it out makes
the others agree far better, and what is wrong with it is found as for any 2D against a 3D.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from monopose.data.clip import Clip
from monopose.data.expectations.agreement import SHIFTED, check_agreement
from monopose.data.expectations.body import spread
from monopose.data.expectations.finding import Finding
from monopose.data.expectations.reprojection import cost, views_of
from monopose.data.expectations.sides import check_sides
from monopose.geometry.camera import pixel_rays

CAMERAS_DISAGREE = "cameras disagree"
_FRAMES = 40
# Mean reprojection error of the views' own 3D, as a share of the person's size.
_DISAGREEING = 0.06
_BLAMED = 0.85
_LEAST_SEEN = 0.05


def check_views_together(clip: Clip) -> list[Finding]:
    """The one view that does not belong, and why; or that the views disagree as a whole."""
    usable = all(camera.has_intrinsics and camera.has_extrinsics for camera in clip.cameras)
    if clip.has_3d or clip.keypoints_px is None or clip.num_views < 3 or not usable:
        return []
    everyone = list(range(clip.num_views))
    sampled = _sampled(clip)
    together = _own_cost(sampled, everyone)
    rest = [_own_cost(sampled, [v for v in everyone if v != view]) for view in everyone]
    odd = int(np.argmin(rest))
    found: list[Finding] = []
    if clip.num_views == 3:
        found = _blame(clip, None)
    elif rest[odd] < _BLAMED * together:
        found = _blame(clip, odd)
    if found:
        return found
    if together > _DISAGREEING:
        what = f"the views' own 3D is {together:.1%} of the person's size away from their 2D"
        return [Finding(CAMERAS_DISAGREE, "error", clip.clip_id, what)]
    return check_sides(replace(sampled, pose_world_m=triangulated(sampled, everyone)[0]))


def _blame(clip: Clip, odd: int | None) -> list[Finding]:
    """What is wrong with the odd view; with three views any may be it, so each is tried."""
    for view in range(clip.num_views) if odd is None else (odd,):
        others = [v for v in range(clip.num_views) if v != view]
        pose_m, known = triangulated(clip, others)
        assert clip.keypoints_px is not None
        seen = _seen(clip)[view] & known
        alone = replace(
            clip,
            cameras=(clip.cameras[view],),
            pose_world_m=pose_m,
            keypoints_px=clip.keypoints_px[view : view + 1],
            keypoint_score=seen[None].astype(np.float32),
            image=None,
            crop_box_px=None,
            heatmaps=None,
        )
        name = clip.cameras[view].camera_id
        found = [_renamed(f, view, name) for f in check_agreement(alone)]
        if found and (odd is not None or found[0].cause == SHIFTED):
            return found
    return []


def _renamed(finding: Finding, view: int, name: str) -> Finding:
    what = finding.what.replace(f"view 0 ({name})", f"view {view} ({name})")
    return replace(finding, what=what.replace("the 3D", "the other views"))


def _sampled(clip: Clip) -> Clip:
    at = spread(clip.num_frames, _FRAMES)
    assert clip.keypoints_px is not None
    return replace(
        clip,
        keypoints_px=clip.keypoints_px[:, at],
        keypoint_score=_seen(clip)[:, at].astype(np.float32),
        image=None,
        crop_box_px=None,
        heatmaps=None,
    )


def _own_cost(clip: Clip, views: list[int]) -> float:
    """Reprojection error of some views against the 3D that they give themselves."""
    pose_m, known = triangulated(clip, views)
    score = (_seen(clip) & known).astype(np.float32)
    whole = replace(clip, pose_world_m=pose_m, keypoint_score=score)
    costs = [cost(view) for view in views_of(whole) if view.number in views]
    return float(np.mean(costs)) if costs else 0.0


def _seen(clip: Clip) -> Bool[np.ndarray, "V T J"]:
    if clip.keypoint_score is None:
        assert clip.keypoints_px is not None
        return np.ones(clip.keypoints_px.shape[:3], bool)
    return np.asarray(clip.keypoint_score > _LEAST_SEEN)


def triangulated(
    clip: Clip, views: list[int]
) -> tuple[Float[np.ndarray, "T J 3"], Bool[np.ndarray, "T J"]]:
    """World points by linear least squares from some views' 2D, and where two views saw them.

    Each view gives (r1 - x r3) X = x t3 - t1 and the same for y, with x, y undistorted and
    normalised (Hartley and Zisserman, 12.2, inhomogeneous). Unknown points are zero.
    """
    assert clip.keypoints_px is not None
    shape = clip.keypoints_px.shape[1:3]
    left, right, count = np.zeros((*shape, 3, 3)), np.zeros((*shape, 3)), np.zeros(shape, int)
    seen = _seen(clip)
    for view in views:
        camera = clip.cameras[view]
        assert camera.rotation is not None
        assert camera.translation_m is not None
        rays = pixel_rays(clip.keypoints_px[view].astype(np.float64), camera)
        flat = rays[..., :2] / rays[..., 2:]
        rows = camera.rotation[:2] - flat[..., None] * camera.rotation[2]
        offsets = flat * camera.translation_m[2] - camera.translation_m[:2]
        rows, offsets = rows * seen[view][..., None, None], offsets * seen[view][..., None]
        left += np.einsum("tjri,tjrk->tjik", rows, rows)
        right += np.einsum("tjri,tjr->tji", rows, offsets)
        count += seen[view]
    known = count >= 2
    left = np.where(known[..., None, None], left, np.eye(3)) + 1e-9 * np.eye(3)
    points = np.linalg.solve(left, right[..., None])[..., 0]
    return np.where(known[..., None], points, 0.0).astype(np.float32), known
