"""COCO's results JSON as clips: frames of a video, or photos on their own.

`--layout frames` reads image ids as frame numbers, `--layout photos` as photos that have nothing
to do with each other; without it, ids that fill at least half of their range are frames.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from monopose.data.importers.detections.detected import Detected
from monopose.data.importers.detections.numbered import dataset_name, numbered_images
from monopose.data.importers.detections.takes_media import TakeMedia
from monopose.data.importers.detections.views import OPTIONS, layout_for, plan_detected
from monopose.data.importers.source import Importer, ImportOptions, ImportPlan, files_below
from monopose.errors import InputError
from monopose.formats.coco_results import read_coco_results
from monopose.formats.people import same_joints

_BY_COUNT = {17: "coco17", 26: "halpe26", 133: "coco17"}
_LAYOUTS = ("frames", "photos")
# Ids are frame numbers where at least one in so many of their range is there.
_FRAMES_FILL = 2


def read_take(path: Path, layout: str | None, media: TakeMedia) -> Detected:
    """The images of a file; raises InputError naming it."""
    found = read_coco_results(path)
    joint_set = layout_for(same_joints(found, str(path)), _BY_COUNT, None, str(path))
    frames = numbered_images(found, media, str(path))
    span = frames[-1][0] - frames[0][0] + 1
    dense = len(frames) > 1 and span <= _FRAMES_FILL * len(frames)
    photos = layout == "photos" or (layout is None and not dense)
    if photos and media.crop_px is not None:
        what = "images of photos are not brought in from results"
        raise InputError(what, where=str(path), fix="give --layout frames if it is a video")
    return Detected(frames, joint_set, photos)


def plan(paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """A part for each file; raises InputError when there is none."""
    if options.layout not in (None, *_LAYOUTS):
        fix = f"choose one of {', '.join(_LAYOUTS)}"
        raise InputError(f"unknown layout {options.layout!r}", where="--layout", fix=fix)
    files = files_below(paths, "*.json")
    sources = [(file.stem, str(file), partial(read_take, file, options.layout)) for file in files]
    notes = ["joints by their count: 17 and 133 are COCO's (its 17 are kept), 26 Halpe's"]
    if options.layout is None:
        notes.append(
            "image ids that fill at least half of their range are frames of a video, others "
            "photos on their own (--layout frames | photos)"
        )
    return plan_detected(dataset_name(paths), sources, options, notes)


IMPORTER = Importer(plan, OPTIONS, "COCO's results JSON of a keypoint detector")
