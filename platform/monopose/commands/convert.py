"""`monopose convert`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monopose.commands import import_options as given
from monopose.commands.progress import progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monopose.data.clip import Clip
    from monopose.data.importers.source import ImportOptions
    from monopose.formats.convert import Conversion

# Ids of clips that an error lists.
_SHOWN = 5


def convert(
    a: Annotated[
        list[str],
        typer.Argument(metavar="A...", help="A data set; with --from, a source's folder or files."),
    ],
    b: Annotated[Path, typer.Argument(metavar="B", help="The file or folder to write.")],
    source: Annotated[
        str | None, typer.Option("--from", help="The layout of A's files; see `data sources`.")
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="bvh | trc | videopose3d | openpose | alphapose | mmpose | coco-results.",
            show_default="by B's suffix",
        ),
    ] = None,
    clip: Annotated[
        list[str] | None, typer.Option(help="Only the clip of this id; may be repeated.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only the clips of this split.")] = None,
    detections: given.Detections = None,
    joint_set: given.JointSet = None,
    layout: given.Layout = None,
    joint_map: given.JointMap = None,
    fps: given.Fps = None,
    unit_m: given.UnitM = None,
    up: given.Up = None,
    cameras: given.Cameras = None,
    media: given.Media = None,
    image_size: given.ImageSize = None,
    stride: given.Stride = 1,
    seed: given.Seed = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
) -> None:
    """Write a data set, or another tool's files, in a format of others.

    B with the format's suffix is one file of one clip (and, for 2D, one view with all its people).
    Any other B is a folder with a file for each, named after the clips.

    Example: monopose convert studio walks/ --format bvh --split test
    """
    from monopose.data.importers.source import ImportOptions
    from monopose.formats.convert import format_of

    name = format_of(b, format_)
    options = ImportOptions(
        detections=detections,
        joint_set=joint_set,
        layout=layout,
        joint_map=joint_map,
        fps=fps,
        unit_m=unit_m,
        up=given.axis(up),
        cameras=cameras,
        media=media,
        image_size=given.size(image_size),
        stride=stride,
        seed=seed,
    )
    _keep_apart(a, b)
    read = _of_source(source, a, options) if source else _of_set(a, options, split)
    done = _write(read, _chosen(read.clips, clip or [], split), b, name, overwrite=overwrite)
    _describe(b, name, done)


@dataclass(frozen=True)
class _Read:
    """Clips to come, the name of their 2D, and how many there are where that is known.

    joint_set: to convert them to while writing.
    """

    clips: "Iterator[Clip]"
    detections: str
    joint_set: str | None
    total: int | None = None


def _of_source(source: str, paths: "Sequence[str]", options: "ImportOptions") -> _Read:
    """A source that cannot convert joints itself leaves that to the writing."""
    from monopose.data.importers.catalog import IMPORTERS, plan_import

    able = source not in IMPORTERS or "joint_set" in IMPORTERS[source].takes
    asked = options if able else replace(options, joint_set=None)
    plan = plan_import(source, [Path(path) for path in paths], asked)
    for note in plan.notes:
        typer.echo(f"note: {note}", err=True)
    return _Read(plan.clips(), plan.detections or "gt", None if able else options.joint_set)


def _of_set(names: "Sequence[str]", options: "ImportOptions", split: str | None) -> _Read:
    from monopose import storage
    from monopose.data import shards
    from monopose.errors import InputError

    options.refuse_others("data set", frozenset({"joint_set"}))
    if len(names) > 1:
        raise InputError("one data set at a time", where=names[1], fix="or name the files' --from")
    where = storage.resolve(names[0], "data")
    manifest = shards.read_manifest(where)
    clips = shards.read_clips(where, split, images=False)
    return _Read(clips, manifest.detections or "gt", options.joint_set, manifest.clips)


def _chosen(clips: "Iterator[Clip]", ids: "Sequence[str]", split: str | None) -> "Iterator[Clip]":
    """The clips of these ids (all, without any) and of this split.

    Raises InputError for ids that none has, naming some that there are.
    """
    from monopose.errors import InputError

    missing, known = set(ids), list[str]()
    for clip in clips:
        known = known if len(known) == _SHOWN else [*known, clip.clip_id]
        if (not ids or clip.clip_id in ids) and split in (None, clip.split):
            missing.discard(clip.clip_id)
            yield clip
        if ids and not missing:
            return
    if missing:
        fix = f"there are {', '.join(known)} ..."
        raise InputError(f"there is no clip {min(missing)!r}", where="--clip", fix=fix)


def _write(
    read: _Read, chosen: "Iterator[Clip]", b: Path, name: str, *, overwrite: bool
) -> "Conversion":
    from monopose.formats.convert import convert as write

    with progress("writing files", read.total) as advance:
        return write(
            chosen,
            b,
            name,
            joint_set=read.joint_set,
            detections=read.detections,
            overwrite=overwrite,
            on_clip=advance,
        )


def _keep_apart(a: "Sequence[str]", b: Path) -> None:
    """Raises InputError when writing B would replace what A is read from."""
    from monopose.errors import InputError

    target = b.expanduser().resolve()
    for path in (Path(name).expanduser().resolve() for name in a if "://" not in name):
        if path == target or (target.is_dir() and path.is_relative_to(target) and path.exists()):
            raise InputError("is read and written", where=str(b), fix="name another B")


def _describe(b: Path, name: str, done: "Conversion") -> None:
    from monopose.formats.writers import WRITERS

    if done.left_out:
        typer.echo(f"note: {name} does not keep {', '.join(done.left_out)}", err=True)
    if WRITERS[name].changes:
        typer.echo(f"note: {WRITERS[name].changes}", err=True)
    kind = "file" if WRITERS[name].suffix else "folder"
    counts = [(done.clips, "clip"), (done.files, kind)]
    clips, files = (f"{n} {what}" if n == 1 else f"{n} {what}s" for n, what in counts)
    typer.echo(f"{b}: {name}, {clips} in {files}")
