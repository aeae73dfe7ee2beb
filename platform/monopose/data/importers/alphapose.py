"""AlphaPose's results as clips: one JSON file for each video or folder of images."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from monopose.data.importers.detections.detected import Detected
from monopose.data.importers.detections.numbered import dataset_name, numbered_images
from monopose.data.importers.detections.takes_media import TakeMedia
from monopose.data.importers.detections.views import OPTIONS, layout_for, plan_detected
from monopose.data.importers.source import Importer, ImportOptions, ImportPlan, files_below
from monopose.formats.alphapose import LAYOUTS, read_alphapose
from monopose.formats.people import same_joints


def read_take(path: Path, layout: str | None, media: TakeMedia) -> Detected:
    """The frames of a file, joints beyond the body's left out; raises InputError naming it."""
    frames = read_alphapose(path)
    joint_set = layout_for(same_joints(frames, str(path)), LAYOUTS, layout, str(path))
    return Detected(numbered_images(frames, media, str(path)), joint_set)


def plan(paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """A part for each file; raises InputError when there is none."""
    files = files_below(paths, "*.json")
    sources = [(file.stem, str(file), partial(read_take, file, options.layout)) for file in files]
    note = "joints by their count: 17 are COCO's, 26, 68 and 136 Halpe's (the body's 26 are kept)"
    return plan_detected(dataset_name(paths), sources, options, [note])


IMPORTER = Importer(plan, OPTIONS, "AlphaPose's alphapose-results.json")
