"""The actions of the studio, one plain function each: times and a generator in, a `Motion` out.

Every function draws its own amplitudes, tempo, side and heading, so no two clips are alike, and
repeats itself for as long as it is asked to.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from monopose.data.studio import locomotion
from monopose.data.studio.motion import (
    Curve,
    Motion,
    add,
    both,
    both_sides,
    ease,
    pulses,
    through,
    wander,
)

Action = Callable[[Curve, np.random.Generator], Motion]


def _side(rng: np.random.Generator) -> tuple[str, str]:
    """A side to act with, and the other one."""
    return ("left", "right") if rng.random() < 0.35 else ("right", "left")


def _crouch(depth: Curve, thigh_deg: float, knee_deg: float, lean_deg: float) -> dict[str, Curve]:
    """Bent legs and leaning trunk in proportion to depth; thigh_deg is from the vertical."""
    return add(
        {"pelvis_tilt": lean_deg * depth},
        both("hip_flexion", (thigh_deg + lean_deg) * depth),
        both("knee_flexion", knee_deg * depth),
    )


def _arm(
    side: str, effort: Curve, flexion: float, abduction: float, rotation: float, elbow: float
) -> dict[str, Curve]:
    """One arm brought to a pose (degrees) in proportion to an effort of 0..1."""
    return {
        f"{side}_shoulder_flexion": flexion * effort,
        f"{side}_shoulder_abduction": abduction * effort,
        f"{side}_shoulder_rotation": rotation * effort,
        f"{side}_elbow_flexion": elbow * effort,
    }


def sit(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Sitting down on a chair, staying with hands on the thighs or in talk, standing up."""
    thigh = rng.uniform(75, 92)
    seat = {"hip_flexion": thigh + rng.uniform(-10, 8), "knee_flexion": rng.uniform(75, 100)}
    seat |= {"hip_abduction": rng.uniform(0, 18), "pelvis_tilt": seat["hip_flexion"] - thigh}
    seat |= {"shoulder_flexion": rng.uniform(10, 40), "elbow_flexion": rng.uniform(30, 85)}
    lean = rng.uniform(30, 42)
    half = {"hip_flexion": 55 + lean, "knee_flexion": 78.0, "pelvis_tilt": lean}
    half |= {"shoulder_flexion": 35.0, "elbow_flexion": 25.0, "neck_flexion": -15.0}
    poses = [both_sides(pose) for pose in ({}, half, seat, seat, half)]
    stay_s = rng.uniform(0.8, 2.5)
    angles = through(t_s, poses, (0.8, 0.6, stay_s, 0.6, 0.8), rng.uniform(0, 4))
    talk = {f"{side}_elbow_flexion": 10 * wander(t_s, rng, 3.0) for side in ("left", "right")}
    return Motion(add(angles, talk, {"neck_twist": 18 * wander(t_s, rng)}))


def squat(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Squats with the arms held forward, crossed before the chest, or hanging."""
    depth = pulses(t_s, rng, rng.uniform(1.7, 3.0))
    thigh, lean = rng.uniform(50, 95), rng.uniform(20, 40)
    arms = (rng.uniform(75, 100), 0.0, 0.0, 5.0), (35.0, 0.0, 60.0, 125.0), (10.0, 8.0, 0.0, 8.0)
    arm = arms[rng.integers(3)]
    legs = _crouch(depth, thigh, thigh * rng.uniform(1.12, 1.25), lean)
    wide = both("hip_abduction", np.full_like(t_s, rng.uniform(2, 18)))
    moves = [_arm(side, depth, *arm) for side in ("left", "right")]
    return Motion(add(legs, wide, {"neck_flexion": -0.5 * lean * depth}, *moves))


def lunge(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Lunges to the front, hands on the hips or hanging, one side after the other."""
    side, other = _side(rng)
    deep = rng.uniform(0.7, 1.0)
    arm = both_sides({"shoulder_abduction": 45.0, "shoulder_rotation": 60.0, "elbow_flexion": 95.0})
    arm = arm if rng.random() < 0.5 else {}

    def stretched(front: str, back: str) -> Mapping[str, float]:
        legs = {f"{front}_hip_flexion": 72 * deep, f"{front}_knee_flexion": 76 * deep}
        legs |= {f"{back}_hip_flexion": -14 * deep, f"{back}_knee_flexion": 62 * deep}
        return arm | legs | {"pelvis_tilt": 5.0}

    poses = [arm, stretched(side, other), arm, stretched(other, side)]
    step_s = rng.uniform(0.8, 1.2)
    return Motion(through(t_s, poses, [step_s] * 4, rng.uniform(0, 4)))


def _onto_the_back(rng: np.random.Generator) -> tuple[list[dict[str, float]], list[float]]:
    """Key poses from standing over squatting and sitting to lying, and the time between them."""
    squatting = {"pelvis_tilt": 25.0, "hip_flexion": 115.0, "knee_flexion": 130.0}
    squatting |= {"shoulder_flexion": 20.0, "elbow_flexion": 30.0}
    seated = {"pelvis_tilt": -22.0, "hip_flexion": 98.0, "knee_flexion": 62.0}
    seated |= {"shoulder_flexion": -38.0, "shoulder_abduction": 18.0, "neck_flexion": 15.0}
    bent = rng.uniform(2, 60)
    lying = {"pelvis_tilt": -88.0, "hip_flexion": bent * 0.55, "knee_flexion": bent}
    lying |= {"shoulder_abduction": rng.uniform(12, 80), "elbow_flexion": rng.uniform(5, 70)}
    poses: list[dict[str, float]] = [{}, squatting, seated, lying]
    return [both_sides(pose) for pose in poses], [1.1, 1.0, 1.2]


def _onto_the_front(rng: np.random.Generator) -> tuple[list[dict[str, float]], list[float]]:
    """Key poses from standing over kneeling and all fours to lying, and the time between them."""
    bending = {"hip_flexion": 55.0, "knee_flexion": 85.0, "pelvis_tilt": 25.0}
    kneeling = {"pelvis_tilt": 8.0, "hip_flexion": 10.0, "knee_flexion": 95.0}
    fours = {"pelvis_tilt": 72.0, "hip_flexion": 74.0, "knee_flexion": 90.0}
    fours |= {"shoulder_flexion": 78.0}
    prone = {"pelvis_tilt": 87.0, "knee_flexion": rng.uniform(2, 25), "neck_flexion": -20.0}
    prone |= {"shoulder_flexion": rng.uniform(100, 160), "shoulder_abduction": 35.0}
    prone |= {"elbow_flexion": 60.0}
    poses: list[dict[str, float]] = [{}, bending, kneeling, fours, prone]
    return [both_sides(pose) for pose in poses], [0.7, 0.7, 0.9, 1.0]


def lie(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Getting down to the floor, lying on the back or the front, moving there, getting up."""
    down, down_s = _onto_the_back(rng) if rng.random() < 0.6 else _onto_the_front(rng)
    poses = [*down, down[-1], *reversed(down[1:-1])]
    rest_s = rng.uniform(0.8, 2.5)
    step_s = [*down_s, rest_s, *reversed(down_s)]
    angles = through(t_s, poses, step_s, rng.uniform(0, sum(step_s)))
    moves = {"neck_twist": 15 * wander(t_s, rng), "right_elbow_flexion": 8 * wander(t_s, rng)}
    return Motion(add(angles, moves))


def jump(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Jumps on the spot: dip with arms back, flight with arms up, soft landing."""
    flight_s, period_s = rng.uniform(0.36, 0.5), rng.uniform(2.1, 2.8)
    dip_deg, arms_deg = rng.uniform(35, 60), rng.uniform(40, 150)
    dip = both_sides({"hip_flexion": dip_deg + 35, "knee_flexion": 1.25 * dip_deg})
    dip |= {"pelvis_tilt": 35.0} | both_sides({"shoulder_flexion": -45.0, "elbow_flexion": 10.0})
    off = both_sides({"shoulder_flexion": 0.5 * arms_deg, "elbow_flexion": 20.0})
    high = both_sides({"shoulder_flexion": arms_deg, "elbow_flexion": 15.0, "knee_flexion": 3.0})
    land = both_sides({"hip_flexion": dip_deg + 20, "knee_flexion": 1.2 * dip_deg})
    land |= {"pelvis_tilt": 25.0} | both_sides({"shoulder_flexion": 30.0, "elbow_flexion": 25.0})
    step_s = (0.6, 0.42, 0.5 * flight_s, 0.5 * flight_s + 0.2, period_s - 1.22 - flight_s)
    start_s = rng.uniform(0, period_s)
    angles = through(t_s, [{}, dip, off, high, land], step_s, start_s)
    in_flight_s = (t_s + start_s) % period_s - 1.0
    parabola = 0.5 * 9.81 * in_flight_s * (flight_s - in_flight_s)
    spin = {"heading": rng.uniform(-40, 40) * t_s}
    return Motion(add(angles, spin), lift_m=np.maximum(parabola, 0.0), glide_s=0.1)


def kick(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Kicks to the front: the leg draws back, snaps forward, returns; arms keep the balance."""
    leg, stand = _side(rng)
    high = rng.uniform(40, 95)
    guard = both_sides({"shoulder_flexion": 35.0, "elbow_flexion": 90.0, "knee_flexion": 14.0})
    guard |= both_sides({"hip_flexion": 9.0, "shoulder_abduction": 15.0})
    back = guard | {f"{leg}_hip_flexion": -20.0, f"{leg}_knee_flexion": 75.0, "pelvis_tilt": 6.0}
    back |= {f"{stand}_shoulder_flexion": -15.0, f"{leg}_shoulder_flexion": 50.0}
    out = guard | {f"{leg}_hip_flexion": high, f"{leg}_knee_flexion": 8.0, "pelvis_tilt": -14.0}
    out |= {f"{stand}_shoulder_flexion": 70.0, f"{leg}_shoulder_flexion": -25.0}
    out |= {f"{leg}_elbow_flexion": 25.0, f"{stand}_hip_flexion": -8.0}
    step_s = (0.5, rng.uniform(0.34, 0.5), 0.5, rng.uniform(0.3, 0.9))
    angles = through(t_s, [guard, back, out, guard], step_s, rng.uniform(0, 2))
    return Motion(add(angles, {"heading": rng.uniform(-15, 15) * t_s}))


def punch(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Boxing: straight punches from a guard, left and right in turn, feet apart and springy."""
    lead, rear = _side(rng)
    period_s, high = rng.uniform(1.2, 1.9), rng.uniform(78, 100)
    sign = 1.0 if lead == "right" else -1.0
    jab = ease(np.sin(2 * np.pi * t_s / period_s) * 1.4)
    cross = ease(-np.sin(2 * np.pi * t_s / period_s) * 1.4)
    spring = np.sin(2 * np.pi * t_s * 2 / period_s)
    one = np.ones_like(t_s)
    angles = {
        "heading": 15 * wander(t_s, rng) + rng.uniform(-20, 20) * t_s,
        "pelvis_twist": -sign * 18 * one + sign * 12 * (jab - cross),
        "thorax_twist": sign * 22 * (jab - cross),
        "neck_twist": sign * (18 - 25 * (jab - cross)),
        f"{lead}_hip_flexion": 26 + 4 * spring,
        f"{rear}_hip_flexion": -8 + 4 * spring,
        f"{lead}_knee_flexion": 26 + 8 * spring,
        f"{rear}_knee_flexion": 22 + 8 * spring,
    }
    for side, blow in ((lead, jab), (rear, cross)):
        angles |= {
            f"{side}_shoulder_flexion": 42 + (high - 42) * blow,
            f"{side}_shoulder_abduction": 12 - 8 * blow,
            f"{side}_shoulder_rotation": 22 * one,
            f"{side}_elbow_flexion": 122 - 112 * blow,
        }
    return Motion(angles)


def pick_up(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Bending down, taking something from the floor, lifting it to the chest or above the head."""
    knees = rng.uniform(0.1, 1.0)
    low = {"hip_flexion": 75 + 35 * knees, "knee_flexion": 15 + 95 * knees}
    low |= {"pelvis_tilt": 65.0 - 15 * knees, "spine_flexion": 14.0, "thorax_flexion": 14.0}
    low |= {"shoulder_flexion": 70.0, "elbow_flexion": 12.0, "neck_flexion": -12.0}
    high = rng.uniform(20, 150)
    held = {"shoulder_flexion": high, "elbow_flexion": rng.uniform(30, 95), "neck_flexion": 8.0}
    turned = both_sides(held) | {"thorax_twist": rng.uniform(-30, 30), "spine_twist": 0.0}
    turned |= {"pelvis_twist": rng.uniform(-15, 15)}
    poses = [{}, both_sides(low), both_sides(held), turned]
    step_s = (rng.uniform(0.9, 1.3), rng.uniform(0.9, 1.3), 0.7, 0.9)
    return Motion(through(t_s, poses, step_s, rng.uniform(0, 4)))


def jumping_jack(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Jumping jacks: legs and arms open and close with a small hop each way."""
    phase = t_s * rng.uniform(0.7, 1.1) + rng.uniform(0, 1)
    opening = 0.5 - 0.5 * np.cos(2 * np.pi * phase)
    hop = np.sin(2 * np.pi * phase) ** 2
    angles = add(
        both("hip_abduction", rng.uniform(16, 28) * opening),
        both("hip_flexion", 14 * (1 - hop)),
        both("knee_flexion", 26 * (1 - hop)),
        both("shoulder_abduction", 8 + rng.uniform(120, 160) * opening),
        both("elbow_flexion", np.full_like(t_s, rng.uniform(8, 35))),
        both("clavicle_elevation", 14 * opening),
        {"heading": rng.uniform(-15, 15) * t_s},
    )
    return Motion(angles, lift_m=rng.uniform(0.05, 0.12) * hop, glide_s=0.1)


def reach(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Reaching for things around with either hand, the trunk following."""
    poses: list[Mapping[str, float]] = []
    for _ in range(6):
        side, _other = _side(rng)
        sign = 1.0 if side == "left" else -1.0
        far = rng.uniform(0.0, 1.0)
        pose = {f"{side}_shoulder_flexion": rng.uniform(50, 165)}
        pose |= {f"{side}_shoulder_abduction": rng.uniform(-15, 50)}
        pose |= {f"{side}_elbow_flexion": rng.uniform(5, 40), "spine_flexion": 14 * far}
        pose |= {"pelvis_tilt": 18 * far, f"{side}_clavicle_elevation": rng.uniform(0, 15)}
        pose |= both_sides({"hip_flexion": 18 * far, "knee_flexion": 12 * far})
        twist = -sign * rng.uniform(-5, 28)
        poses += [pose | {"thorax_twist": twist, "neck_twist": rng.uniform(-30, 30)}, {}]
    step_s = rng.uniform(0.55, 1.0, size=len(poses))
    return Motion(through(t_s, poses, step_s.tolist(), rng.uniform(0, 3)))


def wave(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Waving with a raised hand, small beside the head or large above it."""
    side, other = _side(rng)
    raised = pulses(t_s, rng, rng.uniform(3.0, 4.5), rise=0.2, hold=0.5)
    shake = np.sin(2 * np.pi * rng.uniform(1.2, 2.2) * t_s) * raised
    up = _arm(side, raised, rng.uniform(0, 40), rng.uniform(60, 110), -95.0, rng.uniform(45, 95))
    shaking = {
        f"{side}_elbow_flexion": rng.uniform(12, 28) * shake,
        f"{side}_shoulder_abduction": rng.uniform(2, 12) * shake,
        f"{other}_elbow_flexion": 15 + 6 * wander(t_s, rng),
        "thorax_bending": 4 * raised * (1.0 if other == "right" else -1.0),
        "heading": 6 * wander(t_s, rng),
    }
    return Motion(add(up, shaking))


def throw(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Overarm throws: arm and trunk wind up, whip forward with a step, and recover."""
    arm, other = _side(rng)
    sign = 1.0 if arm == "right" else -1.0
    ready = both_sides({"shoulder_flexion": 30.0, "elbow_flexion": 100.0, "knee_flexion": 10.0})
    wound = {f"{arm}_shoulder_abduction": 95.0, f"{arm}_shoulder_rotation": -70.0}
    wound |= {f"{arm}_elbow_flexion": 95.0, f"{other}_shoulder_flexion": 75.0}
    wound |= {"thorax_twist": -sign * 28.0, "pelvis_twist": -sign * 25.0, "pelvis_tilt": -6.0}
    wound |= {f"{other}_hip_flexion": 45.0, f"{other}_knee_flexion": 55.0}
    thrown = {f"{arm}_shoulder_flexion": 70.0, f"{arm}_elbow_flexion": 12.0}
    thrown |= {f"{other}_shoulder_flexion": -20.0, f"{other}_elbow_flexion": 40.0}
    thrown |= {"thorax_twist": sign * 26.0, "pelvis_twist": sign * 15.0, "pelvis_tilt": 22.0}
    thrown |= {f"{other}_hip_flexion": 48.0, f"{other}_knee_flexion": 35.0}
    thrown |= {f"{arm}_hip_flexion": 2.0, f"{arm}_knee_flexion": 18.0}
    step_s = (rng.uniform(0.7, 1.0), rng.uniform(0.42, 0.6), 0.7, rng.uniform(0.3, 1.0))
    return Motion(through(t_s, [ready, wound, thrown, ready], step_s, rng.uniform(0, 2)))


def stretch(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Gymnastics: bends to the sides and to the front, twists, arms overhead."""
    overhead = both_sides({"shoulder_abduction": rng.uniform(130, 165), "elbow_flexion": 20.0})
    poses: list[Mapping[str, float]] = [overhead]
    for sign in (1.0, -1.0):
        bend = {
            "spine_bending": 14.0 * sign,
            "thorax_bending": 16.0 * sign,
            "pelvis_list": 4 * sign,
        }
        poses.append(overhead | bend | {"neck_bending": 8.0 * sign})
        twist = {"thorax_twist": 32.0 * sign, "spine_twist": 14.0 * sign, "neck_twist": 20 * sign}
        poses.append(both_sides({"shoulder_abduction": 80.0, "elbow_flexion": 20.0}) | twist)
    front = {"pelvis_tilt": 62.0, "spine_flexion": 20.0, "thorax_flexion": 20.0}
    poses.append(front | both_sides({"hip_flexion": 58.0, "shoulder_flexion": 85.0}))
    order = rng.permutation(len(poses))
    wide = both("hip_abduction", np.full_like(t_s, rng.uniform(3, 18)))
    step_s = rng.uniform(0.8, 1.4, size=len(poses)).tolist()
    curves = through(t_s, [poses[i] for i in order], step_s, rng.uniform(0, 5))
    return Motion(add(curves, wide))


def _random_arms(rng: np.random.Generator) -> dict[str, float]:
    pose = {}
    for side in ("left", "right"):
        pose[f"{side}_shoulder_flexion"] = rng.uniform(-40, 160)
        pose[f"{side}_shoulder_abduction"] = rng.uniform(-10, 100)
        pose[f"{side}_shoulder_rotation"] = rng.uniform(-70, 60)
        pose[f"{side}_elbow_flexion"] = rng.uniform(5, 135)
    return pose


def _random_body(rng: np.random.Generator) -> dict[str, float]:
    thigh, lean = rng.uniform(0, 70), rng.uniform(-8, 35)
    pose = both_sides({"hip_flexion": thigh + lean, "knee_flexion": thigh * rng.uniform(1.1, 1.4)})
    pose |= {"pelvis_tilt": lean, "pelvis_list": rng.uniform(-10, 10)}
    lifted, _ = _side(rng)
    if rng.random() < 0.4:
        pose[f"{lifted}_hip_flexion"] += rng.uniform(10, 70)
        pose[f"{lifted}_knee_flexion"] += rng.uniform(10, 70)
    for part, twist, bend in (("spine", 12, 8), ("thorax", 22, 14), ("neck", 35, 12)):
        pose[f"{part}_twist"] = rng.uniform(-twist, twist)
        pose[f"{part}_flexion"] = rng.uniform(-bend, bend)
        pose[f"{part}_bending"] = rng.uniform(-bend, bend)
    return pose | {f"{side}_hip_abduction": rng.uniform(-4, 28) for side in ("left", "right")}


def _at_random(
    t_s: Curve, rng: np.random.Generator, poses: Sequence[Mapping[str, float]]
) -> dict[str, Curve]:
    step_s = rng.uniform(0.4, 1.2, size=len(poses)).tolist()
    return through(t_s, poses, step_s)


def gesture(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Standing and talking with the hands: the arms go anywhere, the head looks around."""
    arms = _at_random(t_s, rng, [_random_arms(rng) for _ in range(12)])
    looks = {"neck_twist": 22 * wander(t_s, rng), "neck_flexion": 8 * wander(t_s, rng)}
    return Motion(add(arms, looks, {"heading": 12 * wander(t_s, rng)}))


def dance(t_s: Curve, rng: np.random.Generator) -> Motion:
    """Free dance: random whole-body key poses, standing on whichever foot is lower."""
    arms = _at_random(t_s, rng, [_random_arms(rng) for _ in range(12)])
    body = _at_random(t_s, rng, [_random_body(rng) for _ in range(12)])
    return Motion(add(arms, body, {"heading": rng.uniform(-60, 60) * t_s}))


ACTIONS: dict[str, Action] = {
    "walk": locomotion.walk,
    "run": locomotion.run,
    "turn": locomotion.turn_around,
    "sidestep": locomotion.sidestep,
    "crawl": locomotion.crawl,
    "sit": sit,
    "squat": squat,
    "lunge": lunge,
    "lie": lie,
    "jump": jump,
    "kick": kick,
    "punch": punch,
    "pick_up": pick_up,
    "jumping_jack": jumping_jack,
    "reach": reach,
    "wave": wave,
    "throw": throw,
    "stretch": stretch,
    "gesture": gesture,
    "dance": dance,
}
