"""From a body that moves about its pelvis to one that stands on the floor Z = 0.

The part of the body that bears it is the lowest one, whichever that is: a foot in walking, the
knees and hands in crawling, the back in lying. It sets the height of the pelvis, and because it
does not slide, its motion relative to the pelvis sets where the pelvis goes.
"""

import numpy as np
from jaxtyping import Bool, Float

# Joints within about this height of the lowest share the load; keeps changes of support smooth.
_SUPPORT_SOFTNESS_M = 0.01
_FLIGHT_M = 0.01


def stand_on_floor(
    pose_m: Float[np.ndarray, "T J 3"],
    clearance_m: Float[np.ndarray, " J"],
    lift_m: Float[np.ndarray, " T"] | None = None,
    glide_frames: int = 0,
    bearing: Float[np.ndarray, "T J"] | None = None,
) -> Float[np.ndarray, "T J 3"]:
    """World joints, metres: lowest part on the floor, supporting parts not sliding.

    pose_m: joints relative to the pelvis. clearance_m: height of each joint above a floor it
    rests on. lift_m: extra height of the whole body. glide_frames: the horizontal velocity is
    averaged over about this many frames (Hann window). bearing: each joint's share of the
    load, where that is known better than by which is lowest. The pelvis starts at x = y = 0.
    """
    depth_m = clearance_m - pose_m[..., 2]
    load = np.exp((depth_m - depth_m.max(axis=1, keepdims=True)) / _SUPPORT_SOFTNESS_M)
    root_m = np.zeros((len(pose_m), 3))
    root_m[:, 2] = depth_m.max(axis=1) + _SUPPORT_SOFTNESS_M * np.log(load.sum(axis=1))
    steps_m = _root_steps(pose_m, load if bearing is None else bearing)
    if lift_m is not None:
        root_m[:, 2] += lift_m
        steps_m = _carried_through_flight(steps_m, lift_m[1:] < _FLIGHT_M)
    root_m[1:, :2] = np.cumsum(_averaged(steps_m, glide_frames), axis=0)
    return pose_m + root_m[:, None]


def _root_steps(
    pose_m: Float[np.ndarray, "T J 3"], load: Float[np.ndarray, "T J"]
) -> Float[np.ndarray, "steps 2"]:
    """How far the pelvis moves from each frame to the next if what bears the load stays put."""
    share = load[1:] * load[:-1]
    share = share / share.sum(axis=1, keepdims=True)
    return -(share[..., None] * np.diff(pose_m[..., :2], axis=0)).sum(axis=1)


def _carried_through_flight(
    steps_m: Float[np.ndarray, "steps 2"], planted: Bool[np.ndarray, " steps"]
) -> Float[np.ndarray, "steps 2"]:
    """Steps in flight go from the velocity at take-off to that at landing."""
    frames, known = np.arange(len(steps_m)), np.flatnonzero(planted)
    if not known.size:
        return steps_m
    return np.stack([np.interp(frames, known, steps_m[known, i]) for i in (0, 1)], axis=1)


def _averaged(steps_m: Float[np.ndarray, "steps 2"], frames: int) -> Float[np.ndarray, "steps 2"]:
    if frames < 2:
        return steps_m
    half = frames // 2
    padded = np.pad(steps_m, ((half, half), (0, 0)), mode="edge")
    window = np.hanning(2 * half + 3)[1:-1]
    window = window / window.sum()
    return np.stack([np.convolve(padded[:, i], window, mode="valid") for i in (0, 1)], axis=1)
