"""What an action yields, and the curves that actions are made of.

All curves are functions of time in seconds, so a motion has the same shape at any frame rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

Curve = Float[np.ndarray, " T"]


@dataclass(frozen=True)
class Motion:
    """Joint angles over time and how the body stands on the floor.

    angles_deg: channel of body.CHANNELS -> [T] degrees; channels left out are zero.
    lift_m: height of the lowest point above the floor (jumping, running), [T], or None for 0.
    glide_s: the root's horizontal velocity is averaged over this time; 0 keeps feet planted,
    a little smooths the change from foot to foot.
    left_share: share of the load on the left foot where the action knows which foot bears it, [T];
    None leaves it to the lowest part of the body.
    """

    angles_deg: dict[str, Curve]
    lift_m: Curve | None = field(default=None)
    glide_s: float = 0.0
    left_share: Curve | None = field(default=None)


def ease(progress: Curve) -> Curve:
    """Minimum-jerk rise from 0 to 1 while progress goes from 0 to 1 (Flash and Hogan 1985)."""
    s = np.clip(progress, 0.0, 1.0)
    return s**3 * (10 - 15 * s + 6 * s * s)


def bump(phase: Curve, centre: float, width: float) -> Curve:
    """Periodic bump of height 1 in a phase of period 1; width is its standard deviation."""
    return np.exp((np.cos(2 * np.pi * (phase - centre)) - 1) / (2 * np.pi * width) ** 2)


def pulses(
    t_s: Curve, rng: np.random.Generator, period_s: float, rise: float = 0.35, hold: float = 0.15
) -> Curve:
    """Repeated 0 -> 1 -> 0 efforts, each with its own height within 20 %.

    rise and hold are shares of the period: of going up (and as much of going down) and of staying.
    """
    turns = t_s / period_s + rng.uniform(0.0, 0.3)
    count, phase = np.floor(turns).astype(int), turns % 1.0
    height = rng.uniform(0.8, 1.0, size=int(count.max()) + 1)
    return height[count] * (ease(phase / rise) - ease((phase - rise - hold) / rise))


def through(
    t_s: Curve, poses: Sequence[Mapping[str, float]], step_s: Sequence[float], start_s: float = 0.0
) -> dict[str, Curve]:
    """Angles that pass through key poses in turn, again and again, at rest in each.

    step_s[i] is the time from pose i to the next (from the last to the first). A channel absent
    from a pose is zero there.
    """
    arrival_s = np.cumsum(step_s)
    now_s = (t_s + start_s) % arrival_s[-1]
    leg = np.searchsorted(arrival_s, now_s, side="right")
    progress = ease(1 - (arrival_s[leg] - now_s) / np.asarray(step_s)[leg])
    channels = sorted({channel for pose in poses for channel in pose})
    curves = {}
    for channel in channels:
        keys = np.array([pose.get(channel, 0.0) for pose in poses])
        curves[channel] = keys[leg] + progress * (np.roll(keys, -1)[leg] - keys[leg])
    return curves


def wander(t_s: Curve, rng: np.random.Generator, slowest_s: float = 8.0) -> Curve:
    """Smooth noise of about unit standard deviation with periods from slowest_s down to 1.2 s."""
    frequency_hz = 1 / rng.uniform(1.2, slowest_s, size=4)
    phase = rng.uniform(0, 2 * np.pi, size=4)
    waves = np.sin(2 * np.pi * np.outer(frequency_hz, t_s) + phase[:, None])
    return waves.sum(axis=0) * np.sqrt(2 / 4)


def both(joint_motion: str, curve: Curve) -> dict[str, Curve]:
    """The same curve for the left and the right joint."""
    return {f"left_{joint_motion}": curve, f"right_{joint_motion}": curve}


def both_sides(pose: Mapping[str, float]) -> dict[str, float]:
    """A key pose with every channel that lacks a side given to both sides."""
    trunk = ("heading", "pelvis", "spine", "thorax", "neck", "head", "left", "right")
    out: dict[str, float] = {}
    for channel, value in pose.items():
        sides = ("",) if channel.startswith(trunk) else ("left_", "right_")
        out |= {f"{side}{channel}": value for side in sides}
    return out


def add(*layers: Mapping[str, Curve]) -> dict[str, Curve]:
    """Sums angle curves channel by channel."""
    total: dict[str, Curve] = {}
    for layer in layers:
        for channel, curve in layer.items():
            total[channel] = total[channel] + curve if channel in total else curve
    return total
