"""Joining a Ray cluster, quietly and with the environment that its workers need."""

import logging
import os
import socket
import warnings

import optuna
import ray
import ray.data

from monopose import storage
from monopose.errors import UnavailableError


def connect(num_cpus: int | None = None) -> None:
    """Joins the cluster that RAY_ADDRESS names, or starts a local one; once a process.

    num_cpus: logical CPUs of a local one, by default at least 4, so that Ray Data finds room
    beside the trainers.

    Workers get the storage's environment, and the cluster's address: without it, Ray's state
    client in a worker may ask another cluster on the same machine. Raises UnavailableError.
    """
    if ray.is_initialized():
        return
    _quieten()
    variables = storage.environment()
    if "RAY_ADDRESS" in os.environ:
        variables["RAY_ADDRESS"] = os.environ["RAY_ADDRESS"]
    local = "RAY_ADDRESS" not in os.environ
    if not local:
        _expect_listener(os.environ["RAY_ADDRESS"])
    try:
        ray.init(
            address="local" if local else None,
            num_cpus=(num_cpus or max(4, os.cpu_count() or 1)) if local else None,
            runtime_env={"env_vars": variables},
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, TimeoutError) as error:
        raise _no_cluster(str(error).splitlines()[0][:120]) from error


def _expect_listener(address: str) -> None:
    """Raises UnavailableError when nobody listens; Ray itself would ask for a minute."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        raise _no_cluster(str(error)) from error


def _no_cluster(reason: str) -> UnavailableError:
    return UnavailableError(
        f"no Ray cluster answers ({reason})",
        where=os.environ.get("RAY_ADDRESS", "local"),
        fix="start one with `monopose up`, or correct RAY_ADDRESS",
    )


def _quieten() -> None:
    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    logging.getLogger("ray.tune").setLevel(logging.WARNING)
    ray.data.DataContext.get_current().enable_progress_bars = False
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
