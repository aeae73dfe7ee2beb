"""`monopose models list`."""

import typer

app = typer.Typer(help="The model registry.", no_args_is_help=True)


@app.callback()
def models() -> None:
    """The model registry."""


@app.command("list")
def list_() -> None:
    """Every registered model with its error, data set and aliases.

    Example: monopose models list
    """
    from rich.console import Console
    from rich.table import Table

    from monopose.inference import registry

    table = Table("model", "aliases", "val MPJPE mm", "data set", "recipe", "trained")
    for version in registry.versions():
        about = registry.describe(version)
        error = about.get("val_mpjpe_mm")
        table.add_row(
            version,
            ", ".join(about["aliases"]) or "-",
            "-" if error is None else f"{error:.1f}",
            f"{about.get('dataset')} {str(about.get('dataset_digest'))[:8]}",
            f"{about.get('recipe_name')} {about.get('recipe_digest')}",
            str(about.get("date")),
        )
    Console().print(table)
