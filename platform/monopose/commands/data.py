"""`monopose data import | studio | check`."""

from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monopose.data.clip import Clip
    from monopose.data.manifest import Manifest

app = typer.Typer(help="Bring data in, make it, check it.", no_args_is_help=True)

To = Annotated[str, typer.Option("--to", help="Storage URI, folder, or a name under the root.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a data set that is there.")]


class Source(StrEnum):
    """The layouts that `data import` reads."""

    VIDEOPOSE3D = "videopose3d"


@app.command("import")
def import_(
    source: Annotated[Source, typer.Argument(help="The layout of the files.")],
    paths: Annotated[list[Path], typer.Argument(help="A folder, or its files.")],
    to: To,
    detections: Annotated[
        str | None, typer.Option(help="Which 2D file: gt, cpn_ft_h36m_dbb, ...")
    ] = None,
    joint_set: Annotated[
        str | None, typer.Option(help="Convert to this joint set.", show_default="the source's")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Read data sets of others into checked shards.

    Example: monopose data import videopose3d h36m/ --to h36m --detections gt
    """
    readers = {Source.VIDEOPOSE3D: _videopose3d}
    clips, chosen = readers[source](paths, detections, joint_set)
    _write(clips, to, detections=chosen, overwrite=overwrite)


@app.command()
def studio(
    to: To,
    seed: Annotated[int, typer.Option(help="The same seed gives the same clips.")] = 0,
    seconds: Annotated[float, typer.Option(help="Length of each clip.")] = 4.0,
    detections: Annotated[
        str, typer.Option(help="model: a detector's errors; gt: exact projections.")
    ] = "model",
    overwrite: Overwrite = False,
) -> None:
    """Make the embedded, synthetic data set: procedural people, actions and cameras.

    Example: monopose data studio --to studio --seed 0
    """
    from monopose.data.studio.studio import studio_clips
    from monopose.errors import InputError

    known: dict[str, Literal["model", "gt"]] = {"model": "model", "gt": "gt"}
    if detections not in known:
        raise InputError(f"unknown detections {detections!r}", where="--detections", fix="model|gt")
    clips = studio_clips(seed, seconds, detections=known[detections])
    _write(clips, to, detections=detections, synthetic=True, overwrite=overwrite)


@app.command()
def check(
    uri: Annotated[str, typer.Argument(help="Storage URI, folder, or a name under the root.")],
) -> None:
    """Read a whole data set once: digests, records, counts; exit code 2 for any fault.

    Example: monopose data check studio
    """
    from monopose import storage
    from monopose.data import shards

    where = storage.resolve(uri, "data")
    _describe(where, shards.verify(where))


def _videopose3d(
    paths: "Sequence[Path]", detections: str | None, joint_set: str | None
) -> "tuple[Iterator[Clip], str]":
    from monopose.data.importers import videopose3d

    chosen = videopose3d.choose_detections(paths, detections)
    return videopose3d.videopose3d_clips(paths, detections=chosen, joint_set=joint_set), chosen


def _write(
    clips: "Iterator[Clip]", to: str, *, detections: str, overwrite: bool, synthetic: bool = False
) -> None:
    """Writes the clips under the name that they carry themselves."""
    from rich.console import Console
    from rich.progress import track

    from monopose import storage
    from monopose.data import shards
    from monopose.errors import InputError

    first = next(clips, None)
    if first is None:
        raise InputError("has no clips", where=to, fix="check the paths")
    shown = track(
        chain([first], clips), "writing clips", console=Console(stderr=True), transient=True
    )
    where = storage.resolve(to, "data")
    manifest = shards.write_clips(
        shown,
        where,
        dataset=first.dataset,
        detections=detections,
        synthetic=synthetic,
        overwrite=overwrite,
    )
    _describe(where, manifest)


def _describe(where: str, manifest: "Manifest") -> None:
    kind = "synthetic, " if manifest.synthetic else ""
    splits = ", ".join(f"{name} {split.clips}" for name, split in manifest.splits.items())
    typer.echo(
        f"{where}: {manifest.dataset} ({kind}{manifest.joint_set}, 2D {manifest.detections}), "
        f"{manifest.clips} clips ({splits}), {manifest.frames} frames, "
        f"{len(manifest.shards)} shards, digest {manifest.digest[:12]}"
    )
