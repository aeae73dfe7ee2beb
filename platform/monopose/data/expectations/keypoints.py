"""2D keypoints: in the image, in pixels, and there at all."""

import numpy as np

from monopose.data.clip import Clip
from monopose.data.expectations.finding import Finding

_MARGIN = 0.1
_OUTSIDE = {"warning": 0.25, "error": 0.6}
_MISSING = 0.5
_NORMALISED = 2.5


def check_keypoints(clip: Clip) -> list[Finding]:
    """Keypoints in pixels of an image of the camera's size."""
    if clip.keypoints_px is None:
        return []
    seen = np.ones(clip.keypoints_px.shape[:3], bool)
    if clip.keypoint_score is not None:
        seen = clip.keypoint_score > 0
    missing = 1 - float(seen.mean())
    findings = []
    if missing > _MISSING:
        what = f"{missing:.0%} of the keypoints are missing"
        findings.append(Finding("keypoints missing", "warning", clip.clip_id, what))
    if not seen.any():
        return findings
    if np.abs(clip.keypoints_px[seen]).max() < _NORMALISED:
        what = "all keypoints lie within 2.5 px of the corner: normalised, not pixels"
        return [*findings, Finding("keypoint unit", "error", clip.clip_id, what)]
    return findings + _outside(clip, seen)


def _outside(clip: Clip, seen: np.ndarray) -> list[Finding]:
    assert clip.keypoints_px is not None
    shares, names = [], []
    for view, camera in enumerate(clip.cameras):
        if camera.width is None or camera.height is None or not seen[view].any():
            continue
        size = np.array([camera.width, camera.height], np.float32)
        place = clip.keypoints_px[view][seen[view]] / size
        out = (place < -_MARGIN) | (place > 1 + _MARGIN)
        shares.append(float(out.any(axis=-1).mean()))
        names.append(f"view {view} ({camera.camera_id}, {camera.width}x{camera.height})")
    if not shares or max(shares) < _OUTSIDE["warning"]:
        return []
    worst = int(np.argmax(shares))
    what = f"{shares[worst]:.0%} of the keypoints of {names[worst]} lie outside the image"
    if shares[worst] > _OUTSIDE["error"]:
        return [Finding("keypoints outside", "error", clip.clip_id, what)]
    return [Finding("keypoints outside", "warning", clip.clip_id, what)]
