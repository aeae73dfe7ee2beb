"""Speeds within the human range, and frames that follow each other."""

import numpy as np

from monopose.data.clip import Clip
from monopose.data.expectations.body import pose_m
from monopose.data.expectations.finding import Finding
from monopose.skeleton import joint_set

# Speeds that no one passes for one frame in fifty: sprinters run 12 m/s, a thrower's or boxer's
# hand reaches some 20 m/s for a few frames, a kicking foot too.
FASTEST_M_S = {"mid_hip": 13.0, "wrist": 22.0, "ankle": 22.0}
_QUANTILE = 0.98
_FROZEN = 0.3
_JUMP_M = 0.6
_FEWEST_FRAMES = 10


def check_speeds(clip: Clip) -> list[Finding]:
    """Pelvis, wrists and ankles no faster than people are; else names a frame rate that fits."""
    pose = pose_m(clip)
    if pose is None or len(pose) < _FEWEST_FRAMES:
        return []
    over = {}
    for part, most_m_s in FASTEST_M_S.items():
        step_m = np.linalg.norm(np.diff(_parts(clip, part), axis=0), axis=-1)
        over[part] = float(np.quantile(step_m, _QUANTILE)) * clip.fps / most_m_s
    worst = max(over, key=lambda part: over[part])
    if over[worst] <= 1:
        return []
    speed_m_s = over[worst] * FASTEST_M_S[worst]
    what = (
        f"{worst.replace('mid_hip', 'pelvis')} speed reaches {speed_m_s:.3g} m/s at the declared "
        f"{clip.fps:g} Hz; a rate of {clip.fps / over[worst]:.3g} Hz or less would be human"
    )
    return [Finding("frame rate", "error", clip.clip_id, what)]


def check_jumps(clip: Clip) -> list[Finding]:
    """No pelvis that is elsewhere from one frame to the next."""
    if pose_m(clip) is None or clip.num_frames < 2:
        return []
    step_m = np.linalg.norm(np.diff(_parts(clip, "mid_hip")[:, 0], axis=0), axis=-1)
    jumps = np.flatnonzero(step_m > max(_JUMP_M, 2 * FASTEST_M_S["mid_hip"] / clip.fps))
    if not len(jumps):
        return []
    at, far_m = int(jumps[0]) + 1, float(step_m[jumps[0]])
    what = f"the pelvis jumps {len(jumps)} times, first by {far_m:.2f} m at frame {at}"
    return [Finding("jump", "warning", clip.clip_id, what)]


def check_frozen(clip: Clip) -> list[Finding]:
    """Frames that are not copies of the frame before, as repeated or missing frames are."""
    series = pose_m(clip)
    if series is None and clip.keypoints_px is not None:
        series = np.moveaxis(clip.keypoints_px, 0, 1).reshape(clip.num_frames, -1, 2)
    if series is None or len(series) < _FEWEST_FRAMES:
        return []
    same = (np.diff(series, axis=0) == 0).all(axis=(1, 2))
    share = float(same.mean())
    if share < _FROZEN:
        return []
    what = f"{share:.0%} of the frames are exact copies of the frame before"
    if 0.4 < share < 0.95:
        what += f"; the true rate may be {clip.fps * (1 - share):.3g} Hz"
    return [Finding("frozen frames", "warning", clip.clip_id, what)]


def _parts(clip: Clip, part: str) -> np.ndarray:
    """T x (1 or 2) x 3: the part on both sides, or the middle of both."""
    pose, joints = pose_m(clip), joint_set(clip.joint_set)
    assert pose is not None
    name = part.removeprefix("mid_")
    both = pose[:, [joints.index(f"{side}_{name}") for side in ("left", "right")]]
    return both.mean(axis=1, keepdims=True) if part.startswith("mid_") else both
