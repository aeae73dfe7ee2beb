"""Every format that clips are written in; a new one is its writer and a line in WRITERS."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from monopose.data.clip import Clip
from monopose.errors import InputError
from monopose.formats import clip_people
from monopose.formats.bvh_pose import write_clip_bvh
from monopose.formats.trc import write_clip_trc
from monopose.formats.videopose3d import write_videopose3d
from monopose.formats.videopose3d_joints import POSE_SETS

Kept = Literal["3D", "2D", "cameras", "frame rate", "subjects", "splits"]
_KEEPABLE: tuple[Kept, ...] = ("3D", "2D", "cameras", "frame rate", "subjects", "splits")


@dataclass(frozen=True)
class Writer:
    """One format: what it needs of a clip, what it keeps of it, and how it is written.

    holds: what one file (or folder) is of: a clip, a view of a take with all its people, or all
    clips. suffix: of the file; empty where the format is a folder. needs: fields of the clip that
    must be there. joint_sets: those it can hold, empty for any. changes: what reading it back gives
    otherwise, beyond what is not kept. write: takes the path, which is new, the clips and the name
    of their 2D; what it cannot express it refuses with InputError before it writes.
    """

    holds: Literal["clip", "view", "all"]
    suffix: str
    write: Callable[[Path, Sequence[Clip], str], None]
    needs: tuple[Literal["pose_world_m", "keypoints_px"], ...]
    keeps: frozenset[Kept]
    joint_sets: tuple[str, ...] = ()
    changes: str = ""

    def check(self, clip: Clip, name: str) -> None:
        """Raises InputError for a clip that this format, of that name, cannot express."""
        where = f"clip {clip.clip_id!r}"
        if "pose_world_m" in self.needs and clip.pose_world_m is None:
            raise InputError(f"has no 3D in the world, which {name} needs", where=where)
        if "keypoints_px" in self.needs and clip.keypoints_px is None:
            raise InputError(f"has no 2D keypoints, which {name} needs", where=where)
        if self.joint_sets and clip.joint_set not in self.joint_sets:
            known = ", ".join(self.joint_sets)
            what = f"joints are {clip.joint_set}; {name} holds {known}"
            raise InputError(what, where=where, fix="convert them with --joint-set")

    def left_out(self, clip: Clip) -> tuple[str, ...]:
        """What the clip has and the format does not keep."""
        has: dict[str, bool] = dict.fromkeys(_KEEPABLE, True)
        has["3D"], has["2D"] = clip.has_3d, clip.has_2d
        has["cameras"] = any(c.has_intrinsics or c.has_extrinsics or c.width for c in clip.cameras)
        lost = [part for part in _KEEPABLE if has[part] and part not in self.keeps]
        return (*lost, *(["images"] if clip.has_images else []))


def _bvh(path: Path, clips: Sequence[Clip], _: str) -> None:
    write_clip_bvh(path, clips[0])


def _trc(path: Path, clips: Sequence[Clip], _: str) -> None:
    write_clip_trc(path, clips[0])


def _videopose3d(path: Path, clips: Sequence[Clip], detections: str) -> None:
    write_videopose3d(clips, path, detections=detections)


def _detected(
    write: Callable[[Path, Sequence[Clip]], None], suffix: str, *joint_sets: str, changes: str = ""
) -> Writer:
    """A detector's format: 2D of the people in one view."""

    def written(path: Path, clips: Sequence[Clip], _: str) -> None:
        write(path, clips)

    return Writer(
        "view", suffix, written, ("keypoints_px",), frozenset({"2D"}), joint_sets, changes
    )


_NO_EMPTY_FRAMES = "frames without anyone leave no trace"

WRITERS: dict[str, Writer] = {
    "bvh": Writer(
        "clip",
        ".bvh",
        _bvh,
        ("pose_world_m",),
        frozenset({"3D", "frame rate"}),
        changes="bones keep their mean lengths, so joints move where lengths vary",
    ),
    "trc": Writer(
        "clip",
        ".trc",
        _trc,
        ("pose_world_m",),
        frozenset({"3D", "frame rate"}),
        changes="positions are rounded to micrometres",
    ),
    "videopose3d": Writer(
        "all",
        "",
        _videopose3d,
        ("pose_world_m", "keypoints_px"),
        frozenset(_KEEPABLE),
        tuple(POSE_SETS.values()),
    ),
    "openpose": _detected(
        clip_people.write_people_openpose,
        "",
        "body25",
        "body25b",
        "openpose18",
        "coco17",
        changes="numbers have six significant digits",
    ),
    "alphapose": _detected(
        clip_people.write_people_alphapose, ".json", "coco17", "halpe26", changes=_NO_EMPTY_FRAMES
    ),
    "mmpose": _detected(clip_people.write_people_mmpose, ".json", "coco17", "halpe26", "h36m17"),
    "coco-results": _detected(
        clip_people.write_people_coco_results,
        ".json",
        "coco17",
        "halpe26",
        changes=_NO_EMPTY_FRAMES,
    ),
}
