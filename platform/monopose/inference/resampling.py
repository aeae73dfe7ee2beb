"""A whole sequence of another frame rate than the model's: to the model's frames and back.

What stream.py does frame by frame, for sequences that are known to their end.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from monopose.data.resample import interpolated
from monopose.errors import InputError
from monopose.inference.frame_rate import LONGEST_JOIN_S, same_rate

# Below it no frame tells of the next; far below it a minute would become hours.
LOWEST_FPS = 1.0
# Parts of a frame that are rounding: such a moment is the frame itself.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Resampling:
    """Two rates of the same seconds: K frames at the model's, T at the caller's.

    moment: of each of the model's frames, in the caller's frames. back: of each of the caller's,
    in the model's. The last frames of both are one moment, so the model's last step may be
    shorter. joined: whether the caller's frames are near enough for a line between them.
    """

    moment: Float[np.ndarray, " K"]
    back: Float[np.ndarray, " T"]
    joined: bool

    @property
    def frames(self) -> int:
        """K."""
        return len(self.moment)

    def keypoints(
        self, keypoints_px: Float32[np.ndarray, "T J 2"], score: Float32[np.ndarray, "T J"]
    ) -> tuple[Float32[np.ndarray, "K J 2"], Float32[np.ndarray, "K J"]]:
        """The model's frames, linearly; missing where either neighbour is, with the lower score."""
        lower = _lower(score, self.moment)
        if not self.joined:
            lower = lower * (self.moment == np.rint(self.moment))[:, None].astype(np.float32)
        return interpolated(keypoints_px, self.moment, 0) * (lower > 0)[..., None], lower

    def poses(self, pose_m: Float32[np.ndarray, "K J 3"]) -> Float32[np.ndarray, "T J 3"]:
        """The caller's frames, linearly (which shortens fast bones a little)."""
        return interpolated(pose_m, self.back, 0)

    def confidence(self, confidence: Float32[np.ndarray, "K J"]) -> Float32[np.ndarray, "T J"]:
        """The caller's frames: the lower of both neighbours."""
        return _lower(confidence, self.back)


def resampling(frames: int, fps: float | None, model_fps: float | None) -> Resampling | None:
    """How frames of one rate become those of the other; None where there is nothing to do.

    That is where a rate is not known, both are the same (frame_rate.py: same_rate), or there is
    one frame. Raises InputError for a rate that is not a number of at least 1.
    """
    if fps is None:
        return None
    if not (np.isfinite(fps) and fps >= LOWEST_FPS):
        fix = "give the frames per second, or none where they are not known"
        what = f"the frame rate is {fps}, not a finite number of at least {LOWEST_FPS:g}"
        raise InputError(what, where="keypoints", fix=fix)
    if model_fps is None or frames < 2 or same_rate(fps, model_fps):
        return None
    step = fps / model_fps
    count = int(np.ceil((frames - 1) / step - _ROUNDING)) + 1
    moment = _snapped(np.minimum(np.arange(count) * step, frames - 1.0))
    back = _snapped(np.interp(np.arange(frames), moment, np.arange(count)))
    return Resampling(moment, back, joined=1 / fps <= LONGEST_JOIN_S)


def _snapped(moment: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    nearest = np.rint(moment)
    return np.where(np.abs(moment - nearest) < _ROUNDING, nearest, moment)


def _lower(
    values: Float32[np.ndarray, "N J"], moment: Float[np.ndarray, " M"]
) -> Float32[np.ndarray, "M J"]:
    before, after = (edge(moment).astype(np.int64) for edge in (np.floor, np.ceil))
    return np.minimum(values[before], values[after])
