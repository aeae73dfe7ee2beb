"""`monopose sweep`, the main job, and `monopose report`."""

import datetime
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from monopose.tuning.study import Plan


def sweep(
    space: Annotated[
        str, typer.Option(help="A file of search_spaces/ by name, or any .py file.")
    ] = "all_papers",
    data: Annotated[
        str, typer.Option(help="Storage URI, folder or name; `studio` is made when missing.")
    ] = "studio",
    trials: Annotated[int, typer.Option(min=1, help="How many recipes to try.")] = 12,
    name: Annotated[
        str | None, typer.Option(help="The study's name.", show_default="sweep-<date>-<time>")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the sampler.")] = 0,
    concurrent: Annotated[
        int, typer.Option(min=0, help="Trials at a time, 0 for what the cluster holds.")
    ] = 0,
    cpus_per_trial: Annotated[int, typer.Option(min=1)] = 1,
    gpus_per_trial: Annotated[float, typer.Option(min=0.0, help="May be a fraction.")] = 0.0,
    refit_epochs: Annotated[int, typer.Option(min=1, help="Budget of the winner.")] = 10,
    refit_workers: Annotated[int, typer.Option(min=1, help="Ray Train workers.")] = 1,
) -> None:
    """Sweep a search space, refit the winner, evaluate, register and report it.

    Example: monopose sweep --space baselines --data cmu17 --trials 24 --name first
    """
    from monopose.tuning.space import load_space
    from monopose.tuning.study import Plan

    plan = Plan(
        space=load_space(space),
        space_name=space,
        data=data,
        name=name or f"sweep-{datetime.datetime.now(datetime.UTC):%Y%m%d-%H%M%S}",
        trials=trials,
        seed=seed,
        concurrent=concurrent,
        cpus_per_trial=cpus_per_trial,
        gpus_per_trial=gpus_per_trial,
    )
    _run(plan, refit_epochs, refit_workers)


def _run(plan: "Plan", refit_epochs: int, refit_workers: int) -> None:
    """Sweeps, refits, evaluates, registers, reports, and says so."""
    from rich.console import Console

    from monopose import cluster, storage
    from monopose.commands.training import show
    from monopose.data.studio import dataset
    from monopose.reporting.tables import leaderboard_table, summary_table
    from monopose.training.driver import Resources
    from monopose.tuning import study
    from monopose.tuning.finish import finish

    # A log has no width of its own; rich would fold the tables at 80 columns.
    console = Console(width=None if sys.stdout.isatty() else 150)
    if plan.data == dataset.NAME:
        dataset.ensure(storage.resolve(plan.data, "data"))
    cluster.connect()
    console.print(f"study {plan.name}: {plan.trials} trials of {plan.space_name} on {plan.data}")
    board = study.sweep(plan, console)
    console.print(leaderboard_table(board, top=10, parameters=False).rich())
    console.print(f"refit of the winner, {refit_epochs} epochs on {refit_workers} worker(s)")
    resources = Resources(workers=refit_workers, gpu=plan.gpus_per_trial > 0)
    command = " ".join(["monopose sweep", *sys.argv[2:]])
    done = finish(plan, board, refit_epochs, resources, command=command, on_report=show)
    console.print(summary_table(done.board.winner).rich())
    console.print(f"model:  {done.model_uri} (champion)\nreport: {done.report_uri}", soft_wrap=True)
    console.print(f"see it: monopose report {plan.name} --html report.html")


def report(
    study: Annotated[str, typer.Argument(help="A study's name or URI.")],
    html: Annotated[Path, typer.Option(help="Where to write the page.")],
) -> None:
    """Fetch a study's report, one self-contained page, to open in a browser.

    Example: monopose report sweep-20260801-120000 --html report.html
    """
    from monopose import storage

    page = storage.read_bytes(storage.join(storage.resolve(study, "studies"), "report.html"))
    html.write_bytes(page)
    typer.echo(f"{html}: {len(page) / 1e6:.1f} MB")
