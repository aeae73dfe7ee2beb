"""OpenPose's JSON, one file per frame, as clips.

A folder of files is a take; several folders are several takes, or with `--cameras` the views of
one person. BODY_25 and BODY_25B cannot be told apart by their count: a sample of the people is
looked at (formats/openpose.py) unless `--layout` says.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from monopose.data.importers.detections.detected import Detected
from monopose.data.importers.detections.numbered import FileTake, counted, dataset_name, file_takes
from monopose.data.importers.detections.takes_media import TakeMedia
from monopose.data.importers.detections.views import OPTIONS, Source, layout_for, plan_detected
from monopose.data.importers.source import Importer, ImportOptions, ImportPlan, files_below
from monopose.errors import InputError
from monopose.formats.openpose import LAYOUTS, read_openpose, recognise_25
from monopose.skeleton import joint_set as known_joint_set

_BY_COUNT = {18: "openpose18", 17: "coco17"}
# Files looked at to tell the layout, spread over the takes.
_SAMPLED_FILES = 30


def read_take(files: Sequence[tuple[int, Path]], layout: str, media: TakeMedia) -> Detected:
    """The frames of a take; raises InputError naming the file that is wrong."""
    frames = [(number, read_openpose(path)) for number, path in files]
    wanted, counts = len(known_joint_set(layout)), set[int]()
    for (_, path), (_, people) in zip(files, frames, strict=True):
        counts |= {len(person.keypoint_score) for person in people}
        if counts not in ({wanted}, set()):
            what = f"has people of {sorted(counts)} joints, {layout} has {wanted}"
            raise InputError(what, where=str(path), fix="name the right --layout")
    return Detected(counted(frames, media), layout)


def _recognise(files: Sequence[Path], where: str) -> str:
    """The layout of a sample of the files, by count and for 25 by where the parts are."""
    chosen = np.unique(np.linspace(0, len(files) - 1, _SAMPLED_FILES).round().astype(int))
    people = [person for index in chosen for person in read_openpose(files[index])]
    fix = f"name it with --layout: {', '.join(LAYOUTS)}"
    counts = sorted({len(person.keypoint_score) for person in people})
    if len(counts) != 1:
        told = f"people have {counts} joints" if counts else "a sample of the files shows nobody"
        raise InputError(f"{told}, the layout is not clear", where=where, fix=fix)
    if counts == [25]:
        found = recognise_25(people)
        if found is None:
            what = "people of 25 joints show too little to tell BODY_25 from BODY_25B"
            raise InputError(what, where=where, fix=fix)
        return found
    return layout_for(counts[0], _BY_COUNT, None, where)


def _source(take: FileTake, layout: str) -> Source:
    return take.name, str(take.folder), partial(read_take, take.files, layout)


def plan(paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """A part for each folder of frames; raises InputError when the layout cannot be told."""
    files = files_below(paths, "*.json")
    where = ", ".join(map(str, paths))
    takes = file_takes(files, paths)
    if options.layout is not None and options.layout not in LAYOUTS:
        fix = f"choose one of {', '.join(LAYOUTS)}"
        raise InputError(f"unknown layout {options.layout!r}", where="--layout", fix=fix)
    layout = options.layout or _recognise(files, where)
    how = "as told" if options.layout else "recognised from a sample of the people"
    sources = [_source(take, layout) for take in takes]
    return plan_detected(dataset_name(paths), sources, options, [f"joints are {layout}, {how}"])


IMPORTER = Importer(plan, OPTIONS, "OpenPose's JSON, a file for each frame")
