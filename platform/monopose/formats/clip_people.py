"""Clips as the people of detectors' JSON files: 2D of one view of one take."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from monopose.data.clip import Clip
from monopose.errors import InputError
from monopose.formats.alphapose import write_alphapose
from monopose.formats.coco_results import write_coco_results
from monopose.formats.mmpose import JOINT_NAMES, Predictions, write_mmpose
from monopose.formats.openpose import write_openpose
from monopose.formats.people import Frame, Person
from monopose.skeleton import joint_set

# What importers of detections call the people that they follow through a video.
_FOLLOWED = re.compile(r"person\d+")
# A file may have this many frames for each frame with somebody in it.
_MOST_EMPTY = 100


def same_take(one: Clip, other: Clip) -> bool:
    """True for people who were followed through the same video, and belong in one file."""
    followed = all(_FOLLOWED.fullmatch(clip.subject) for clip in (one, other))
    alike = all(
        getattr(one, name) == getattr(other, name)
        for name in ("dataset", "action", "split", "fps", "joint_set")
    )
    ids = [tuple(camera.camera_id for camera in clip.cameras) for clip in (one, other)]
    return followed and alike and ids[0] == ids[1]


def one_view(clip: Clip, view: int) -> Clip:
    """The clip's 2D as this one camera sees it."""
    assert clip.keypoints_px is not None
    score = clip.keypoint_score
    given = np.ones(clip.keypoints_px.shape[:-1], np.float32) if score is None else score
    return replace(
        clip,
        cameras=(clip.cameras[view],),
        pose_world_m=None,
        pose_camera_m=None,
        keypoints_px=clip.keypoints_px[view, None],
        keypoint_score=given[view, None],
        image=None,
        crop_box_px=None,
        heatmaps=None,
    )


def frames_of(people: Sequence[Clip]) -> tuple[Frame, ...]:
    """Every frame from the first of them to the last, by its number, with who is seen in it.

    people: one view each. Identities count them from 1. Raises InputError for people so far apart
    in time that nearly all frames would be empty.
    """
    first = min(clip.start_frame for clip in people)
    end = max(clip.start_frame + clip.num_frames for clip in people)
    if end - first > _MOST_EMPTY * sum(clip.num_frames for clip in people):
        what = f"frames run from {first} to {end - 1}, nearly all without anyone"
        raise InputError(what, where=f"clip {people[0].clip_id!r}", fix="convert them one by one")
    frames: list[list[Person]] = [[] for _ in range(first, end)]
    for place, clip in enumerate(people):
        assert clip.keypoints_px is not None
        assert clip.keypoint_score is not None
        for index in np.flatnonzero((clip.keypoint_score[0] > 0).any(axis=-1)):
            pixels, score = clip.keypoints_px[0, index], clip.keypoint_score[0, index]
            found = _person(pixels.astype(np.float64), score.astype(np.float64), place + 1)
            frames[clip.start_frame + int(index) - first].append(found)
    return tuple(Frame(first + index, tuple(seen)) for index, seen in enumerate(frames))


def _person(pixels: np.ndarray, score: np.ndarray, identity: int) -> Person:
    """With the mean score of the keypoints that are there, and the box that just holds them."""
    seen = score > 0
    x, y = pixels[seen].min(axis=0).tolist()
    right, bottom = pixels[seen].max(axis=0).tolist()
    box = (x, y, right - x, bottom - y)
    return Person(pixels * seen[:, None], score, float(score[seen].mean()), identity, box)


def write_people_openpose(path: Path, people: Sequence[Clip]) -> None:
    """A new folder with a file for each frame, named as OpenPose names them."""
    path.mkdir()
    for frame in frames_of(people):
        write_openpose(path / f"{path.name}_{frame.image:012d}_keypoints.json", frame.people)


def write_people_alphapose(path: Path, people: Sequence[Clip]) -> None:
    """One file; images are called as AlphaPose calls a video's frames."""
    named = [replace(frame, image=f"{frame.image}.jpg") for frame in frames_of(people)]
    write_alphapose(path, named)


def write_people_coco_results(path: Path, people: Sequence[Clip]) -> None:
    """One file; an image's id is the number of its frame."""
    write_coco_results(path, frames_of(people))


def write_people_mmpose(path: Path, people: Sequence[Clip]) -> None:
    """One file as MMPose's demos write it: the joints are named, frames are counted from 1."""
    ours = joint_set(people[0].joint_set)
    theirs = JOINT_NAMES[ours.name]
    names = tuple(theirs.get(joint, joint) for joint in ours.joints)
    counted = tuple(replace(f, image=int(f.image) + 1) for f in frames_of(people))
    write_mmpose(path, Predictions("demo", counted, names))
