"""The studio's clips: subjects x actions x takes, four views each, from one seed."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32

from monopose.data.camera_ring import studio_cameras
from monopose.data.clip import Clip, validate
from monopose.data.detector import Detections, observe
from monopose.data.studio.actions import ACTIONS
from monopose.data.studio.body import JOINTS, Subject, draw_subject, pose_from_angles
from monopose.data.studio.floor import stand_on_floor
from monopose.data.studio.motion import Curve, Motion, add, wander
from monopose.errors import InputError
from monopose.geometry.camera import Camera

FPS = 50.0

# How much a person's own posture differs from the textbook's (standard deviation between clips)
# and sways (standard deviation in time), degrees.
_HABIT_DEG = {"neck_flexion": (5.0, 3.0), "head_flexion": (5.0, 3.0), "neck_twist": (0.0, 5.0)}
_HABIT_DEG |= {"spine_flexion": (4.0, 1.0), "thorax_flexion": (5.0, 1.0), "pelvis_tilt": (2.0, 1.0)}
_HABIT_DEG |= {"spine_bending": (1.0, 1.0), "thorax_bending": (1.0, 1.0), "pelvis_list": (0.7, 0.7)}
_SIDED_HABIT_DEG = {
    "shoulder_flexion": (5.0, 3.0),
    "shoulder_abduction": (5.0, 2.0),
    "shoulder_rotation": (15.0, 4.0),
    "elbow_flexion": (9.0, 4.0),
    "hip_abduction": (2.0, 0.5),
    "hip_rotation": (4.0, 0.5),
    "hip_flexion": (2.0, 0.5),
    "knee_flexion": (2.0, 0.7),
    "clavicle_elevation": (4.0, 1.0),
}
_RESTING_DEG = {"shoulder_abduction": 6.0, "shoulder_rotation": 15.0, "hip_abduction": 2.0}
_RESTING_DEG |= {"elbow_flexion": 8.0, "knee_flexion": 2.0}


def studio_clips(
    seed: int = 0,
    seconds: float = 4.0,
    *,
    subjects: int = 10,
    takes: int = 1,
    actions: Sequence[str] | None = None,
    detections: Literal["model", "gt"] = "model",
    lens_distortion: bool = False,
) -> Iterator[Clip]:
    """Clips of every subject doing every action, 50 fps, h36m17, four cameras per subject.

    seconds: length of each clip. takes: clips per subject and action. actions: names from
    ACTIONS, default all. detections: "model" fills keypoints with modelled detector errors and
    confidences, "gt" with exact projections and score 1, outside the image too. A clip's content
    depends only on the seed, its subject, action and take, and the options, not on which others
    are asked for; only its split depends on the number of subjects.
    Subjects are split 70 / 10 / 20 % into train, val and test.
    Raises InputError for an unknown action or numbers that give no clips.
    """
    names = tuple(ACTIONS) if actions is None else tuple(actions)
    _check(names, seconds, subjects, takes)
    for number in range(1, subjects + 1):
        rng = np.random.default_rng([seed, number])
        subject = draw_subject(f"S{number:02d}", _stature_m(seed, number), rng)
        cameras = studio_cameras(rng, lens_distortion)
        split = _split(number, subjects)
        for name, take in product(names, range(takes)):
            rng = np.random.default_rng([seed, number, take, *name.encode()])
            pose_world_m = act(subject, name, round(seconds * FPS), rng)
            observed = observe(pose_world_m, cameras, detections, rng, FPS)
            yield validate(_clip(subject, name, take, split, cameras, pose_world_m, observed))


def _clip(
    subject: Subject,
    action: str,
    take: int,
    split: str,
    cameras: tuple[Camera, ...],
    pose_world_m: Float32[np.ndarray, "T J 3"],
    observed: Detections,
) -> Clip:
    return Clip(
        clip_id=f"studio/{subject.subject_id}/{action}/{take}",
        dataset="studio",
        subject=subject.subject_id,
        action=action,
        split=split,
        fps=FPS,
        joint_set="h36m17",
        cameras=cameras,
        pose_world_m=pose_world_m,
        keypoints_px=observed[0],
        keypoint_score=observed[1],
    )


def _stature_m(seed: int, number: int) -> float:
    """1.54-1.94 m, spread evenly over however few subjects there are (golden-ratio sequence)."""
    first = np.random.default_rng(seed).random()
    return 1.54 + 0.40 * float((first + number * 0.6180339887) % 1.0)


def _check(names: Sequence[str], seconds: float, subjects: int, takes: int) -> None:
    unknown = [name for name in names if name not in ACTIONS]
    if unknown:
        raise InputError(
            f"unknown studio actions {unknown}", fix=f"choose from {', '.join(ACTIONS)}"
        )
    if subjects < 3:
        raise InputError(
            f"{subjects} studio subjects cannot fill three splits", fix="ask for 3 or more"
        )
    if round(seconds * FPS) < 2:
        raise InputError(
            f"{seconds:g} s of studio motion is less than two frames", fix="ask for 0.04 s or more"
        )
    if takes < 1 or not names:
        raise InputError("no studio clips asked for", fix="give at least one action and one take")


def _split(number: int, subjects: int) -> str:
    """The last fifth of the subjects is the test split, the tenth before it the val split."""
    test, val = max(1, round(0.2 * subjects)), max(1, round(0.1 * subjects))
    if number > subjects - test:
        return "test"
    return "val" if number > subjects - test - val else "train"


def act(
    subject: Subject, action: str, frames: int, rng: np.random.Generator
) -> Float32[np.ndarray, "T J 3"]:
    """One performance: h36m17 joints in the world, metres, floor at z = 0, near the middle."""
    t_s = np.arange(frames) / FPS
    motion = ACTIONS[action](t_s, rng)
    angles_deg = add(motion.angles_deg, _habits(t_s, rng))
    angles_deg["heading"] = angles_deg.get("heading", np.zeros(frames)) + rng.uniform(0, 360)
    pose_m = _standing(subject, motion, angles_deg)
    pelvis_m = pose_m[:, 0, :2]
    middle_m = (pelvis_m.min(axis=0) + pelvis_m.max(axis=0)) / 2
    pose_m[..., :2] += rng.normal(0.0, 0.15, 2) - middle_m
    return pose_m.astype(np.float32)


def _standing(
    subject: Subject, motion: Motion, angles_deg: dict[str, Curve]
) -> Float[np.ndarray, "T J 3"]:
    relative_m = pose_from_angles(subject, angles_deg)
    glide_frames = round(motion.glide_s * FPS)
    bearing = None
    if motion.left_share is not None:
        bearing = np.zeros(relative_m.shape[:2])
        bearing[:, JOINTS.index("left_ankle")] = motion.left_share
        bearing[:, JOINTS.index("right_ankle")] = 1 - motion.left_share
    return stand_on_floor(relative_m, subject.clearance_m, motion.lift_m, glide_frames, bearing)


def _habits(t_s: Curve, rng: np.random.Generator) -> dict[str, Curve]:
    """A person's own posture and sway, added to whatever they do."""
    spread = dict(_HABIT_DEG)
    for side in ("left", "right"):
        spread |= {f"{side}_{motion}": sizes for motion, sizes in _SIDED_HABIT_DEG.items()}
    curves = {}
    for channel, (between_deg, sway_deg) in spread.items():
        resting = _RESTING_DEG.get(channel.removeprefix("left_").removeprefix("right_"), 0.0)
        curves[channel] = resting + rng.normal(0, between_deg) + sway_deg * wander(t_s, rng)
    return curves
