"""Puts the endpoint on a Ray cluster through its REST interface, as `serve deploy` does.

Deploying the same file with other models changes the models in place; `serve.run` would replace
the replicas.
"""

import time
from pathlib import Path
from typing import Any

import yaml

from monopose.errors import InputError, UnavailableError
from monopose.inference.registry import aliases, resolve
from monopose.training.checkpoint import load_model

DEFAULT_ADDRESS = "http://127.0.0.1:8265"
_POLL_S = 0.5


def configuration(
    path: Path, models: dict[str, str], host: str | None = None, port: int | None = None
) -> dict[str, Any]:
    """The Serve configuration of a file, with these models and this address.

    An alias is written as the version it names now: an alias that moved is then a change, and
    deploying again rolls to it. Raises InputError when the file or a model is not there.
    """
    if not path.is_file():
        raise InputError(
            "there is no such configuration", where=str(path), fix="run it in the repository's root"
        )
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    (application,) = content["applications"]
    (deployment,) = application["deployments"]
    named = models or deployment["user_config"]["models"]
    deployment["user_config"]["models"] = {alias: _version(name) for alias, name in named.items()}
    options = {"host": host, "port": port}
    content["http_options"] |= {k: v for k, v in options.items() if v is not None}
    return content


def deploy(content: dict[str, Any], address: str, timeout_s: float = 120.0) -> str:
    """Deploys a configuration and waits until it runs; returns the endpoint's URL.

    Raises UnavailableError when no Ray head answers or the application does not come up.
    """
    from ray.dashboard.modules.serve.sdk import ServeSubmissionClient

    try:
        client = ServeSubmissionClient(address)
        client.deploy_applications(content)
    except (ConnectionError, RuntimeError) as error:
        what = f"the endpoint cannot be deployed ({str(error).splitlines()[0][:300]})"
        fix = "start a head with `monopose up`, or set RAY_API_SERVER_ADDRESS"
        raise UnavailableError(what, where=address, fix=fix) from error
    (application,) = content["applications"]
    deadline_s = time.monotonic() + timeout_s
    while True:
        details = client.get_serve_details()["applications"].get(application["name"], {})
        state = details.get("status")
        if state == "RUNNING":
            options = content["http_options"]
            return f"http://{options['host']}:{options['port']}{application['route_prefix']}"
        if state in ("DEPLOY_FAILED", "UNHEALTHY") or time.monotonic() > deadline_s:
            message = str(details.get("message", "")).strip().splitlines() or ["no reason given"]
            raise UnavailableError(
                f"the endpoint did not come up: {state}, {message[-1][:300]}",
                where=address,
                fix="`serve status` says more",
            )
        time.sleep(_POLL_S)


def _version(name: str) -> str:
    load_model(resolve(name))  # A model that is not there or broken is refused here, not by a roll.
    return aliases().get(name, name)
