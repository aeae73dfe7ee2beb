"""From a body that moves about its pelvis to one that stands on the floor Z = 0.

The part of the body that bears it is the lowest one, whichever that is: a foot in walking, the
knees and hands in crawling, the back in lying. It sets the height of the pelvis, and because it
does not slide, its motion relative to the pelvis sets where the pelvis goes.
"""

import numpy as np
from jaxtyping import Float

# Joints within about this height of the lowest share the load; keeps changes of support smooth.
_SUPPORT_SOFTNESS_M = 0.01


def stand_on_floor(
    pose_m: Float[np.ndarray, "T J 3"],
    clearance_m: Float[np.ndarray, " J"],
    lift_m: Float[np.ndarray, " T"] | None = None,
    glide_frames: int = 0,
) -> Float[np.ndarray, "T J 3"]:
    """World joints, metres: lowest part on the floor, supporting parts not sliding.

    pose_m: joints relative to the pelvis. clearance_m: height of each joint above a floor it
    rests on. lift_m: extra height of the whole body. glide_frames: the horizontal velocity is
    averaged over this many frames. The pelvis starts at x = y = 0.
    """
    depth_m = clearance_m - pose_m[..., 2]
    load = np.exp((depth_m - depth_m.max(axis=1, keepdims=True)) / _SUPPORT_SOFTNESS_M)
    root_m = np.zeros((len(pose_m), 3))
    root_m[:, 2] = depth_m.max(axis=1) + _SUPPORT_SOFTNESS_M * np.log(load.sum(axis=1))
    root_m[1:, :2] = np.cumsum(_root_steps(pose_m, load, glide_frames), axis=0)
    if lift_m is not None:
        root_m[:, 2] += lift_m
    return pose_m + root_m[:, None]


def _root_steps(
    pose_m: Float[np.ndarray, "T J 3"], load: Float[np.ndarray, "T J"], glide_frames: int
) -> Float[np.ndarray, "steps 2"]:
    """How far the pelvis moves from each frame to the next if what bears the load stays put."""
    share = load[1:] * load[:-1]
    share = share / share.sum(axis=1, keepdims=True)
    steps_m = -(share[..., None] * np.diff(pose_m[..., :2], axis=0)).sum(axis=1)
    if glide_frames < 2:
        return steps_m
    half = glide_frames // 2
    padded = np.pad(
        steps_m, ((half, half), (0, 0)), mode="reflect" if len(steps_m) > half else "edge"
    )
    window = np.ones(2 * half + 1) / (2 * half + 1)
    return np.stack([np.convolve(padded[:, i], window, mode="valid") for i in (0, 1)], axis=1)
