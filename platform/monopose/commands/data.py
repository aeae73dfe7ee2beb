"""`monopose data import | studio | check | show`."""

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from monopose.commands import import_options as given
from monopose.commands.progress import progress, tasks_shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monopose.data.clip import Clip
    from monopose.data.importers.source import ImportPlan
    from monopose.data.manifest import Manifest

app = typer.Typer(help="Bring data in, make it, check it.", no_args_is_help=True)

To = Annotated[str, typer.Option("--to", help="Storage URI, folder, or a name under the root.")]
OnCluster = Annotated[
    bool, typer.Option("--on-cluster", help="As tasks of the Ray cluster; the paths are shared.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a data set that is there.")]


@app.command("import")
def import_(
    source: Annotated[str, typer.Argument(help="The layout of the files; see `data sources`.")],
    paths: Annotated[list[Path], typer.Argument(help="A folder, or its files.")],
    to: To,
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
    images: Annotated[bool, typer.Option("--images", help="Bring cropped images in.")] = False,
    crop_px: Annotated[int, typer.Option(help="Side of the stored square crops.")] = 256,
    stride: given.Stride = 1,
    seed: given.Seed = 0,
    on_cluster: OnCluster = False,
    overwrite: Overwrite = False,
) -> None:
    """Read data sets of others into checked shards.

    Example: monopose data import videopose3d h36m/ --to h36m --detections gt
    """
    from monopose import storage
    from monopose.data import shards
    from monopose.data.importers.catalog import plan_import
    from monopose.data.importers.source import ImportOptions

    shards.check_free(storage.resolve(to, "data"), overwrite=overwrite)
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
        images=images,
        crop_px=crop_px,
        stride=stride,
        seed=seed,
    )
    plan = plan_import(source, paths, options)
    for note in plan.notes:
        typer.echo(f"note: {note}", err=True)
    if on_cluster:
        _import_on_cluster(plan, to, overwrite=overwrite)
    else:
        _write(plan.clips(), to, detections=plan.detections, overwrite=overwrite)


@app.command()
def reshard(
    uri: Annotated[str, typer.Argument(help="Storage URI, folder, or a name under the root.")],
    to: To,
    shard_mb: Annotated[
        int, typer.Option(min=1, max=1024, help="Size that closes a shard, MiB.")
    ] = 64,
    overwrite: Overwrite = False,
) -> None:
    """Write a data set again in shards of another size, as tasks of the Ray cluster.

    Example: monopose data reshard studio --to studio-large --shard-mb 256
    """
    from monopose import cluster, storage
    from monopose.data.prepare import reshard as write_again
    from monopose.data.shards import Cutting, read_manifest

    where, cutting = storage.resolve(to, "data"), Cutting(shard_bytes=shard_mb << 20)
    source = storage.resolve(uri, "data")
    read_manifest(source)  # a wrong name shows before a cluster is waited for
    cluster.connect()
    with tasks_shown("writing shards") as shown:
        manifest = write_again(source, where, cutting=cutting, overwrite=overwrite, on_task=shown)
    _describe(where, manifest)


@app.command()
def sources() -> None:
    """List what `data import` reads, with the options that each source takes.

    Example: monopose data sources
    """
    from rich.console import Console
    from rich.table import Table

    from monopose.data.importers.catalog import IMPORTERS

    table = Table(show_lines=True)
    table.add_column("source", no_wrap=True)
    table.add_column("reads", overflow="fold", ratio=1)
    table.add_column("options", overflow="fold", ratio=1)
    for name, importer in sorted(IMPORTERS.items()):
        taken = " ".join(f"--{option.replace('_', '-')}" for option in sorted(importer.takes))
        table.add_row(name, importer.reads, taken)
    Console().print(table)


@app.command()
def studio(
    to: To,
    seed: Annotated[int, typer.Option(help="The same seed gives the same clips.")] = 0,
    seconds: Annotated[float, typer.Option(help="Length of each clip.")] = 4.0,
    detections: Annotated[
        str, typer.Option(help="model: a detector's errors; gt: exact projections.")
    ] = "model",
    images: Annotated[bool, typer.Option("--images", help="Render a crop of each frame.")] = False,
    domain: Annotated[
        str, typer.Option(help="studio: calibrated, with 3D; wild: anywhere, 2D labels only.")
    ] = "studio",
    subjects: Annotated[int, typer.Option(help="How many people.")] = 10,
    takes: Annotated[int, typer.Option(help="Clips per person and action.")] = 1,
    stride: Annotated[
        int | None, typer.Option(help="Keep every n-th of 50 frames a second [1; 5 for images].")
    ] = None,
    crop_px: Annotated[int, typer.Option(help="Side of the rendered square crops.")] = 128,
    on_cluster: OnCluster = False,
    overwrite: Overwrite = False,
) -> None:
    """Make the embedded, synthetic data set: procedural people, actions and cameras.

    Example: monopose data studio --to wild --images --domain wild --seconds 2
    """
    from monopose.data.importers.source import ImportPlan
    from monopose.data.studio.studio import Wanted
    from monopose.errors import InputError

    known: dict[str, Literal["model", "gt"]] = {"model": "model", "gt": "gt"}
    if detections not in known:
        raise InputError(f"unknown detections {detections!r}", where="--detections", fix="model|gt")
    domains: dict[str, Literal["studio", "wild"]] = {"studio": "studio", "wild": "wild"}
    if domain not in domains:
        raise InputError(f"unknown domain {domain!r}", where="--domain", fix="studio|wild")
    wanted = Wanted(
        seed,
        seconds,
        subjects=subjects,
        takes=takes,
        detections=known[detections],
        domain=domains[domain],
        images=images,
        crop_px=crop_px,
        stride=(5 if images else 1) if stride is None else stride,
    )
    plan = ImportPlan(domain, list(wanted.parts()), detections)
    if images:
        _compile_renderer()
    if on_cluster:
        _import_on_cluster(plan, to, overwrite=overwrite, synthetic=True)
    else:
        _write(plan.clips(), to, detections=detections, synthetic=True, overwrite=overwrite)


def _compile_renderer() -> None:
    """Compiles before any clip is made, so that workers on this machine find the code on disk."""
    from monopose.data.studio.images.compiled import compiled_before
    from monopose.data.studio.images.render import render
    from monopose.data.studio.studio import studio_clips

    if compiled_before(render):
        return
    typer.echo("note: compiling the renderer, about 20 s, once for this installation", err=True)
    next(studio_clips(seconds=0.04, detections="gt", images=True, crop_px=16))


@app.command()
def check(
    uri: Annotated[str, typer.Argument(help="Storage URI, folder, or a name under the root.")],
    json: Annotated[Path | None, typer.Option("--json", help="Write all findings here.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 for warnings too.")] = False,
) -> None:
    """Read a whole data set once; say what is damaged, and what is suspicious about it.

    Exit code 0: fine, or only warnings. 1: suspicious (wrong units, sides, axes, cameras, timing,
    joint order, copies across splits). 2: damaged, or not a data set.

    Example: monopose data check studio --json findings.json
    """
    from rich.console import Console

    from monopose import storage
    from monopose.data import shards
    from monopose.data.expectations.examine import Examination
    from monopose.reporting.findings import findings_json, findings_table, summary

    where, examination = storage.resolve(uri, "data"), Examination()
    with progress("checking clips", shards.read_manifest(where).clips) as advance:

        def look(clip: "Clip") -> None:
            examination.add(clip)
            advance()

        manifest = shards.verify(where, look)
    findings = examination.finish()
    _describe(where, manifest)
    if json is not None:
        _save(json, findings_json(manifest, findings))
    if findings:
        Console().print(findings_table(findings).rich())
    else:
        typer.echo(summary(findings))
    if any(strict or finding.severity == "error" for finding in findings):
        raise typer.Exit(1)


@app.command()
def show(
    uri: Annotated[str, typer.Argument(help="Storage URI, folder, or a name under the root.")],
    html: Annotated[Path, typer.Option("--html", help="The page to write.")],
    clips: Annotated[int, typer.Option(min=0, max=12, help="How many clips can be played.")] = 6,
) -> None:
    """Show a data set on one HTML page that needs no network: counts, cameras, clips, checks.

    Example: monopose data show studio --html studio.html
    """
    from monopose import storage
    from monopose.data import shards
    from monopose.reporting.data_page import data_page

    where = storage.resolve(uri, "data")
    with progress("looking at clips", shards.read_manifest(where).clips) as advance:
        page = data_page(where, played=clips, on_clip=advance)
    _save(html, page.encode())
    typer.echo(f"{html}: {len(page) / 1e6:.1f} MB")


def _save(path: Path, content: bytes) -> None:
    from monopose.errors import StorageError

    try:
        path.write_bytes(content)
    except OSError as error:
        raise StorageError(f"cannot be written: {error.strerror}", where=str(path)) from error


def _import_on_cluster(
    plan: "ImportPlan", to: str, *, overwrite: bool, synthetic: bool = False
) -> None:
    from monopose import cluster, storage
    from monopose.data.manifest import About
    from monopose.data.prepare import import_on_cluster

    cluster.connect()
    where, about = storage.resolve(to, "data"), About(plan.dataset, plan.detections, synthetic)
    with tasks_shown("importing parts") as shown:
        manifest = import_on_cluster(plan.parts, where, about, overwrite=overwrite, on_task=shown)
    _describe(where, manifest)


def _write(
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
    _describe(where, manifest)


def _describe(where: str, manifest: "Manifest") -> None:
    kind = "synthetic, " if manifest.synthetic else ""
    splits = ", ".join(f"{name} {split.clips}" for name, split in manifest.splits.items())
    keypoints = f", 2D {manifest.detections}" if manifest.detections else ""
    counts = ((manifest.clips, "clip"), (manifest.frames, "frame"), (len(manifest.shards), "shard"))
    clips, frames, shards = (f"{n} {what}{'s' * (n != 1)}" for n, what in counts)
    typer.echo(
        f"{where}: {manifest.dataset} ({kind}{manifest.joint_set}{keypoints}), "
        f"{clips} ({splits}), {frames}, {shards}, digest {manifest.digest[:12]}"
    )
