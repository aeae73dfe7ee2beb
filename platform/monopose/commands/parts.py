"""`monopose up | down | status`."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[
    Path | None,
    typer.Option(
        "--folder",
        help="Where data, keys and logs lie.",
        envvar="MONOPOSE_FOLDER",
        show_default=".monopose",
    ),
]
Port = Annotated[int | None, typer.Option(min=1024, max=65535, show_default="as last time")]


def up(
    folder: Folder = None, s3_port: Port = None, ray_port: Port = None, dashboard_port: Port = None
) -> None:
    """Start the embedded parts: an S3 object store and a Ray head, both for this machine only.

    What already runs is left alone; what died is started again with the same keys and data.

    Example: monopose up
    """
    from monopose.embedded import client_token, parts
    from monopose.embedded.state import default_folder

    ports = {"s3": s3_port, "ray": ray_port, "dashboard": dashboard_port}
    where = folder or default_folder()
    _, started = parts.up(where.absolute(), {k: v for k, v in ports.items() if v is not None})
    typer.echo(f"started: {', '.join(started)}" if started else "already running")
    _print_status(where.absolute())
    if not client_token.let_clients_use_the_token():
        typer.echo("this Python's site-packages are read-only: export RAY_AUTH_MODE=token")
    typer.echo("next: ray job submit jobs/sweep.py      stop: monopose down")


def down(folder: Folder = None) -> None:
    """Stop the embedded parts; their data and keys stay for the next `monopose up`.

    Example: monopose down
    """
    from monopose.embedded import parts
    from monopose.embedded.state import default_folder

    stopped = parts.down((folder or default_folder()).absolute())
    typer.echo(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


def status(folder: Folder = None) -> None:
    """Show the embedded parts; exit code 0 when all are up, 1 when not.

    Example: monopose status
    """
    from monopose.embedded.state import default_folder

    if not _print_status((folder or default_folder()).absolute()):
        typer.echo("start what is down: monopose up")
        raise typer.Exit(1)
    typer.echo("use: ray job submit jobs/sweep.py       stop: monopose down")


def _print_status(folder: Path) -> bool:
    from rich.console import Console
    from rich.table import Table

    from monopose.embedded import parts

    table = Table("part", "state", "address", "pid", title=f"monopose in {folder}")
    found = parts.status(folder)
    for part in found:
        colour = "green" if part.state == "up" else "red"
        pid = str(part.pid) if part.pid else "-"
        table.add_row(part.title, f"[{colour}]{part.state}[/]", part.addresses or "-", pid)
    Console().print(table)
    return all(part.state == "up" for part in found)
