"""`monopose <noun> <verb>`: assembles the commands; each is one call into a module.

Commands import what they need when they run, so that `--help` answers at once.
"""

import os
import sys
from typing import NoReturn

import typer

from monopose.commands import ablating, convert, data, models, parts, serving, sweeping, training
from monopose.errors import MonoposeError

app = typer.Typer(
    help="3D human pose from one camera: reproduce, cross, tune, serve.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(parts.up)
app.command()(parts.down)
app.command()(parts.status)
app.command()(training.train)
app.command()(training.train_detector)
app.command()(training.evaluate)
app.command()(sweeping.sweep)
app.command()(ablating.ablate)
app.command()(sweeping.report)
app.command()(serving.serve)
app.command()(convert.convert)
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")

# Packages of the optional extras by the name they are imported under (pyproject.toml).
_EXTRAS = {
    "av": "data", "cv2": "data", "h5py": "data", "numba": "data",
    "optuna": "ray", "ray": "ray", "yaml": "ray",
    "plotly": "report", "psutil": "local",
}  # fmt: skip
_WITHOUT_PARTS = ("up", "down", "status")
_CHOSEN_BY_USER = ("AWS_ENDPOINT_URL", "MONOPOSE_ROOT", "RAY_ADDRESS")


@app.callback()
def reach_parts(context: typer.Context) -> None:
    """3D human pose from one camera: reproduce, cross, tune, serve."""
    if context.invoked_subcommand in _WITHOUT_PARTS or context.resilient_parsing:
        return
    if any(name in os.environ for name in _CHOSEN_BY_USER):
        return
    from monopose.embedded.state import default_folder

    folder = default_folder()
    if (folder / "up.json").exists():
        from monopose.embedded.parts import client_environment

        for name, value in client_environment(folder).items():
            os.environ.setdefault(name, value)


def _refuse(text: str) -> NoReturn:
    typer.secho(f"error: {text}", fg=typer.colors.RED, err=True)
    sys.exit(2)


def main() -> NoReturn:
    """Runs the command line: one clear line and exit code 2 for wrong input, 130 for Ctrl-C."""
    try:
        app(standalone_mode=True)
    except MonoposeError as error:
        _refuse(str(error))
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRAS:
            raise
        _refuse(f"{package} is not installed; pip install 'monopose[{_EXTRAS[package]}]'")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)
