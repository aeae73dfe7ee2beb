"""MPI-INF-3DHP's test sequences TS1..TS6 as clips of one view.

Layout of the release: TS1..TS6, each with `annot_data.mat` and `imageSequence/img_%06d.jpg`, whose
numbers start at 1. Only frames marked as valid are labelled; each run of them is a clip, so that a
clip is contiguous in time and all valid frames are there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from monopose.data.clip import Clip
from monopose.data.images.boxes import boxes_near_image
from monopose.data.images.encoded import encode_crops
from monopose.data.importers.reading.photos import read_photo
from monopose.data.importers.reading.runs import runs
from monopose.data.importers.source import (
    Importer,
    ImportOptions,
    ImportPlan,
    files_below,
    known_layout,
)
from monopose.data.joint_sets import in_joint_set
from monopose.errors import InputError
from monopose.formats.mpi_inf_3dhp import (
    TEST_VALID_FRAMES,
    Annotation,
    HeldOutAnnotations,
    count_valid_frames,
    read_test_annotations,
)
from monopose.geometry.camera import Camera
from monopose.geometry.fit_intrinsics import fit_intrinsics

ASSUMED_FPS = 25.0
ACTIVITIES = {
    1: "standing or walking", 2: "exercise", 3: "sitting on a chair", 4: "crouching or reaching",
    5: "on the floor", 6: "sports", 7: "miscellaneous",
}  # fmt: skip
_LAYOUTS: dict[str, Annotation] = {"annot3": "annot3", "univ_annot3": "univ_annot3"}
# (width, height, focal length, principal point) in pixels: the calibration that comes with the
# test set's evaluation code, there in mm on a sensor 10 mm wide.
_INDOORS = (2048, 2048, 1500.17, 1017.39, 1043.03)
_OUTDOORS = (1920, 1080, 1683.98, 939.86, 560.14)
_CAMERAS = {name: _OUTDOORS if name in ("TS5", "TS6") else _INDOORS for name in TEST_VALID_FRAMES}
# A fit that leaves more than this, or is this far from the published focal length, is not used.
_RESIDUAL_PX = 2.0
_FOCAL_AWAY = 0.05


@dataclass(frozen=True)
class _Take:
    """One test sequence and how it is read."""

    path: Path
    name: str
    dataset: str
    annotation: Annotation
    options: ImportOptions


def take_clips(take: _Take) -> Iterator[Clip]:
    """The runs of valid frames of one activity, named "sports from 120"; raises InputError."""
    found = read_test_annotations(take.path, take.annotation)
    camera = camera_of(take.name, found)
    if not found.valid.any():
        raise InputError("has no valid frame", where=str(take.path))
    for first, end in runs(found.valid, found.activity):
        label = int(found.activity[first])
        action = f"{ACTIVITIES.get(label, f'activity {label}')} from {first}"
        keypoints_px = found.keypoints_px[None, first:end]
        clip = Clip(
            clip_id=f"{take.dataset}/{take.name}/{action}",
            dataset=take.dataset,
            subject=take.name,
            action=action,
            split="test",
            fps=take.options.fps or ASSUMED_FPS,
            joint_set="mpi_inf_3dhp_17",
            cameras=(camera,),
            start_frame=first,
            pose_camera_m=found.pose_camera_mm[None, first:end] / np.float32(1000),
            keypoints_px=keypoints_px,
            keypoint_score=np.ones(keypoints_px.shape[:-1], np.float32),
        )
        if take.options.images:
            clip = _with_crops(clip, take, keypoints_px[0])
        yield in_joint_set(clip, take.options.joint_set)


def camera_of(name: str, found: HeldOutAnnotations) -> Camera:
    """The sequence's camera: fitted to annot2 and annot3, or the published one if they disagree."""
    width, height, focal, cx, cy = _CAMERAS[name]
    fit = fit_intrinsics(found.annot3_mm[found.valid], found.keypoints_px[found.valid])
    camera = Camera(name, fx=focal, fy=focal, cx=cx, cy=cy, width=width, height=height)
    if fit is None or fit.residual_px > _RESIDUAL_PX:
        return camera
    if max(abs(fit.fx / focal - 1), abs(fit.fy / focal - 1)) > _FOCAL_AWAY:
        return camera
    return replace(camera, fx=fit.fx, fy=fit.fy, cx=fit.cx, cy=fit.cy)


def _with_crops(clip: Clip, take: _Take, keypoints_px: Float32[np.ndarray, "T 17 2"]) -> Clip:
    camera, frames = clip.cameras[0], range(clip.start_frame, clip.start_frame + clip.num_frames)
    seen = np.ones(keypoints_px.shape[:-1], np.float32)
    boxes_px = boxes_near_image(keypoints_px, seen, camera)
    crops = encode_crops(_images(take, camera, frames), boxes_px, take.options.crop_px)
    return replace(clip, image=(crops,), crop_box_px=boxes_px[None])


def _images(take: _Take, camera: Camera, frames: range) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
    for frame in frames:
        path = take.path.parent / "imageSequence" / f"img_{frame + 1:06d}.jpg"
        image = read_photo(path)
        if image.shape[:2] != (camera.height, camera.width):
            what = f"is {image.shape[1]} x {image.shape[0]}, not {camera.width} x {camera.height}"
            raise InputError(what, where=str(path))
        yield image


def plan(paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """A part per sequence. Raises InputError for an unknown layout or folder name."""
    layout = known_layout(options.layout or "annot3", _LAYOUTS)
    dataset = f"mpi_inf_3dhp_test_{layout}"
    takes = [
        _take(path, dataset, _LAYOUTS[layout], options)
        for path in files_below(paths, "annot_data.mat")
    ]
    if len({take.name for take in takes}) < len(takes):
        raise InputError("a sequence comes twice", where=", ".join(map(str, paths)))
    notes = (
        f"3D is {layout}, which the data set's name says: published tables mostly use univ_annot3, "
        "whose bodies have one height; numbers on the two cannot be compared",
        "intrinsics are fitted to annot2 and annot3; the published ones where these disagree",
        f"frame rate {ASSUMED_FPS:g} is assumed" if options.fps is None else "frame rate as given",
        "frames that are not valid are left out, and each run of valid ones of one activity is a "
        "clip",
        "annot2 does not tell hidden joints: all count as visible",
        *(note for take in takes for note in _count_note(take)),
    )
    return ImportPlan(dataset, [partial(take_clips, take) for take in takes], "gt", notes)


def _take(path: Path, dataset: str, annotation: Annotation, options: ImportOptions) -> _Take:
    name = path.parent.name
    if name not in TEST_VALID_FRAMES:
        what = f"lies in {name}, which is none of {', '.join(TEST_VALID_FRAMES)}"
        raise InputError(what, where=str(path), fix="keep the folders of the release")
    return _Take(path, name, dataset, annotation, options)


def _count_note(take: _Take) -> Iterator[str]:
    valid, published = count_valid_frames(take.path), TEST_VALID_FRAMES[take.name]
    if valid != published:
        yield f"{take.name} has {valid} valid frames, the published test set {published}"


IMPORTER = Importer(
    plan,
    frozenset({"layout", "joint_set", "fps", "images", "crop_px"}),
    "MPI-INF-3DHP's test set: TS*/annot_data.mat and imageSequence/",
)
