"""What the suite of writers knows of a format: clips that it holds, and how it is read back."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tests.sources.stick_people import FPS, HEIGHT, WIDTH, crossing

from monopose.data.clip import Clip
from monopose.data.importers.catalog import plan_import
from monopose.data.importers.source import ImportOptions
from monopose.data.studio.studio import studio_clips
from monopose.geometry.camera import Camera
from monopose.skeleton import joint_set


@dataclass(frozen=True)
class Sample:
    """clips: two that do not belong in one file, made anew by each call.

    error_m, error_px, error_score: how far off a number may be that was written and read. options:
    with which it is read back. wrong_joints: a joint set that the format cannot hold.
    """

    clips: Callable[[], list[Clip]]
    options: ImportOptions = ImportOptions()
    error_m: float = 0.0
    error_px: float = 0.0
    error_score: float = 0.0
    wrong_joints: str | None = None

    def read(self, source: str, *paths: Path) -> list[Clip]:
        return list(plan_import(source, paths, self.options).clips())


def walking() -> list[Clip]:
    """Bodies of constant bones, seen by calibrated cameras, with a keypoint that is missing."""
    found = studio_clips(seed=4, seconds=0.3, subjects=3, actions=("walk", "sit"), detections="gt")
    first = {clip.action: clip for clip in found if clip.subject == "S01"}
    return [_with_a_gap(clip) for clip in first.values()]


def _with_a_gap(clip: Clip) -> Clip:
    assert clip.keypoints_px is not None
    assert clip.keypoint_score is not None
    pixels, score = clip.keypoints_px.copy(), clip.keypoint_score.copy()
    pixels[0, 2, 5], score[0, 2, 5], score[1, 1, 4] = 0, 0, 0.25
    clip_id = f"{clip.dataset}/{clip.subject}/{clip.action}"
    return replace(clip, clip_id=clip_id, keypoints_px=pixels, keypoint_score=score)


def followed(joints: str) -> list[Clip]:
    """The surest person of each of two videos, as importers of detections name them."""
    return [two_people(joints, action)[0] for action in ("cross", "again")]


def two_people(joints: str, action: str = "cross", views: int = 1) -> list[Clip]:
    """Two people of one take; the second comes three frames later, and misses joints."""
    frames = crossing(joints)
    rng = np.random.default_rng(len(action))
    people = []
    for place, first in ((0, 0), (1, 3)):
        seen = [frame.people[place] for frame in frames[first:]]
        pixels = np.stack([one.keypoints_px for one in seen]) + rng.normal(0, 0.3, 2)
        score = np.stack([one.keypoint_score for one in seen])
        score[2, 1 : 2 + 3 * place] = 0
        pixels[score == 0] = 0
        people.append(_person(joints, action, place + 1, first, pixels, score, views))
    return people


def _person(
    joints: str,
    action: str,
    place: int,
    first: int,
    pixels: np.ndarray,
    score: np.ndarray,
    views: int,
) -> Clip:
    subject = f"person{place}"
    return Clip(
        clip_id=f"videos/{subject}/{action}",
        dataset="videos",
        subject=subject,
        action=action,
        split="train",
        fps=FPS,
        joint_set=joints,
        cameras=tuple(Camera(f"cam{v}", width=WIDTH, height=HEIGHT) for v in range(views)),
        start_frame=first,
        keypoints_px=np.stack([pixels + 7 * v * (score > 0)[..., None] for v in range(views)])
        .astype(np.float32),
        keypoint_score=np.stack([score] * views).astype(np.float32),
    )  # fmt: skip


def _detected(joints: str, **values: float) -> Sample:
    layout = joints if joints == "body25" else None
    options = ImportOptions(fps=FPS, image_size=(WIDTH, HEIGHT), layout=layout)
    return Sample(lambda: followed(joints), options, wrong_joints="humaneva15", **values)


# BVH: tests/unit/formats/test_bvh_pose.py says where this comes from. TRC: half of its last digit
# and of float32's within 4 m. OpenPose: half of the sixth digit of a number below 1000.
SAMPLES: dict[str, Sample] = {
    "bvh": Sample(walking, ImportOptions(detections="gt"), error_m=1e-6),
    "trc": Sample(walking, ImportOptions(detections="gt"), error_m=0.5e-6 + 0.25e-6),
    "videopose3d": Sample(walking, wrong_joints="coco17"),
    "openpose": _detected("body25", error_px=0.5e-3 + 0.04e-3, error_score=0.6e-6),
    "alphapose": _detected("halpe26"),
    "mmpose": _detected("coco17"),
    "coco-results": _detected("coco17"),
}


def in_joints(clip: Clip, joints: str) -> Clip:
    """The clip with as many numbers as this set has joints; what they say does not matter."""
    assert clip.keypoints_px is not None
    assert clip.keypoint_score is not None
    count = len(joint_set(joints))
    return replace(
        clip,
        joint_set=joints,
        keypoints_px=np.resize(clip.keypoints_px, (*clip.keypoints_px.shape[:2], count, 2)),
        keypoint_score=np.ones((*clip.keypoint_score.shape[:2], count), np.float32),
        pose_world_m=None
        if clip.pose_world_m is None
        else np.resize(clip.pose_world_m, (clip.num_frames, count, 3)),
    )
