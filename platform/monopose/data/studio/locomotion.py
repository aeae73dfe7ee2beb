"""Actions that go somewhere: walking, running, turning, stepping sideways, crawling.

Phase is 0 when the left foot strikes the floor; the right leg is half a stride behind. Gait curves
follow the usual joint angles of level walking and running (Winter, Biomechanics and Motor Control
of Human Movement; Novacheck, The biomechanics of running, 1998) in a simple closed form.
"""

import numpy as np

from monopose.data.studio.motion import Curve, Motion, add, both, bump, ease, wander


def _sides(phase: Curve) -> tuple[tuple[str, Curve], tuple[str, Curve]]:
    return ("left", phase), ("right", phase + 0.5)


def _sign(rng: np.random.Generator) -> float:
    return float(rng.choice((-1.0, 1.0)))


def _foot_path(phase: Curve, stance: float) -> Curve:
    """How far ahead of the hip a foot is, in half steps: 1 at strike, -1 where it leaves the floor.

    It goes back steadily during stance (a share of the stride), which keeps the body's speed even,
    and returns on a cubic that leaves and meets the floor at the same velocity.
    """
    phase = phase % 1.0
    s = np.clip((phase - stance) / (1 - stance), 0.0, 1.0)
    slope = -2 * (1 - stance) / stance
    in_air = 2 * (3 * s**2 - 2 * s**3) - 1 + slope * (s - 3 * s**2 + 2 * s**3)
    return np.where(phase < stance, 1 - 2 * phase / stance, in_air)


def _hip_deg(foot_path: Curve, knee_deg: Curve, reach_deg: float) -> Curve:
    """Hip flexion from the vertical that puts the ankle there, for equal thigh and shank."""
    half_knee = np.radians(knee_deg) / 2
    ahead = np.sin(np.radians(reach_deg)) * foot_path / np.cos(half_knee)
    return np.degrees(half_knee + np.arcsin(np.clip(ahead, -0.95, 0.95)))


def _left_share(phase: Curve) -> Curve:
    """Share of the load on the left foot: all of it in the first half of the stride."""
    return 0.5 + 0.5 * np.tanh(4 * np.sin(2 * np.pi * phase))


def walk(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Walking on a curve, with free arms or with arms that carry something."""
    phase = rng.uniform(0.75, 1.05) * t_s + rng.uniform(0, 1)
    reach_deg, swing_deg = rng.uniform(20, 30), rng.uniform(10, 38)
    knee_lift_deg, elbow_deg = rng.uniform(48, 62), rng.uniform(10, 30)
    lean_deg, carries = rng.uniform(0, 6), rng.random() < 0.2
    angles = {
        "heading": _sign(rng) * rng.uniform(25, 45) * t_s + 5 * wander(t_s, rng),
        "pelvis_tilt": np.full_like(t_s, lean_deg),
        "pelvis_list": 2 * np.sin(2 * np.pi * phase),
        "pelvis_twist": -5 * np.cos(2 * np.pi * phase),
        "spine_twist": 4 * np.cos(2 * np.pi * phase),
        "thorax_twist": 6 * np.cos(2 * np.pi * phase),
        "neck_twist": 12 * wander(t_s, rng),
    }
    for side, turn in _sides(phase):
        forward = np.cos(2 * np.pi * turn)
        knee_deg = 4 + 13 * bump(turn, 0.13, 0.05) + knee_lift_deg * bump(turn, 0.73, 0.085)
        hip_deg = _hip_deg(_foot_path(turn, 0.6), knee_deg, reach_deg)
        angles[f"{side}_hip_flexion"] = lean_deg + hip_deg
        angles[f"{side}_knee_flexion"] = knee_deg
        if carries:
            angles[f"{side}_shoulder_flexion"] = 20 + 3 * forward
            angles[f"{side}_elbow_flexion"] = 85 + 3 * forward
        else:
            angles[f"{side}_shoulder_flexion"] = 3 - swing_deg * forward
            angles[f"{side}_elbow_flexion"] = elbow_deg * (1.2 - 0.6 * forward)
        angles[f"{side}_shoulder_abduction"] = np.full_like(t_s, rng.uniform(3, 12))
    return Motion(angles, glide_s=0.14, left_share=_left_share(phase - 0.05))


def run(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Running in a circle that fits the room, leaning into it, with a flight at each step."""
    phase = rng.uniform(1.25, 1.45) * t_s + rng.uniform(0, 1)
    reach_deg, swing_deg = rng.uniform(16, 24), rng.uniform(25, 45)
    heel_deg, lean_deg, turn_sign = rng.uniform(60, 95), rng.uniform(5, 14), _sign(rng)
    angles = {
        "heading": turn_sign * rng.uniform(75, 110) * t_s,
        "pelvis_tilt": np.full_like(t_s, lean_deg),
        "pelvis_list": -5 * turn_sign + 4 * np.sin(2 * np.pi * phase),
        "pelvis_twist": -8 * np.cos(2 * np.pi * phase),
        "thorax_twist": 16 * np.cos(2 * np.pi * phase),
        "neck_flexion": np.full_like(t_s, -6.0),
    }
    for side, turn in _sides(phase):
        forward = np.cos(2 * np.pi * (turn + 0.05))
        knee_deg = 16 + 22 * bump(turn, 0.15, 0.07) + heel_deg * bump(turn, 0.66, 0.12)
        hip_deg = _hip_deg(_foot_path(turn, 0.38), knee_deg, reach_deg)
        angles[f"{side}_hip_flexion"] = lean_deg + hip_deg
        angles[f"{side}_knee_flexion"] = knee_deg
        angles[f"{side}_shoulder_flexion"] = -8 - swing_deg * forward
        angles[f"{side}_elbow_flexion"] = 88 - 14 * forward
        angles[f"{side}_shoulder_abduction"] = np.full_like(t_s, 14.0)
        angles[f"{side}_shoulder_rotation"] = np.full_like(t_s, rng.uniform(10, 25))
    lift_m = rng.uniform(0.02, 0.06) * bump(2 * phase, 0.88, 0.09)
    return Motion(angles, lift_m=lift_m, glide_s=0.2, left_share=_left_share(phase + 0.06))


def turn_around(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Turning on the spot with small steps, the head leading, then standing for a while."""
    period_s, step_hz = rng.uniform(1.8, 2.6), rng.uniform(0.9, 1.3)
    quarter_deg = rng.choice((90.0, 135.0, 180.0), size=64) * rng.choice((-1.0, 1.0), size=64)
    turns = t_s / period_s + rng.uniform(0, 0.5)
    count = np.floor(turns).astype(int) % 64
    total_deg = np.concatenate([[0.0], np.cumsum(quarter_deg)])[count]
    progress = turns % 1.0 / 0.7
    moving = ease(progress / 0.3) - ease((progress - 0.8) / 0.2)
    angles = {
        "heading": total_deg + quarter_deg[count] * ease(progress),
        "neck_twist": quarter_deg[count] * 0.25 * moving,
        "thorax_twist": quarter_deg[count] * 0.08 * moving,
    }
    arms_deg = rng.uniform(4, 20)
    for side, turn in _sides(step_hz * t_s):
        step = bump(turn, 0.5, 0.12) * moving
        angles[f"{side}_hip_flexion"] = 4 + 26 * step
        angles[f"{side}_knee_flexion"] = 7 + 48 * step
        angles[f"{side}_shoulder_flexion"] = arms_deg * np.cos(2 * np.pi * (turn + 0.5)) * moving
        angles[f"{side}_elbow_flexion"] = 15 + arms_deg * moving
    return Motion(angles)


def sidestep(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Stepping to the left and back to the right, upright or in a low guard."""
    period_s, low = rng.uniform(0.9, 1.3), rng.uniform(0.0, 1.0)
    there_and_back = np.cos(2 * np.pi * t_s / (6 * period_s) + rng.uniform(0, 6.28))
    direction = np.tanh(4 * there_and_back)
    phase = t_s / period_s
    open_deg = 5 + 15 * (0.5 - 0.5 * np.cos(2 * np.pi * phase))
    angles = {"pelvis_tilt": np.full_like(t_s, 4 + 14 * low), "neck_twist": 35 * direction}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        # The leading leg is in the air while the legs open, the trailing one while they close.
        leads = 0.5 + 0.5 * sign * direction
        lifted = leads * bump(phase, 0.25, 0.1) + (1 - leads) * bump(phase, 0.75, 0.1)
        angles[f"{side}_hip_abduction"] = open_deg
        angles[f"{side}_hip_flexion"] = 8 + 32 * low + 22 * lifted
        angles[f"{side}_knee_flexion"] = 10 + 48 * low + 42 * lifted
        angles[f"{side}_shoulder_flexion"] = 10 + 35 * low + 8 * wander(t_s, rng)
        angles[f"{side}_shoulder_abduction"] = 10 + 20 * low + 1.2 * open_deg
        angles[f"{side}_elbow_flexion"] = 20 + 60 * low + 10 * wander(t_s, rng)
    return Motion(angles)


def crawl(t_s: Curve, rng: np.random.Generator) -> Motion:
    """On hands and knees in a circle, opposite hand and knee together."""
    phase = rng.uniform(0.6, 0.9) * t_s + rng.uniform(0, 1)
    reach_deg, stride_deg = rng.uniform(10, 18), rng.uniform(10, 18)
    angles = add(
        {
            "heading": _sign(rng) * rng.uniform(15, 40) * t_s,
            "pelvis_tilt": np.full_like(t_s, rng.uniform(66, 76)),
            "pelvis_list": 5 * np.sin(2 * np.pi * phase),
            "thorax_twist": 5 * np.cos(2 * np.pi * phase),
            "neck_flexion": np.full_like(t_s, rng.uniform(-35, 0)),
            "head_flexion": -10 + 6 * wander(t_s, rng),
            "neck_twist": 12 * wander(t_s, rng),
        },
        both("knee_flexion", np.full_like(t_s, 92.0)),
    )
    for side, turn in _sides(phase):
        forward, lifted = np.cos(2 * np.pi * turn), bump(turn, 0.75, 0.13)
        angles[f"{side}_hip_flexion"] = 76 + stride_deg * forward + 4 * lifted
        angles[f"{side}_shoulder_flexion"] = 80 - reach_deg * forward
        angles[f"{side}_elbow_flexion"] = 6 + 30 * bump(turn, 0.25, 0.13)
    return Motion(angles)
