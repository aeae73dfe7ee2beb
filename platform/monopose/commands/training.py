"""`monopose train | train-detector | evaluate`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from monopose.training.detector import DetectorReport
    from monopose.training.loop import EpochReport

Data = Annotated[str, typer.Option(help="Storage URI, folder, or a name under the root.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="key=value in the recipe, value as JSON; may be repeated."),
]
Size = Literal["smoke", "small", "paper"]
Workers = Annotated[
    int, typer.Option(min=0, help="Ray Train workers; 0 trains in this process, without Ray.")
]


def train(
    recipe: Annotated[str, typer.Option(help="A preset by name, or a recipe.json.")],
    data: Data,
    name: Annotated[str, typer.Option(help="The run's name; the same name goes on with it.")],
    size: Annotated[str, typer.Option(help="smoke, small or paper.")] = "small",
    set_: Settings = None,
    workers: Workers = 1,
    threads: Annotated[int, typer.Option(help="Torch threads a worker, 0 for its choice.")] = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget an earlier run so named.")] = False,
) -> None:
    """Train one recipe on one data set; a killed run of the same name goes on.

    Example: monopose train --recipe videopose3d --data cmu17 --name vp3d --set budget.epochs=40
    """
    from monopose.recipes.presets import load
    from monopose.recipes.recipe import with_values
    from monopose.training.run import prepare, train_here
    from monopose.training.tracking import followed

    chosen = with_values(load(recipe, size), settings(set_ or []))
    job = prepare(chosen, data, name, fresh=fresh)
    if workers == 0:
        typer.echo(f"model: {train_here(job, show)}")
        return
    from monopose import cluster
    from monopose.training.driver import Resources
    from monopose.training.driver import train as train_on_workers

    cluster.connect()
    with followed(job.run_uri, show):
        model = train_on_workers(job, Resources(workers=workers, threads=threads))
    typer.echo(f"model: {model}")


def train_detector(
    data: Data,
    name: Annotated[str, typer.Option(help="The run's name; the same name goes on with it.")],
    size: Annotated[Size, typer.Option(help="smoke, small or paper.")] = "small",
    set_: Settings = None,
    workers: Workers = 1,
    threads: Annotated[int, typer.Option(help="Torch threads a worker, 0 for its choice.")] = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget an earlier run so named.")] = False,
) -> None:
    """Train a 2D detector on a data set with images; a killed run of the same name goes on.

    Example: monopose train-detector --data studio-images --name joints --set budget.epochs=40
    """
    from monopose.recipes.detector import detector
    from monopose.recipes.recipe import with_values
    from monopose.training.detector import prepare_detector, train_detector_here

    job = prepare_detector(
        with_values(detector(size), settings(set_ or [])), data, name, fresh=fresh
    )
    if workers == 0:
        typer.echo(f"model: {train_detector_here(job, show_detector)}")
        return
    from monopose import cluster
    from monopose.training.driver import Resources
    from monopose.training.driver import train_detector as train_on_workers

    cluster.connect()
    typer.echo(f"model: {train_on_workers(job, Resources(workers=workers, threads=threads))}")


def evaluate(
    model: Annotated[str, typer.Option(help="URI, alias or version of a model.")],
    data: Data,
    split: Annotated[str, typer.Option(help="Which split of the data set.")] = "val",
    mask_share: Annotated[
        list[float] | None, typer.Option(help="Share of keypoints to drop; may be repeated.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Also write every number here.")] = None,
) -> None:
    """Measure a model on a data set: every protocol, per joint, action and camera.

    Example: monopose evaluate --model champion --data cmu17 --split val --json eval.json
    """
    import orjson
    from rich.console import Console

    from monopose.inference import registry
    from monopose.inference.assess import MASK_SHARES, assess
    from monopose.inference.predictor import Predictor
    from monopose.reporting.tables import summary_table

    predictor = Predictor.load(registry.resolve(model))
    evaluations = assess(predictor, data, split, tuple(mask_share or MASK_SHARES))
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(summary_table(evaluations).rich())
    if json is not None:
        content = [evaluation.model_dump(mode="json") for evaluation in evaluations]
        json.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))


def settings(assignments: list[str]) -> dict[str, Any]:
    """`key=value` texts as a dict; a value is JSON, or else a plain word.

    Raises InputError for a text without `=`.
    """
    import orjson

    from monopose.errors import InputError

    values: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key:
            raise InputError(f"{assignment!r} is not key=value", where="--set")
        try:
            values[key] = orjson.loads(text)
        except orjson.JSONDecodeError:
            values[key] = text
    return values


def show(report: "EpochReport") -> None:
    """One line for an epoch."""
    error = "" if report.val_mpjpe_mm is None else f"   val MPJPE {report.val_mpjpe_mm:.1f} mm"
    typer.echo(
        f"epoch {report.epoch:>4}   {report.seconds:7.1f} s   loss {report.train_loss:.4f}"
        f"   {report.frames_per_s:,.0f} frames/s{error}"
    )


def show_detector(report: "DetectorReport") -> None:
    """One line for an epoch of a 2D detector."""
    typer.echo(
        f"epoch {report.epoch:>4}   {report.seconds:7.1f} s   loss {report.train_loss:.5f}"
        f"   {report.images_per_s:,.0f} images/s   val PCK {100 * report.val_pck:.1f} %"
        f"   {100 * report.val_distance:.2f} % of the crop"
    )
