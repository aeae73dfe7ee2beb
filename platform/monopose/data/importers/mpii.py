"""MPII Human Pose, `mpii_human_pose_v1_u12_1.mat` and its folder of images, as clips.

Source: Andriluka et al., "2D Human Pose Estimation: New Benchmark and State of the Art Analysis",
CVPR 2014, and the data set's description of `RELEASE`. Joint set mpii16, whose order is that of
the joint ids 0..15 of the file.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from jaxtyping import Float32

from monopose.data.importers.reading.photos import (
    LabelledPerson,
    Photo,
    PhotoSet,
    image_folder,
    plan_photos,
)
from monopose.data.importers.source import Importer, ImportOptions, ImportPlan, files_below
from monopose.errors import InputError
from monopose.formats.matlab import load_mat, number, structs, text
from monopose.skeleton import joint_set

_JOINTS = len(joint_set("mpii16"))
# `scale` is the person's height over this many pixels.
_SCALE_PX = 200.0
_NOTES = (
    "MPII's labelled images are its training set; it has no published validation split in the file",
    "coordinates are as published, from MATLAB's first pixel being 1",
    "names of activities are left out",
)


def plan(paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """Reads the annotation file and hands each part its own photos' labels.

    Images of the test set have no labels and are left out, as are people without joints; the
    notes say how many. Raises InputError naming the file and the image at fault.
    """
    path = _annotation_file(paths)
    folder = image_folder(options.media, path, ("images",))
    source = PhotoSet.of("mpii", "mpii16", folder, options)
    try:
        photos = list(_photos(load_mat(path, ["RELEASE"])["RELEASE"]))
    except InputError as error:
        raise InputError(error.what, where=error.where or str(path), fix=error.fix) from error
    bare = sum(not photo.people for photo in photos)
    left_out = f"{bare} images without a labelled person (the test set among them) are left out"
    return plan_photos(source, photos, (*_NOTES, left_out), str(path))


def _annotation_file(paths: Sequence[Path]) -> Path:
    """A file that is named is taken whatever its name; in folders the published one is sought."""
    named = [path for path in paths if path.is_file()]
    found = files_below(named, "*.mat") if named else files_below(paths, "mpii_human_pose*.mat")
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise InputError(f"needs one annotation file, found {names}", where=str(found[0].parent))
    return found[0]


def _photos(release: Any) -> Iterator[Photo]:
    fields = structs(release, "RELEASE")
    if len(fields) != 1:
        raise InputError(f"RELEASE has {len(fields)} elements, not one")
    images = structs(fields[0].get("annolist"), "annolist")
    flags = fields[0].get("img_train")
    if not isinstance(flags, np.ndarray) or flags.dtype.kind not in "biuf":
        raise InputError("RELEASE has no numbers in img_train")
    if flags.size != len(images):
        raise InputError(f"img_train has {flags.size} flags for {len(images)} images")
    for place, (fields_of_image, train) in enumerate(zip(images, flags.ravel(), strict=True)):
        yield _photo(fields_of_image, bool(train), f"annolist({place + 1})")


def _photo(fields: dict[str, Any], train: bool, what: str) -> Photo:
    image = structs(fields.get("image"), f"{what}.image")
    name = text(image[0].get("name"), f"{what}.image.name") if image else None
    if name is None:
        raise InputError(f"{what} has no image name")
    people = []
    for index, person in enumerate(structs(fields.get("annorect"), f"{what}.annorect")):
        found = _person(person, f"{PurePosixPath(name).stem}_{index}", f"{what}.annorect({index})")
        people += [found] if found is not None else []
    return Photo(name, "train" if train else "test", tuple(people))


def _person(fields: dict[str, Any], name: str, what: str) -> LabelledPerson | None:
    """The person, or None for one without joints."""
    annotated = structs(fields.get("annopoints"), f"{what}.annopoints")
    points = structs(annotated[0].get("point"), f"{what}.point") if annotated else []
    keypoints_px = np.zeros((_JOINTS, 2), np.float32)
    score = np.zeros(_JOINTS, np.float32)
    for point in points:
        _place(point, keypoints_px, score, what)
    if not score.any():
        return None
    return LabelledPerson(name, keypoints_px, score, _box(fields, what))


def _place(
    point: dict[str, Any],
    keypoints_px: Float32[np.ndarray, "J 2"],
    score: Float32[np.ndarray, " J"],
    what: str,
) -> None:
    """Writes one point in; is_visible is missing or empty where the source does not tell."""
    joint, x, y = (number(point.get(name), f"{what}.{name}") for name in ("id", "x", "y"))
    visible = number(point.get("is_visible"), f"{what}.is_visible")
    if joint is None or x is None or y is None:
        return
    if joint not in range(_JOINTS):
        raise InputError(f"{what} has joint {joint:g}, ids are 0 to {_JOINTS - 1}")
    if max(abs(x), abs(y)) > 1e6:
        raise InputError(f"{what} has a joint at {x:g}, {y:g}")
    keypoints_px[int(joint)] = x, y
    score[int(joint)] = 0.5 if visible == 0 else 1.0


def _box(fields: dict[str, Any], what: str) -> tuple[float, float, float, float] | None:
    """The square of the person's height around the rough centre, where both are given."""
    scale = number(fields.get("scale"), f"{what}.scale")
    centre = structs(fields.get("objpos"), f"{what}.objpos")
    if scale is None or scale <= 0 or not centre:
        return None
    x, y = (number(centre[0].get(axis), f"{what}.objpos.{axis}") for axis in "xy")
    if x is None or y is None:
        return None
    side = scale * _SCALE_PX
    return x - side / 2, y - side / 2, side, side


IMPORTER = Importer(
    plan,
    frozenset({"media", "image_size", "images", "crop_px"}),
    "MPII Human Pose: mpii_human_pose_v1_u12_1.mat, images/",
)
