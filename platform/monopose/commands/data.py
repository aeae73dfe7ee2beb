"""`monopose data import | reshard | sources | studio | detect | check | show`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monopose.commands import import_options as given
from monopose.commands.detecting import detect
from monopose.commands.progress import progress, tasks_shown
from monopose.commands.studio import studio
from monopose.commands.writing import (
    OnCluster,
    Overwrite,
    To,
    describe,
    import_on_cluster,
    write,
)

if TYPE_CHECKING:
    from monopose.data.clip import Clip

app = typer.Typer(help="Bring data in, make it, check it.", no_args_is_help=True)


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
        import_on_cluster(plan, to, overwrite=overwrite)
    else:
        write(plan.clips(), to, detections=plan.detections, overwrite=overwrite)


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
    describe(where, manifest)


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


app.command()(studio)
app.command()(detect)


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
    describe(where, manifest)
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
