"""Detected people as clips: what OpenPose, AlphaPose, MMPose and COCO results have in common.

A take is one video, or one folder of images, seen by one camera. Its people are joined over time
(tracks.py) and each becomes a clip from their first to their last frame, `person1` being the one
with most to see. With a calibration the takes are the synchronised views of one person instead.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import numpy as np
from jaxtyping import Float32, UInt8

from monopose.data.clip import Clip
from monopose.data.images.boxes import person_boxes
from monopose.data.images.encoded import crop, encode
from monopose.data.images.video import read_frames
from monopose.data.importers.detections.takes_media import TakeMedia
from monopose.data.importers.detections.tracks import SHORTEST_S, Track, tracks
from monopose.data.joint_sets import in_joint_set
from monopose.errors import InputError
from monopose.formats.people import Person
from monopose.geometry.camera import Camera
from monopose.skeleton import joint_set as known_joint_set

# A photo has no frame rate; its clip says this one.
PHOTO_FPS = 1.0
# A clip may have this many frames without the person for each frame with them.
_MOST_EMPTY = 100
# With images, takes longer than this are cut there, as crops are held until their clip is whole.
_FRAMES_AT_ONCE = 512


@dataclass(frozen=True)
class Detected:
    """A take as read: (frame number, people) by ascending number, and the joints' set.

    The joints beyond the set's own (face, hands) are ignored. photos: the images have nothing to
    do with each other, and the numbers are only names.
    """

    frames: Sequence[tuple[int, Sequence[Person]]]
    joint_set: str
    photos: bool = False


@dataclass(frozen=True)
class Take:
    """One view of one take, not yet read. name: the clips' action. where: the files, for errors.

    read raises InputError naming the file that is wrong.
    """

    name: str
    read: Callable[[], Detected]
    where: str
    media: TakeMedia


def each_person(take: Take, dataset: str, joint_set: str | None) -> Iterator[Clip]:
    """A clip for each person of a take, with images for each piece of the take they are in.

    Raises InputError when nobody stays long enough.
    """
    detected = take.read()
    if detected.photos:
        yield from _photos(take, detected, dataset, joint_set)
        return
    found = tracks(detected.frames, take.media.fps)
    if not found:
        what = f"nobody is seen for {SHORTEST_S} s at {take.media.fps:g} fps"
        raise InputError(what, where=take.where, fix="give the frame rate with --fps")
    clips = [_of_track(take, detected, track, dataset, i + 1) for i, track in enumerate(found)]
    for clip in clips if take.media.crop_px is None else _with_crops(take, clips):
        yield in_joint_set(clip, joint_set)


def _of_track(take: Take, detected: Detected, track: Track, dataset: str, place: int) -> Clip:
    first, last = track.frames[0], track.frames[-1]
    keypoints_px, score = _arrays(track, first, last, detected.joint_set, take.where)
    return replace(
        _clip(dataset, f"person{place}", take, (_camera(take),), detected.joint_set),
        start_frame=first,
        keypoints_px=keypoints_px[None],
        keypoint_score=score[None],
    )


def _photos(take: Take, detected: Detected, dataset: str, joint_set: str | None) -> Iterator[Clip]:
    """A clip of one frame for each person in each photo."""
    for number, people in detected.frames:
        for place, person in enumerate(people):
            keypoints_px, score = _arrays(
                Track([number], [person]), number, number, detected.joint_set, take.where
            )
            action = f"{take.name}_{number}_{place}"
            made = replace(
                _clip(dataset, "unknown", take, (_camera(take),), detected.joint_set),
                clip_id=f"{dataset}/unknown/{action}",
                action=action,
                fps=PHOTO_FPS,
                keypoints_px=keypoints_px[None],
                keypoint_score=score[None],
            )
            yield in_joint_set(made, joint_set)


def one_person(
    takes: Sequence[Take], cameras: Sequence[Camera], dataset: str, joint_set: str | None
) -> Iterator[Clip]:
    """One clip of all views, frames of one number being one instant.

    Raises InputError when a view's frame holds several people, and for views without a common time.
    """
    views = [(take, take.read()) for take in takes]
    sets = {detected.joint_set for _, detected in views}
    if len(sets) != 1:
        raise InputError(f"the views have different joints: {sorted(sets)}", where=takes[0].where)
    found = [_alone(take, detected) for take, detected in views]
    first = min(track.frames[0] for track in found)
    last = max(track.frames[-1] for track in found)
    _check_in_step(takes, found)
    arrays = [
        _arrays(track, first, last, detected.joint_set, take.where)
        for track, (take, detected) in zip(found, views, strict=True)
    ]
    made = replace(
        _clip(dataset, "person1", takes[0], tuple(cameras), sets.pop()),
        clip_id=f"{dataset}/person1/all_views",
        action="all_views",
        start_frame=first,
        keypoints_px=np.stack([keypoints_px for keypoints_px, _ in arrays]),
        keypoint_score=np.stack([score for _, score in arrays]),
    )
    yield in_joint_set(made, joint_set)


def _check_in_step(takes: Sequence[Take], found: Sequence[Track]) -> None:
    """Raises InputError for views of which one ends before another begins."""
    spans = [(track.frames[0], track.frames[-1]) for track in found]
    if max(first for first, _ in spans) <= min(last for _, last in spans):
        return
    named = zip(takes, spans, strict=True)
    times = ", ".join(f"{take.name} {first}-{last}" for take, (first, last) in named)
    fix = "number the frames of all views by one clock"
    what = f"the views have no frame numbers in common: {times}"[:300]
    raise InputError(what, where=takes[0].where, fix=fix)


def _alone(take: Take, detected: Detected) -> Track:
    track = Track()
    for number, people in detected.frames:
        if len(people) > 1:
            what = f"frame {number} shows {len(people)} people"
            fix = "with --cameras give files of one person, or leave --cameras out"
            raise InputError(what, where=take.where, fix=fix)
        if people:
            track.add(number, people[0])
    if not track.frames:
        raise InputError("shows nobody", where=take.where)
    return track


def _clip(
    dataset: str, subject: str, take: Take, cameras: tuple[Camera, ...], joint_set: str
) -> Clip:
    return Clip(
        clip_id=f"{dataset}/{subject}/{take.name}",
        dataset=dataset,
        subject=subject,
        action=take.name,
        split="train",
        fps=take.media.fps,
        joint_set=joint_set,
        cameras=cameras,
    )


def _camera(take: Take) -> Camera:
    width, height = take.media.size or (None, None)
    return Camera(take.name, width=width, height=height)


def _arrays(
    track: Track, first: int, last: int, joint_set: str, where: str
) -> tuple[Float32[np.ndarray, "T J 2"], Float32[np.ndarray, "T J"]]:
    """From frame `first` to `last`; frames without the person have score 0."""
    frames, joints = last - first + 1, len(known_joint_set(joint_set))
    if frames > _MOST_EMPTY * (len(track.frames) + 1):
        what = f"frames run from {first} to {last}, with the person in {len(track.frames)} of them"
        raise InputError(what, where=where, fix="give the takes one by one")
    keypoints_px = np.zeros((frames, joints, 2), np.float32)
    score = np.zeros((frames, joints), np.float32)
    for frame, person in zip(track.frames, track.people, strict=True):
        score[frame - first] = np.clip(person.keypoint_score[:joints], 0, 1)
        keypoints_px[frame - first] = person.keypoints_px[:joints]
    return np.where(score[..., None] > 0, keypoints_px, np.float32(0)), score


def _with_crops(take: Take, clips: Sequence[Clip]) -> Iterator[Clip]:
    """The clips with each person's crops, made in one pass over the video.

    A long take is cut at every so many frames of the video, "walk chunk0" and on, the people of a
    chunk being those of the same frames: no more crops than theirs are ever held.
    """
    path, crop_px = take.media.path, take.media.crop_px
    assert path is not None
    assert crop_px is not None
    end = max(clip.start_frame + clip.num_frames for clip in clips)
    boxes = [_boxes(clip) for clip in clips]
    images = islice(read_frames(path), end)
    for start in range(0, end, _FRAMES_AT_ONCE):
        frames = range(start, min(start + _FRAMES_AT_ONCE, end))
        pieces = [_piece(*both, frames) for both in zip(clips, boxes, strict=True)]
        inside = [piece for piece in pieces if piece is not None]
        number = start // _FRAMES_AT_ONCE
        for piece in _cropped(inside, images, frames, crop_px, (take, end)):
            yield piece if end <= _FRAMES_AT_ONCE else _chunk(piece, number)


def _piece(clip: Clip, boxes_px: Float32[np.ndarray, "T 4"], frames: range) -> Clip | None:
    """The part of the clip in these frames of the video with its boxes; None when it has none."""
    first = max(frames.start, clip.start_frame)
    part = slice(first - clip.start_frame, max(first, frames.stop) - clip.start_frame)
    if not len(boxes_px[part]):
        return None
    assert clip.keypoints_px is not None
    assert clip.keypoint_score is not None
    return replace(
        clip,
        start_frame=first,
        keypoints_px=clip.keypoints_px[:, part],
        keypoint_score=clip.keypoint_score[:, part],
        crop_box_px=boxes_px[None, part],
    )


def _chunk(piece: Clip, number: int) -> Clip:
    action = f"{piece.action} chunk{number}"
    return replace(piece, clip_id=f"{piece.dataset}/{piece.subject}/{action}", action=action)


def _cropped(
    pieces: Sequence[Clip],
    images: Iterator[UInt8[np.ndarray, "H W 3"]],
    frames: range,
    crop_px: int,
    told: tuple[Take, int],
) -> list[Clip]:
    """The pieces with their crops; images go on at the first of the frames.

    told: the take and its count of frames, for the InputError when the images end before.
    """
    crops: list[list[bytes]] = [[] for _ in pieces]
    for number in frames:
        image = next(images, None)
        if image is None:
            take, end = told
            what = f"has {number} frames, the people of {take.where} are in {end}"
            fix = "give the video they were found in"
            raise InputError(what, where=str(take.media.path), fix=fix)
        for piece, made in zip(pieces, crops, strict=True):
            place = number - piece.start_frame
            if 0 <= place < piece.num_frames and piece.crop_box_px is not None:
                made.append(encode(crop(image, piece.crop_box_px[0, place], crop_px)))
    made_of = zip(pieces, crops, strict=True)
    return [replace(piece, image=(tuple(made),)) for piece, made in made_of]


def _boxes(clip: Clip) -> Float32[np.ndarray, "T 4"]:
    """Square boxes; where the person is missing, between those before and after."""
    assert clip.keypoints_px is not None
    assert clip.keypoint_score is not None
    boxes = person_boxes(clip.keypoints_px[0], clip.keypoint_score[0])
    known = np.flatnonzero(boxes[:, 2] > 0)
    every = np.arange(len(boxes))
    columns = [np.interp(every, known, boxes[known, column]) for column in range(4)]
    return np.stack(columns, axis=1).astype(np.float32)


def person_parts(
    takes: Sequence[Take], dataset: str, joint_set: str | None
) -> list[Callable[[], Iterator[Clip]]]:
    """A part for each take."""
    return [partial(each_person, take, dataset, joint_set) for take in takes]
