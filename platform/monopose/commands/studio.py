"""`monopose data studio`."""

from typing import Annotated, Literal

import typer

from monopose.commands.writing import OnCluster, Overwrite, To, import_on_cluster, write


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
        import_on_cluster(plan, to, overwrite=overwrite, synthetic=True)
    else:
        write(plan.clips(), to, detections=detections, synthetic=True, overwrite=overwrite)


def _compile_renderer() -> None:
    """Compiles before any clip is made, so that workers on this machine find the code on disk."""
    from monopose.data.studio.images.compiled import compiled_before
    from monopose.data.studio.images.render import render
    from monopose.data.studio.studio import studio_clips

    if compiled_before(render):
        return
    typer.echo("note: compiling the renderer, about 20 s, once for this installation", err=True)
    next(studio_clips(seconds=0.04, detections="gt", images=True, crop_px=16))
