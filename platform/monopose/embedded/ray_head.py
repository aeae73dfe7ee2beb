"""The embedded Ray head: token authentication, everything bound to the loopback interface."""

import hashlib
import os
import shutil
import socket
import subprocess
import sysconfig
import urllib.error
import urllib.request
from pathlib import Path

from monopose.embedded import object_store
from monopose.embedded.processes import Started, start_detached
from monopose.embedded.state import HOST, State
from monopose.errors import UnavailableError

_OBJECT_STORE_BYTES = 512_000_000
_MIN_LOGICAL_CPUS = 4
# Foreign credentials beside ours would win over them or go to the wrong server.
_CLEARED = ("AWS_", "RAY_", "MONOPOSE_ROOT")
# Of the parts of a Ray head only the Ray client's port has no "any free one".
_CLIENT_PORTS_FROM = 20000


def start(state: State, folder: Path) -> tuple[Started, "subprocess.Popen[bytes]"]:
    """Starts a Ray head in the working directory, so that `ray job submit jobs/x.py` finds x.

    Raises UnavailableError when Ray is not installed.
    """
    (folder / "logs").mkdir(exist_ok=True)
    return start_detached(
        _argv(state, folder), env=_env(state, folder), cwd=Path.cwd(), log=log_file(folder)
    )


def is_ready(state: State) -> bool:
    """True when the job server answers to our token and the node takes work."""
    headers = {"Authorization": f"Bearer {state.token}"}
    request = urllib.request.Request(f"{state.dashboard_url}/api/v0/nodes", headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as response:
            return b'"ALIVE"' in response.read()
    except (OSError, urllib.error.URLError):
        return False


def environment(state: State) -> dict[str, str]:
    """What a client of the head needs; the token itself lies in `~/.ray/auth_token`."""
    return {
        "RAY_ADDRESS": state.ray_address,
        "RAY_AUTH_MODE": "token",
        "RAY_USAGE_STATS_ENABLED": "0",
        # Ray replaces a loopback address by the machine's own unless clusters of several nodes
        # are off; the variable works on every system in spite of its name.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        # Five times the requests a second of Serve's default proxy.
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
    }


def log_file(folder: Path) -> Path:
    """Where the head's output goes; Ray's own logs are in its temporary folder."""
    return folder / "logs" / "ray_head.log"


def temporary_folder(folder: Path) -> Path:
    """Ray's folder for sockets and logs, of 16 characters.

    The path of a socket ends at 107 characters, that of HAProxy's at 97, and Serve puts up to 79
    behind the 18 of the folder it is given.
    """
    digest = hashlib.sha256(f"{os.getuid()} {folder.resolve()}".encode()).hexdigest()[:8]
    return Path("/tmp") / f"mp-{digest}"


def remove_temporary_folder(folder: Path) -> None:
    """Removes what a stopped head left behind."""
    shutil.rmtree(temporary_folder(folder), ignore_errors=True)


def _argv(state: State, folder: Path) -> list[str]:
    temporary = temporary_folder(folder)
    temporary.mkdir(mode=0o700, exist_ok=True)
    if temporary.is_symlink() or temporary.stat().st_uid != os.getuid():
        raise UnavailableError("belongs to somebody else", where=str(temporary), fix="remove it")
    ray = shutil.which("ray", path=sysconfig.get_path("scripts"))
    if ray is None:
        fix = 'install it with `pip install "monopose[ray]"`'
        raise UnavailableError("Ray is not installed", fix=fix)
    options = {
        "node-ip-address": HOST,
        "port": state.ports.ray,
        "dashboard-host": HOST,
        "dashboard-port": state.ports.dashboard,
        "dashboard-agent-listen-port": 0,
        "ray-client-server-port": _free_port(),
        "num-cpus": max(_MIN_LOGICAL_CPUS, os.cpu_count() or 1),
        "object-store-memory": _OBJECT_STORE_BYTES,
        # Ray opens its own folder to every user; the one around it stays closed.
        "temp-dir": temporary / "r",
    }
    # --block keeps one process as the leader: when it or a vital child dies, all of them end.
    pairs = [f"--{name}={value}" for name, value in options.items()]
    return [ray, "start", "--head", "--block", "--disable-usage-stats", *pairs]


def _env(state: State, folder: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_CLEARED)}
    scripts = sysconfig.get_path("scripts")
    haproxy = temporary_folder(folder) / "h"
    return {
        **kept,
        **object_store.environment(state),
        **environment(state),
        "PATH": os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)]),
        # Tune writes its state when a job is asked to stop.
        "RAY_JOB_STOP_WAIT_TIME_S": "30",
        # Ray's default of 15 lets every other process of the machine go before its workers.
        "RAY_worker_niceness": "0",
        # A second cluster's front end must not find these two ports taken.
        "RAY_SERVE_HAPROXY_STATS_PORT": str(_free_port()),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(_free_port()),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(haproxy / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(haproxy / "admin.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(haproxy),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(haproxy / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(haproxy / "metrics.sock"),
    }


def _free_port() -> int:
    # Below 20000 lie the ports of Ray's workers.
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
        if port >= _CLIENT_PORTS_FROM:
            return port
