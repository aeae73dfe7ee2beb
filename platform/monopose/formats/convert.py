"""Clips written in a format of others: one file, or a folder with a file for each clip and view."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path

import numpy as np

from monopose.data.clip import Clip
from monopose.data.joint_sets import in_joint_set
from monopose.errors import InputError
from monopose.formats.clip_people import one_view, same_take
from monopose.formats.writers import WRITERS, Writer
from monopose.formats.written import FileNames, written_whole
from monopose.skeleton import joint_set as known_joint_set

# Suffixes of one format alone; JSON is of several.
_TELLING = {".bvh": "bvh", ".trc": "trc"}
# What VideoPose3D's folders hold.
_LAYOUT_SUFFIXES = frozenset({".npz", ".json", ".csv"})
_CHOOSE = f"give --format, one of {', '.join(sorted(WRITERS))}"


@dataclass
class Conversion:
    """What was written: files (or folders of a tool's layout), and what they lack."""

    clips: int = 0
    files: int = 0
    left_out: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True)
class _Piece:
    """What goes into one file. parts: of its name."""

    parts: tuple[str, ...]
    clips: Sequence[Clip]


def format_of(target: Path, name: str | None) -> str:
    """The format asked for, or the one that the target's suffix tells; raises InputError."""
    suffix = target.suffix.lower()
    found = name or _TELLING.get(suffix)
    if found is None:
        raise InputError("its name does not tell the format", where=str(target), fix=_CHOOSE)
    if found not in WRITERS:
        raise InputError(f"unknown format {found!r}", where="--format", fix=_CHOOSE)
    known = {writer.suffix for writer in WRITERS.values()} - {""}
    if suffix in known and suffix != WRITERS[found].suffix:
        ending = WRITERS[found].suffix or "a folder"
        raise InputError(f"is called {suffix}, but {found} is {ending}", where=str(target))
    return found


def convert(
    clips: Iterable[Clip],
    target: Path,
    name: str,
    *,
    joint_set: str | None = None,
    detections: str = "gt",
    overwrite: bool = False,
    on_clip: Callable[[], object] = lambda: None,
) -> Conversion:
    """Writes the clips at the target, whole or not at all.

    A target with the format's suffix is one file; another is a folder with a file for each. A
    format that is a folder itself lies there, or in a folder for each where there are several.
    name: of the format. joint_set: to convert the clips to, by joint name. detections: names the
    2D where the format does. on_clip: is called for each clip that is read.
    Raises InputError for no clips, a clip that the format cannot express, several for one file,
    and a target that is there; StorageError.
    """
    writer, done = WRITERS[name], Conversion()
    if joint_set is not None:
        known_joint_set(joint_set)
    converted = (_in_joint_set(clip, joint_set, writer, done) for clip in clips)
    pieces = _pieces(_checked(converted, writer, name, done, on_clip), writer)
    of_files = frozenset({writer.suffix or ".json"})
    suffixes = _LAYOUT_SUFFIXES if writer.holds == "all" else of_files
    with written_whole(target, suffixes, overwrite=overwrite) as made:
        if writer.suffix and target.suffix.lower() == writer.suffix:
            _write_one_file(pieces, made, writer, detections, done)
        else:
            _write_folder(pieces, made, writer, detections, done)
        if not done.files:
            raise InputError("there are no clips to write", where=str(target))
    return done


def _in_joint_set(clip: Clip, joint_set: str | None, writer: Writer, done: Conversion) -> Clip:
    """Notes what the format leaves out, and so needs no counterparts in the joint set."""
    done.left_out |= dict.fromkeys(writer.left_out(clip))
    if "3D" not in writer.keeps:
        clip = replace(clip, pose_world_m=None, pose_camera_m=None)
    return in_joint_set(clip, joint_set)


def _checked(
    clips: Iterable[Clip],
    writer: Writer,
    name: str,
    done: Conversion,
    on_clip: Callable[[], object],
) -> Iterator[Clip]:
    for clip in clips:
        writer.check(clip, name)
        done.clips += 1
        on_clip()
        yield clip


def _pieces(clips: Iterable[Clip], writer: Writer) -> Iterator[_Piece]:
    if writer.holds == "clip":
        yield from (_Piece(_parts(clip), [clip]) for clip in clips)
    elif writer.holds == "view":
        yield from _views(clips)
    else:
        yield _Piece((), [_plain(clip) for clip in clips])


def _views(clips: Iterable[Clip]) -> Iterator[_Piece]:
    """A piece for each camera of each take, with all people of the take who follow each other."""
    waiting: list[Clip] = []
    for clip in clips:
        if waiting and not same_take(waiting[0], clip):
            yield from _views_of_take(waiting)
            waiting = []
        waiting.append(replace(clip, image=None, heatmaps=None))
    if waiting:
        yield from _views_of_take(waiting)


def _views_of_take(people: Sequence[Clip]) -> Iterator[_Piece]:
    first = people[0]
    parts = (first.action,) if same_take(first, first) else _parts(first)
    for view, camera in enumerate(first.cameras):
        named = (*parts, camera.camera_id) if first.multiview else parts
        yield _Piece(named, [one_view(clip, view) for clip in people])


def _parts(clip: Clip) -> tuple[str, ...]:
    """The clip's id without the data set's name, which all clips of a set share."""
    return tuple(clip.clip_id.removeprefix(f"{clip.dataset}/").split("/"))


def _plain(clip: Clip) -> Clip:
    """The world's poses, pixels and scores, under the action that tells the clip from all others.

    Poses in the cameras' frames follow from these. An id may say more than the action, such as the
    number of the take.
    """
    score = clip.keypoint_score
    if score is None and clip.keypoints_px is not None:
        score = np.ones(clip.keypoints_px.shape[:-1], np.float32)
    return replace(
        clip,
        action=clip.clip_id.removeprefix(f"{clip.dataset}/{clip.subject}/"),
        pose_camera_m=None,
        keypoint_score=score,
        image=None,
        crop_box_px=None,
        heatmaps=None,
    )


def _write_one_file(
    pieces: Iterator[_Piece], made: Path, writer: Writer, detections: str, done: Conversion
) -> None:
    for piece in pieces:
        if done.files:
            what = f"is one file, but {'/'.join(piece.parts)[:80]!r} comes too"
            fix = "name a folder instead, with --format"
            raise InputError(what, where=str(made), fix=fix)
        _write(made, piece, writer, detections, done)


def _write_folder(
    pieces: Iterator[_Piece], made: Path, writer: Writer, detections: str, done: Conversion
) -> None:
    """A format's own folder is the target where it is the only one, and else lies in it."""
    names = FileNames()
    ahead = list(islice(pieces, 2))
    if not writer.suffix and len(ahead) == 1:
        _write(made, ahead[0], writer, detections, done)
        return
    made.mkdir()
    for piece in chain(ahead, pieces):
        path = made / (names.of(*piece.parts) + writer.suffix)
        _write(path, piece, writer, detections, done)


def _write(path: Path, piece: _Piece, writer: Writer, detections: str, done: Conversion) -> None:
    writer.write(path, piece.clips, detections)
    done.files += 1
