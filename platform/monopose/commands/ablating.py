"""`monopose ablate`: named variants of a recipe, and the questions asked of them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from monopose.evaluation.ablation import AblationResult
    from monopose.tuning.ablate import Plan


def ablate(
    name: Annotated[str, typer.Argument(help="An ablation, e.g. videopose3d.")],
    data: Annotated[
        str, typer.Option(help="Storage URI, folder or name; `studio` is made when missing.")
    ] = "studio",
    seeds: Annotated[int, typer.Option(min=1, help="Of each variant; 3 or more for a claim.")] = 3,
    size: Annotated[str, typer.Option(help="smoke, small or paper.")] = "small",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="key=value in every variant's recipe; may be repeated."),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option("--name", help="The folder.", show_default="ablate-<name>-<data>-<size>"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Also write tables and figures here, e.g. docs/results.")
    ] = None,
    concurrent: Annotated[
        int, typer.Option(min=0, help="Cells at a time, 0 for what the cluster holds.")
    ] = 0,
    cpus_per_cell: Annotated[int, typer.Option(min=1)] = 1,
    gpus_per_cell: Annotated[float, typer.Option(min=0.0, help="May be a fraction.")] = 0.0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what this name holds.")] = False,
    any_code: Annotated[
        bool, typer.Option("--any-code", help="Keep what other code has made.")
    ] = False,
) -> None:
    """Train every variant with every seed and answer the ablation's questions.

    The same command goes on after a kill: finished cells are kept.

    Example: monopose ablate videopose3d --data cmu17 --seeds 3 --out docs/results
    """
    from rich.console import Console

    from monopose.commands.training import settings
    from monopose.recipes.presets import size_of
    from monopose.tuning.ablate import Plan
    from monopose.tuning.ablations.catalog import ablation

    plan = Plan(
        ablation=ablation(name),
        data=data,
        name=study or _folder_name(name, data, size),
        seeds=seeds,
        size=size_of(size, "--size"),
        values=settings(set_ or []),
        concurrent=concurrent,
        cpus_per_cell=cpus_per_cell,
        gpus_per_cell=gpus_per_cell,
        any_code=any_code,
        fresh=fresh,
        command=" ".join(["monopose ablate", *sys.argv[2:]]),
    )
    # A log has no width of its own; rich would fold the tables at 80 columns.
    console = Console(width=None if sys.stdout.isatty() else 180)
    result = _run(plan, console)
    _report(result, plan.uri, out, console)
    if result.failures:
        raise typer.Exit(1)


def _folder_name(name: str, data: str, size: str) -> str:
    data_name = data.rstrip("/").rsplit("/", 1)[-1]
    return f"ablate-{name}-{data_name}-{size}"


def _run(plan: "Plan", console: "Console") -> "AblationResult":
    """Says what will run and runs it, on the data set `studio` made first where it is missing."""
    from monopose import cluster, storage
    from monopose.data.studio import dataset
    from monopose.tuning.ablate import ablate as run

    if plan.data == dataset.NAME:
        dataset.ensure(storage.resolve(plan.data, "data"))
    cells = len(plan.ablation.variants) * plan.seeds
    what = f"{cells} cells of {plan.ablation.name} on {plan.data}"
    console.print(f"{plan.name}: {what}", soft_wrap=True)
    cluster.connect()
    return run(plan, console)


def _report(result: "AblationResult", uri: str, out: Path | None, console: "Console") -> None:
    """Shows the questions' answers; writes tables and figures, and the page into its own folder."""
    from monopose.reporting.ablation import write_ablation
    from monopose.reporting.ablation_tables import questions_table

    console.print(questions_table(result).rich())
    folders = {uri: True} if out is None else {uri: True, str(out.absolute()): False}
    for folder, with_page in folders.items():
        names = write_ablation(result, folder, with_page=with_page)
        console.print(f"{folder}: {', '.join(names)}", soft_wrap=True)
