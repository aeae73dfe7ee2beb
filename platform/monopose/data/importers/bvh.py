"""BVH files: the known flavours by their joints' names, any other with a joint map."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from monopose.data.clip import Clip
from monopose.data.importers.mocap.bvh_layouts import (
    Layout,
    check_layout,
    completed,
    layout_of,
    lost_bones,
)
from monopose.data.importers.mocap.clips import (
    NOTES,
    Axis,
    Wanted,
    action_names,
    joints_of,
    mocap_clip,
    read_joint_map,
    z_up,
)
from monopose.data.importers.source import Importer, ImportOptions, ImportPlan, files_below
from monopose.errors import InputError
from monopose.formats.bvh import joint_positions, read_bvh, read_joints

_CMU_TAKE = re.compile(r"(\d{1,3})_\d{1,3}")


def take(
    path: Path,
    action: str,
    layout: Layout | str | None,
    unit_m: float | None,
    up: Axis | None,
    wanted: Wanted,
) -> Iterator[Clip]:
    """The one clip of a file; layout: by a joint map, by name, or by the file's joints."""
    bvh, where = read_bvh(path), str(path)
    known = layout if isinstance(layout, Layout) else layout_of(bvh.names, layout, where)
    bvh = completed(bvh, known)
    repeated = sorted({name for name in known.needs if bvh.names.count(name) > 1})
    if repeated:
        raise InputError(f"has two joints named {repeated[0]}", where=where, fix="rename one")
    positions_m = joint_positions(bvh) * (unit_m or known.unit_m)
    points_m = {name: positions_m[:, index] for index, name in enumerate(bvh.names)}
    pose_m = joints_of(points_m, known.joint_map, known.joint_set, where)
    yield mocap_clip(
        z_up(pose_m, up or known.up),
        mapped_to=known.joint_set,
        clip_id=("bvh", _subject(path), action),
        fps=bvh.fps,
        wanted=wanted,
        where=where,
        fix="give the unit of length with --unit-m",
    )


def _subject(path: Path) -> str:
    """CMU's takes are named subject_trial; other names tell no person."""
    found = _CMU_TAKE.fullmatch(path.stem)
    return found[1] if found else "unknown"


def plan(paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """One part per file. With a joint map the unit must be given, and Y is up if not said."""
    check_layout(options.layout)
    wanted = Wanted.of(options)
    layout: Layout | str | None = options.layout
    notes = list(NOTES)
    if options.joint_map is not None:
        layout = _mapped(options, options.joint_map)
        notes.append(f"{layout.up.upper()} is up, {layout.unit_m:g} m per unit")
    files = files_below(paths, "*.bvh", "*.BVH")
    if not isinstance(layout, Layout):
        notes += _notes(files, layout)
    parts = [
        partial(take, file, action, layout, options.unit_m, options.up, wanted)
        for file, action in zip(files, action_names(files), strict=True)
    ]
    return ImportPlan("bvh", parts, wanted.detections, tuple(notes))


def _notes(files: Sequence[Path], layout: str | None) -> list[str]:
    """What is done to files of these flavours, as their headers tell them."""
    rest_row = lost = False
    for file in files:
        # A file that cannot be read is refused with all its reasons by its part.
        with suppress(InputError):
            joints = read_joints(file)
            known = layout_of([joint.name for joint in joints], layout, str(file))
            rest_row |= known.rest_row
            lost |= bool(lost_bones(joints, known))
    notes = {
        "a first row with an unturned root is taken for an added rest pose": rest_row,
        "the thorax bone that CMU's conversions lost has the length of the one below": lost,
    }
    return [note for note, applies in notes.items() if applies]


def _mapped(options: ImportOptions, path: Path) -> Layout:
    """The layout that a joint map and the other options describe."""
    if options.layout is not None:
        raise InputError("is given beside --joint-map", where="--layout", fix="give one of them")
    joint_map, target = read_joint_map(path, options.joint_set)
    if options.unit_m is None:
        what = "BVH files of other programs do not tell their unit of length"
        raise InputError(what, where="--joint-map", fix="give --unit-m, 0.01 for centimetres")
    return Layout(joint_map, options.unit_m, options.up or "y", target)


IMPORTER = Importer(
    plan,
    frozenset(
        {
            "detections",
            "joint_set",
            "joint_map",
            "layout",
            "unit_m",
            "up",
            "fps",
            "stride",
            "seed",
        }
    ),
    "BVH motion files: CMU's flavours, our own, any other with --joint-map and --unit-m",
)
