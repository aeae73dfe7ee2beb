"""Frames at a model's rate from frames that come at any times, as they come."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from monopose.errors import InputError

# A frame this near to when one is due, in periods, is taken as it is; the clock then follows it.
_NEAR = 0.05
# Frames farther apart are not joined by a line: what is due between them is missing.
LONGEST_JOIN_S = 0.25
# Relative difference of frame rates that is measuring error.
_SAME_RATE = 0.02


def same_rate(fps: float, model_fps: float) -> bool:
    """Whether frames of one rate can be given to a model of the other as they are."""
    return abs(fps / model_fps - 1) < _SAME_RATE


@dataclass(frozen=True)
class LiveFrame:
    """One person's keypoints at a moment; score 0 marks a missing one, whose coordinates are 0."""

    keypoints_px: Float[np.ndarray, "J 2"]
    score: Float[np.ndarray, " J"]
    time_s: float


@dataclass(frozen=True)
class Due:
    """What a new frame made due, oldest first, and what had to be done for it.

    resampled: some are not the new frame itself, or the new frame is not among them. restarted:
    the gap before the new frame was longer than the model sees, so that it begins anew.
    """

    frames: tuple[LiveFrame, ...]
    resampled: bool
    restarted: bool


class FrameClock:
    """Makes frames due every 1 / fps seconds, linearly between the two around each moment.

    most_frames: frames of the model's context; after a gap of more it starts again. A keypoint is
    missing where either neighbour misses it, its score is the lower of both.
    """

    def __init__(self, fps: float, most_frames: int) -> None:
        if not (np.isfinite(fps) and fps > 0):
            raise InputError(f"the model's frame rate is {fps}, not a positive number")
        self.period_s = 1.0 / fps
        self.most_frames = most_frames
        self.last: LiveFrame | None = None
        self.next_s = 0.0

    def take(self, frame: LiveFrame) -> Due:
        """What is due now; raises InputError when the frame is not newer than the last one."""
        last = self.last
        if not np.isfinite(frame.time_s) or (last is not None and frame.time_s <= last.time_s):
            raise InputError(
                f"a frame at {frame.time_s} s does not follow the one before", fix="feed in order"
            )
        self.last = frame
        gap = last is None or frame.time_s - last.time_s > self.most_frames * self.period_s
        if last is None or (gap and frame.time_s - last.time_s > LONGEST_JOIN_S):
            self.next_s = frame.time_s + self.period_s
            return Due((frame,), resampled=False, restarted=last is not None)
        return self._between(last, frame)

    def _between(self, last: LiveFrame, frame: LiveFrame) -> Due:
        due: list[LiveFrame] = []
        while self.next_s < frame.time_s - _NEAR * self.period_s:
            due.append(_joined(last, frame, self.next_s))
            self.next_s += self.period_s
        if self.next_s > frame.time_s + _NEAR * self.period_s:
            return Due(tuple(due), resampled=True, restarted=False)
        self.next_s = frame.time_s + self.period_s
        return Due((*due, frame), resampled=bool(due), restarted=False)


def _joined(one: LiveFrame, other: LiveFrame, time_s: float) -> LiveFrame:
    span_s = other.time_s - one.time_s
    share = (time_s - one.time_s) / span_s
    score = np.minimum(one.score, other.score)
    if span_s > LONGEST_JOIN_S:
        score = np.zeros_like(score)
    keypoints_px = one.keypoints_px * (1 - share) + other.keypoints_px * share
    return LiveFrame(keypoints_px * (score > 0)[:, None], score, time_s)
