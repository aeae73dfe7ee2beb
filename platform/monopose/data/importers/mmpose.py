"""MMPose's predictions as clips: a file for each video, or a folder with a file for each image."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from monopose.data.importers.detections.detected import Detected
from monopose.data.importers.detections.numbered import (
    counted,
    dataset_name,
    file_takes,
    numbered_images,
)
from monopose.data.importers.detections.takes_media import TakeMedia
from monopose.data.importers.detections.views import OPTIONS, layout_for, plan_detected
from monopose.data.importers.source import Importer, ImportOptions, ImportPlan, files_below
from monopose.errors import InputError
from monopose.formats.mmpose import JOINT_NAMES, read_mmpose
from monopose.formats.people import Frame, same_joints
from monopose.skeleton import identify

_BY_COUNT = {17: "coco17", 26: "halpe26", 133: "coco17"}
_PEEK_BYTES = 400


def read_video(path: Path, layout: str | None, media: TakeMedia) -> Detected:
    """The frames of one file; raises InputError naming it."""
    found = read_mmpose(path)
    joints = same_joints(found.frames, str(path))
    if found.joints is not None and len(found.joints) != joints:
        what = f"names {len(found.joints)} joints, its people have {joints}"
        raise InputError(what, where=str(path))
    named = _named(found.joints, str(path)) if layout is None else None
    joint_set = named or layout_for(joints, _BY_COUNT, layout, str(path))
    # The demos count a video's frames from 1.
    first = 1 if found.flavour == "demo" and all(f.image != 0 for f in found.frames) else 0
    frames = [Frame(int(frame.image) - first, frame.people) for frame in found.frames]
    return Detected(numbered_images(frames, media, str(path)), joint_set)


def _named(joints: tuple[str, ...] | None, where: str) -> str | None:
    """The set of joints that are named, where it is one of ours."""
    if joints is None or len(joints) not in (17, 26):
        return None
    theirs = JOINT_NAMES["h36m17" if "root" in joints else "halpe26"]
    ours = {their_name: our_name for our_name, their_name in theirs.items()}
    try:
        return identify([ours.get(joint, joint) for joint in joints]).name
    except InputError as error:
        raise InputError(error.what, where=where, fix="name the set with --layout") from error


def read_images(
    files: Sequence[tuple[int, Path]], layout: str | None, media: TakeMedia
) -> Detected:
    """The frames of a folder of files; raises InputError naming the one that is wrong."""
    frames = []
    for number, path in files:
        found = read_mmpose(path)
        if len(found.frames) != 1:
            raise InputError(f"holds {len(found.frames)} frames, not one image", where=str(path))
        frames.append(Frame(number, found.frames[0].people))
    where = str(files[0][1].parent)
    joint_set = layout_for(same_joints(frames, where), _BY_COUNT, layout, where)
    return Detected(counted([(int(f.image), f.people) for f in frames], media), joint_set)


def _is_image(path: Path) -> bool:
    """A file of one image is a bare list of instances, told by its first bytes."""
    with path.open("rb") as stream:
        start = stream.read(_PEEK_BYTES).lstrip()
    return start.startswith(b"[") and b'"frame_id"' not in start and b'"instances"' not in start


def plan(paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """A part for each video's file and for each folder of images' files."""
    files = files_below(paths, "*.json")
    images = [file for file in files if _is_image(file)]
    sources = [
        (take.name, str(take.folder), partial(read_images, take.files, options.layout))
        for take in file_takes(images, paths)
    ]
    sources += [
        (file.stem, str(file), partial(read_video, file, options.layout))
        for file in files
        if file not in set(images)
    ]
    note = "joints by their names or count: 17 and 133 are COCO's (its 17 are kept), 26 Halpe's"
    return plan_detected(dataset_name(paths), sources, options, [note])


IMPORTER = Importer(plan, OPTIONS, "MMPose's predictions as JSON")
