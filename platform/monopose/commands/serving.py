"""`monopose serve`."""

from pathlib import Path
from typing import Annotated

import typer

Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model", help="Alias or version, or NAME=VERSION; the first is the default. Repeatable."
    ),
]
Config = Annotated[Path, typer.Option(help="The Serve configuration.")]
Host = Annotated[str | None, typer.Option(show_default="as configured")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, show_default="as configured")]
Address = Annotated[
    str, typer.Option(help="The Ray dashboard's address.", envvar="RAY_API_SERVER_ADDRESS")
]


def serve(
    model: Models = None,
    config: Config = Path("serve/config.yaml"),
    host: Host = None,
    port: Port = None,
    address: Address = "http://127.0.0.1:8265",
) -> None:
    """Serve models over HTTP, or roll the running endpoint to other ones without a pause.

    Example: monopose serve --model champion
    """
    from monopose.inference import deployment

    models = dict(_named(text) for text in model or [])
    content = deployment.configuration(config, models, host, port)
    url = deployment.deploy(content, address)
    typer.echo(f"serving at {url}v1/lift      models: {url}v1/models      stop: monopose down")


def _named(text: str) -> tuple[str, str]:
    alias, _, name = text.partition("=")
    return alias, name or alias
