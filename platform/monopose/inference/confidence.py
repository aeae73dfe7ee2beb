"""How much of what an estimate rests on was really seen, as a number of 0..1.

It says what the input lacked, not how wrong the pose is: nothing here is learned or calibrated.
"""

import numpy as np
from jaxtyping import Float, Float32

from monopose.data.context import Context


def seen_confidence(
    score: Float[np.ndarray, "*batch T J"], context: Context
) -> Float32[np.ndarray, "*batch T J"]:
    """Confidence of each joint of each frame, from the scores of the keypoints that were seen.

    A joint's evidence in a frame is half its score there and half its mean score over the frames
    that the estimate sees, which weigh less the farther they are; frames before the first and
    after the last of a sequence count as unseen. Its confidence is half its own evidence and half
    the mean of all joints', which is what a hidden joint is inferred from. So it is 0 only where
    nothing was seen, 1 where everything was with score 1, and it never grows when a score falls.
    """
    if score.shape[-2] == 0:
        return np.zeros(score.shape, np.float32)
    seen = np.clip(score, 0, 1)
    beyond = [(0, 0)] * (seen.ndim - 2) + [(context.before, context.after), (0, 0)]
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(seen, beyond), context.frames, axis=-2
    )
    weights = frame_weights(context)
    return _of_evidence(seen, windows @ weights)


def newest_confidence(
    window: Float[np.ndarray, "context J"], context: Context
) -> Float32[np.ndarray, " J"]:
    """`seen_confidence` of the newest frame alone, given the scores of its context, for live use.

    context.after is 0. Frames that there were none of yet are rows of zeros.
    """
    seen = np.clip(window, 0, 1)
    return _of_evidence(seen[-1:], (frame_weights(context) @ seen)[None])[0]


def frame_weights(context: Context) -> Float[np.ndarray, " context"]:
    """Weight of each frame of the context, falling linearly from the output's; they sum to 1."""
    older = np.arange(1, context.before + 2) / (context.before + 1)
    newer = np.arange(context.after, 0, -1) / (context.after + 1)
    weights = np.concatenate([older, newer])
    return weights / weights.sum()


def _of_evidence(
    now: Float[np.ndarray, "*batch T J"], around: Float[np.ndarray, "*batch T J"]
) -> Float32[np.ndarray, "*batch T J"]:
    evidence = (now + around) / 2
    confidence = (evidence + evidence.mean(axis=-1, keepdims=True)) / 2
    return confidence.astype(np.float32)
