"""What the commands that write a data set share: options, the writing, the line at the end."""

from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from monopose.commands.progress import tasks_shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monopose.data.clip import Clip
    from monopose.data.importers.source import ImportPlan
    from monopose.data.manifest import Manifest

To = Annotated[str, typer.Option("--to", help="Storage URI, folder, or a name under the root.")]
OnCluster = Annotated[
    bool, typer.Option("--on-cluster", help="As tasks of the Ray cluster; the paths are shared.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a data set that is there.")]


def import_on_cluster(
    plan: "ImportPlan", to: str, *, overwrite: bool, synthetic: bool = False
) -> None:
    """Writes the clips of all parts as tasks of the Ray cluster."""
    from monopose import cluster, storage
    from monopose.data import prepare
    from monopose.data.manifest import About

    cluster.connect()
    where, about = storage.resolve(to, "data"), About(plan.dataset, plan.detections, synthetic)
    with tasks_shown("importing parts") as shown:
        manifest = prepare.import_on_cluster(
            plan.parts, where, about, overwrite=overwrite, on_task=shown
        )
    describe(where, manifest)


def write(
    clips: "Iterator[Clip]",
    to: str,
    *,
    detections: str | None,
    overwrite: bool,
    synthetic: bool = False,
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
    describe(where, manifest)


def describe(where: str, manifest: "Manifest") -> None:
    """Prints what a data set is, on one line."""
    kind = "synthetic, " if manifest.synthetic else ""
    splits = ", ".join(f"{name} {split.clips}" for name, split in manifest.splits.items())
    keypoints = f", 2D {manifest.detections}" if manifest.detections else ""
    counts = ((manifest.clips, "clip"), (manifest.frames, "frame"), (len(manifest.shards), "shard"))
    clips, frames, shards = (f"{n} {what}{'s' * (n != 1)}" for n, what in counts)
    typer.echo(
        f"{where}: {manifest.dataset} ({kind}{manifest.joint_set}{keypoints}), "
        f"{clips} ({splits}), {frames}, {shards}, digest {manifest.digest[:12]}"
    )
