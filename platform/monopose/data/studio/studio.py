"""The studio's clips: subjects x actions x takes, four views each, from one seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32

from monopose.data.camera_ring import studio_cameras
from monopose.data.clip import Clip, validate
from monopose.data.detector import observe
from monopose.data.importers.source import Part
from monopose.data.studio.actions import ACTIONS
from monopose.data.studio.body import JOINTS, Subject, draw_subject, pose_from_angles
from monopose.data.studio.floor import stand_on_floor
from monopose.data.studio.motion import Curve, Motion, add, wander
from monopose.data.studio.wild_camera import wild_camera
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


@dataclass(frozen=True)
class _Person:
    """Who acts before which cameras; key: seeds of their clothes, () where each clip has others."""

    subject: Subject
    cameras: tuple[Camera, ...]
    split: str
    key: tuple[int, ...]


def studio_clips(
    seed: int = 0,
    seconds: float = 4.0,
    *,
    subjects: int = 10,
    takes: int = 1,
    actions: Sequence[str] | None = None,
    detections: Literal["model", "gt"] = "model",
    lens_distortion: bool = False,
    domain: Literal["studio", "wild"] = "studio",
    images: bool = False,
    crop_px: int = 128,
    stride: int = 1,
) -> Iterator[Clip]:
    """Clips of every subject doing every action, 50 fps, h36m17, four cameras per subject.

    seconds: length of each clip. takes: clips per subject and action. actions: names from
    ACTIONS, default all. detections: "model" fills keypoints with modelled detector errors and
    confidences, "gt" with exact projections and score 1, outside the image too. A clip's content
    depends only on the seed, its subject, action and take, and the options, not on which others
    are asked for; only its split depends on the number of subjects.
    Subjects are split 70 / 10 / 20 % into train, val and test.

    domain: "wild" gives other people, each clip in another place before another camera, and 2D
    labels only: one view, no 3D, no calibration. images: adds a square JPEG crop of crop_px for
    each view and frame; "gt" scores then tell 1 seen, 0.5 hidden by a thing or by the body, 0
    outside the image. stride: keeps every n-th frame, at 50 / n fps; motion and detector errors
    stay those of 50 fps. Clips are made one by one, as they are asked for.
    Raises InputError for an unknown action or numbers that give no clips.
    """
    wanted = Wanted(
        seed, seconds, subjects, takes, actions, detections, lens_distortion, domain, images,
        crop_px, stride,
    )  # fmt: skip
    for part in wanted.parts():
        yield from part()


@dataclass(frozen=True)
class Wanted:
    """Which clips to make; the fields are the arguments of `studio_clips`."""

    seed: int = 0
    seconds: float = 4.0
    subjects: int = 10
    takes: int = 1
    actions: Sequence[str] | None = None
    detections: Literal["model", "gt"] = "model"
    lens_distortion: bool = False
    domain: Literal["studio", "wild"] = "studio"
    images: bool = False
    crop_px: int = 128
    stride: int = 1

    def parts(self) -> Iterator[Part]:
        """One part for each subject and action, made as they are asked for.

        Raises InputError as `studio_clips` does, at once.
        """
        names = tuple(ACTIONS) if self.actions is None else tuple(self.actions)
        _check(names, self.seconds, self.subjects, self.takes, self.crop_px, self.stride)
        numbers = range(1, self.subjects + 1)
        return (partial(_takes, self, number, name) for number in numbers for name in names)


def _takes(wanted: Wanted, number: int, name: str) -> Iterator[Clip]:
    """The clips of one subject doing one action."""
    domain, exact = wanted.domain, wanted.detections == "gt"
    person = _person(wanted.seed, number, wanted.subjects, wanted.lens_distortion, domain)
    frames = round(wanted.seconds * FPS)
    for take in range(wanted.takes):
        key = (wanted.seed, number, take, *name.encode(), *((99,) if domain == "wild" else ()))
        clip = _acted(person, name, take, frames, key, wanted.detections, domain)
        clip = _every(clip, wanted.stride)
        if wanted.images:
            clip = _filmed(clip, person, key, domain, wanted.crop_px, exact)
        yield validate(_without_3d(clip) if domain == "wild" else clip)


def _person(seed: int, number: int, subjects: int, lens_distortion: bool, domain: str) -> _Person:
    split = _split(number, subjects)
    if domain == "wild":
        rng = np.random.default_rng([seed, number, 99])
        return _Person(draw_subject(f"W{number:02d}", rng.uniform(1.3, 2.0), rng), (), split, ())
    rng = np.random.default_rng([seed, number])
    subject = draw_subject(f"S{number:02d}", _stature_m(seed, number), rng)
    return _Person(subject, studio_cameras(rng, lens_distortion), split, (seed, number))


def _acted(
    person: _Person,
    action: str,
    take: int,
    frames: int,
    key: Sequence[int],
    detections: Literal["model", "gt"],
    domain: str,
) -> Clip:
    """A performance at 50 fps, its cameras calibrated, its 3D known."""
    rng = np.random.default_rng(key)
    wild = domain == "wild"
    pose_world_m = act(person.subject, action, frames, rng, loose=1.4 if wild else 1.0)
    cameras = (wild_camera(pose_world_m, "wild", rng),) if wild else person.cameras
    observed = observe(pose_world_m, cameras, detections, rng, FPS)
    return Clip(
        clip_id=f"{domain}/{person.subject.subject_id}/{action}/{take}",
        dataset=domain,
        subject=person.subject.subject_id,
        action=action,
        split=person.split,
        fps=FPS,
        joint_set="h36m17",
        cameras=cameras,
        pose_world_m=pose_world_m,
        keypoints_px=observed[0],
        keypoint_score=observed[1],
    )


def _every(clip: Clip, stride: int) -> Clip:
    if stride == 1:
        return clip
    assert clip.pose_world_m is not None
    assert clip.keypoints_px is not None
    assert clip.keypoint_score is not None
    return replace(
        clip,
        fps=FPS / stride,
        pose_world_m=clip.pose_world_m[::stride],
        keypoints_px=clip.keypoints_px[:, ::stride],
        keypoint_score=clip.keypoint_score[:, ::stride],
    )


def _filmed(
    clip: Clip,
    person: _Person,
    key: Sequence[int],
    domain: Literal["studio", "wild"],
    crop_px: int,
    exact: bool,
) -> Clip:
    # The renderer's compiler is large, and only images need it.
    from monopose.data.studio.images.filming import with_images

    return with_images(
        clip,
        person.subject.stature_m,
        domain=domain,
        crop_px=crop_px,
        exact=exact,
        person_key=person.key or key,
        take_key=key,
    )


def _without_3d(clip: Clip) -> Clip:
    """The clip as photos from anywhere come: no 3D, and of the camera only the image's size."""
    cameras = tuple(
        Camera(camera.camera_id, width=camera.width, height=camera.height)
        for camera in clip.cameras
    )
    return replace(clip, pose_world_m=None, cameras=cameras)


def _stature_m(seed: int, number: int) -> float:
    """1.54-1.94 m, spread evenly over however few subjects there are (golden-ratio sequence)."""
    first = np.random.default_rng(seed).random()
    return 1.54 + 0.40 * float((first + number * 0.6180339887) % 1.0)


def _check(
    names: Sequence[str], seconds: float, subjects: int, takes: int, crop_px: int, stride: int
) -> None:
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
    if not 1 <= stride <= round(seconds * FPS) // 2:
        raise InputError(
            f"a stride of {stride} leaves less than two of {round(seconds * FPS)} frames",
            fix="ask for a smaller stride of 1 or more, or for longer clips",
        )
    if not 16 <= crop_px <= 1024:
        raise InputError(f"crops of {crop_px} px cannot be made", fix="ask for 16 to 1024")
    if takes < 1 or not names:
        raise InputError("no studio clips asked for", fix="give at least one action and one take")


def _split(number: int, subjects: int) -> str:
    """The last fifth of the subjects is the test split, the tenth before it the val split."""
    test, val = max(1, round(0.2 * subjects)), max(1, round(0.1 * subjects))
    if number > subjects - test:
        return "test"
    return "val" if number > subjects - test - val else "train"


def act(
    subject: Subject, action: str, frames: int, rng: np.random.Generator, loose: float = 1.0
) -> Float32[np.ndarray, "T J 3"]:
    """One performance: h36m17 joints in the world, metres, floor at z = 0, near the middle.

    loose: how far the person's own posture is from the textbook's, 1 for people in a studio.
    """
    t_s = np.arange(frames) / FPS
    motion = ACTIONS[action](t_s, rng)
    angles_deg = add(motion.angles_deg, _habits(t_s, rng, loose))
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


def _habits(t_s: Curve, rng: np.random.Generator, loose: float) -> dict[str, Curve]:
    """A person's own posture and sway, added to whatever they do."""
    spread = dict(_HABIT_DEG)
    for side in ("left", "right"):
        spread |= {f"{side}_{motion}": sizes for motion, sizes in _SIDED_HABIT_DEG.items()}
    curves = {}
    for channel, (between_deg, sway_deg) in spread.items():
        resting = _RESTING_DEG.get(channel.removeprefix("left_").removeprefix("right_"), 0.0)
        own_deg = rng.normal(0, between_deg) + sway_deg * wander(t_s, rng)
        curves[channel] = resting + loose * own_deg
    return curves
