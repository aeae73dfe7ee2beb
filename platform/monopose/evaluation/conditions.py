"""The circumstances a model is asked under: named functions from a clip to a clip.

A condition changes what the model sees (masked keypoints), the motion itself (speed) or which
clips are asked (None leaves a clip out). Masks depend on the clip alone, so that every model and
every seed is asked the same. A paper may bring its own conditions beside these.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from jaxtyping import Bool, Float32

from monopose.data.clip import Clip
from monopose.data.resample import resampled
from monopose.evaluation.sequences import mask_keypoints


@dataclass(frozen=True)
class Condition:
    """name: unique among the conditions of an ablation. about: one clause for the reader.

    change: clip -> clip, or None to leave it out; a module-level function (or a partial of one),
    because it travels to the workers.
    """

    name: str
    about: str
    change: Callable[[Clip], Clip | None]


def unchanged(clip: Clip) -> Clip:
    """The clip itself."""
    return clip


def masked(clip: Clip, share: float) -> Clip:
    """Each keypoint dropped independently with probability `share`.

    The masks of `evaluate` with seed 0, where clip and model have the same joint set.
    """
    if clip.keypoints_px is None:
        return clip
    key = f"0/{clip.clip_id}/{clip.start_frame}"
    keypoints_px, score = mask_keypoints(clip.keypoints_px, _score(clip), share, key)
    return replace(clip, keypoints_px=keypoints_px, keypoint_score=score)


def behind_area(clip: Clip, side: float, *, moving: bool) -> Clip:
    """Every keypoint inside a square is dropped, in each view's own square.

    side: of the square, relative to the person's height in that view (median over frames of the
    box around the keypoints, its longer side). The square stands on a randomly drawn keypoint of
    the clip; a moving one goes straight from a keypoint of the first frame to one of the last.
    """
    if clip.keypoints_px is None:
        return clip
    score = _score(clip).copy()
    for view, keypoints_px in enumerate(clip.keypoints_px):
        seen = score[view] > 0
        if seen.any():
            rng = _generator(f"{clip.clip_id}/{clip.start_frame}/{view}/{side:g}/{moving}")
            score[view][_inside(keypoints_px, seen, side, moving, rng)] = 0
    kept = (score > 0)[..., None]
    return replace(clip, keypoints_px=clip.keypoints_px * kept, keypoint_score=score)


def of_actions(clip: Clip, actions: tuple[str, ...]) -> Clip | None:
    """Only clips whose action starts with one of these names."""
    return clip if clip.action.startswith(actions) else None


CLEAN = Condition("clean", "as it is", unchanged)
MASKED_10, MASKED_30, MASKED_50 = (
    Condition(f"masked_{percent}", f"{percent} % of the keypoints masked", partial(masked, share=p))
    for percent, p in ((10, 0.1), (30, 0.3), (50, 0.5))
)
HALF_SPEED = Condition("speed_x0.5", "motion at half its speed", partial(resampled, speed=0.5))
DOUBLE_SPEED = Condition("speed_x2", "motion at twice its speed", partial(resampled, speed=2.0))
STATIC_AREA = Condition(
    "static_area",
    "keypoints behind a standing square of 0.4 person heights missing",
    partial(behind_area, side=0.4, moving=False),
)
MOVING_AREA = Condition(
    "moving_area",
    "keypoints behind a moving square of 0.4 person heights missing",
    partial(behind_area, side=0.4, moving=True),
)

CONDITIONS: dict[str, Condition] = {
    each.name: each
    for each in (
        CLEAN,
        MASKED_10,
        MASKED_30,
        MASKED_50,
        HALF_SPEED,
        DOUBLE_SPEED,
        STATIC_AREA,
        MOVING_AREA,
    )
}


def _score(clip: Clip) -> Float32[np.ndarray, "V T J"]:
    if clip.keypoint_score is not None:
        return clip.keypoint_score
    assert clip.keypoints_px is not None
    return np.ones(clip.keypoints_px.shape[:-1], np.float32)


def _generator(key: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]))


def _inside(
    keypoints_px: Float32[np.ndarray, "T J 2"],
    seen: Bool[np.ndarray, "T J"],
    side: float,
    moving: bool,
    rng: np.random.Generator,
) -> Bool[np.ndarray, "T J"]:
    frames = np.flatnonzero(seen.any(axis=1))
    boxes = [np.ptp(keypoints_px[frame][seen[frame]], axis=0).max() for frame in frames]
    half_px = side * float(np.median(boxes)) / 2
    ends = (frames[0], frames[-1]) if moving else (rng.choice(frames),) * 2
    first = _drawn(keypoints_px[ends[0]][seen[ends[0]]], rng)
    last = _drawn(keypoints_px[ends[1]][seen[ends[1]]], rng) if moving else first
    progress = np.linspace(0.0, 1.0, len(keypoints_px))[:, None, None]
    centre_px = first + progress * (last - first)
    return np.asarray((np.abs(keypoints_px - centre_px) <= half_px).all(axis=-1))


def _drawn(
    points_px: Float32[np.ndarray, "N 2"], rng: np.random.Generator
) -> Float32[np.ndarray, " 2"]:
    return np.asarray(points_px[rng.integers(len(points_px))])
