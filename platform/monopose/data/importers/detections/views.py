"""Takes of detections as a plan: each on its own, or as the calibrated views of one person."""

from collections.abc import Callable, Sequence
from functools import partial

from monopose.data.importers.detections.detected import Detected, Take, one_person, person_parts
from monopose.data.importers.detections.takes_media import TakeMedia, is_named_in, media_of
from monopose.data.importers.detections.tracks import BRIDGED_S, SHORTEST_S
from monopose.data.importers.source import ImportOptions, ImportPlan
from monopose.errors import InputError
from monopose.formats.calibration_toml import read_calibration
from monopose.geometry.camera import Camera
from monopose.skeleton import joint_set as known_joint_set

# What a source knows of a take: its name, its files for errors, and how to read it.
Source = tuple[str, str, Callable[[TakeMedia], Detected]]
OPTIONS = frozenset(
    {"cameras", "crop_px", "fps", "image_size", "images", "joint_set", "layout", "media"}
)


def plan_detected(
    dataset: str, sources: Sequence[Source], options: ImportOptions, notes: Sequence[str]
) -> ImportPlan:
    """One part for each take, or with `--cameras` one part of all of them.

    Raises InputError for options that do not fit: an unknown joint set, media or cameras that do
    not match the takes.
    """
    if options.joint_set is not None:
        known_joint_set(options.joint_set)
        converted = f"joints are converted to {options.joint_set} by name: where there is no"
        notes = [*notes, f"{converted} counterpart the score is 0, for some a neighbour stands in"]
    if options.images and options.cameras is not None:
        what = "images of several calibrated views are not brought in"
        raise InputError(what, where="--images", fix="import without --cameras for the images")
    names = [name for name, _, _ in sources]
    if len(set(names)) < len(names):
        raise InputError(f"two takes are called alike among {', '.join(sorted(names))[:200]}")
    media, told = media_of(names, options)
    takes = [
        Take(name, partial(read, each), where, each)
        for (name, where, read), each in zip(sources, media, strict=True)
    ]
    split = "every clip is in split train"
    if options.cameras is None:
        followed = (
            f"people are followed by likeness where files give no identity, over gaps of up to "
            f"{BRIDGED_S:g} s; those seen for less than {SHORTEST_S:g} s are left out"
        )
        parts = person_parts(takes, dataset, options.joint_set)
        return ImportPlan(dataset, parts, None, (*notes, *told, followed, split))
    cameras, matched = _matched(takes, read_calibration(options.cameras), str(options.cameras))
    # The calibration tells the sizes.
    told = [note for note in told if not note.startswith("the image size")]
    part = partial(one_person, takes, cameras, dataset, options.joint_set)
    in_step = "views are in step by their frames' numbers"
    return ImportPlan(dataset, [part], None, (*notes, *told, *matched, in_step, split))


def _matched(
    takes: Sequence[Take], cameras: Sequence[Camera], where: str
) -> tuple[list[Camera], list[str]]:
    """Each take's camera, by name where all names agree and by order otherwise."""
    found = [[c for c in cameras if is_named_in(c.camera_id, take.name)] for take in takes]
    single = [of_take[0] for of_take in found if len(of_take) == 1]
    if len(single) == len(takes) == len({camera.camera_id for camera in single}):
        return single, []
    names = ", ".join(take.name for take in takes)[:200]
    if len(takes) != len(cameras):
        what = f"has {len(cameras)} cameras, there are {len(takes)} views: {names}"
        raise InputError(what, where=where, fix="give the views of this calibration alone")
    pairs = ", ".join(f"{t.name}={c.camera_id}" for t, c in zip(takes, cameras, strict=True))
    return list(cameras), [f"views are matched to cameras by order: {pairs}"]


def layout_for(joints: int, known: dict[int, str], layout: str | None, where: str) -> str:
    """The joint set of so many joints: the one asked for, or the one known for that count.

    Raises InputError when the count is unknown, or is smaller than that of the set asked for.
    """
    if layout is not None:
        wanted = len(known_joint_set(layout))
        if wanted > joints:
            what = f"people have {joints} joints, {layout} has {wanted}"
            raise InputError(what, where=where, fix="choose another --layout")
        return layout
    if joints not in known:
        counts = ", ".join(map(str, known))
        what = f"people have {joints} joints; known without --layout: {counts}"
        raise InputError(what, where=where, fix="name the joint set with --layout")
    return known[joints]
