"""What `monopose up` remembers in its folder: addresses, processes and keys, for the owner only."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from monopose.embedded.processes import Started
from monopose.errors import InputError, UnavailableError

FOLDER_VARIABLE = "MONOPOSE_FOLDER"
DEFAULT_FOLDER = ".monopose"
HOST = "127.0.0.1"
BUCKET = "monopose"


class Ports(BaseModel):
    """The ports on the loopback interface."""

    model_config = ConfigDict(frozen=True)

    s3: int = 9321
    ray: int = 6379
    dashboard: int = 8265


class State(BaseModel):
    """The embedded parts of one folder; keys and ports stay the same over restarts."""

    model_config = ConfigDict(frozen=True)

    ports: Ports
    s3_key_id: str
    s3_secret: str
    token: str = ""
    object_store: Started | None = None
    ray_head: Started | None = None

    @property
    def s3_url(self) -> str:
        """The address of the S3 endpoint."""
        return f"http://{HOST}:{self.ports.s3}"

    @property
    def ray_address(self) -> str:
        """The address that `ray.init` and `RAY_ADDRESS` take."""
        return f"{HOST}:{self.ports.ray}"

    @property
    def dashboard_url(self) -> str:
        """The address of the dashboard and of job submission."""
        return f"http://{HOST}:{self.ports.dashboard}"


def default_folder() -> Path:
    """$MONOPOSE_FOLDER, or `.monopose` in the working directory."""
    return Path(os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER).absolute()


def new_state(ports: Ports) -> State:
    """A state with fresh S3 keys."""
    return State(ports=ports, s3_key_id=secrets.token_hex(10), s3_secret=secrets.token_hex(20))


def read_state(folder: Path) -> State | None:
    """The state of a folder, None when `up` never ran there; raises InputError when damaged."""
    path = folder / "up.json"
    try:
        return State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (ValidationError, OSError) as error:
        fix = "move it away; `monopose up` writes a new one, with new keys for the same objects"
        raise InputError("is not a state of `monopose up`", where=str(path), fix=fix) from error


def write_state(folder: Path, state: State) -> None:
    """Writes the state at once, readable by the owner only: it holds keys."""
    partial = folder / "up.json.partial"
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(state.model_dump_json(indent=1))
    os.replace(partial, folder / "up.json")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes the folder and holds its lock; who comes second waits for the first to finish."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        fix = "name another with --folder"
        raise UnavailableError(f"cannot be used ({error})", where=str(folder), fix=fix) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
