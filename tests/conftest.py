"""What tests share: one Ray cluster and one S3 server for the session, each on the loopback."""

import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Before any test imports Ray: it reads these once. The mode is set, not defaulted, because the
# environment's own default may be the token of an embedded head.
os.environ["RAY_AUTH_MODE"] = "disabled"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_SERVE_ENABLE_HA_PROXY"] = "1"
os.environ["RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S"] = "2"
os.environ["RAY_TRAIN_HEALTH_CHECK_INTERVAL_S"] = "0.2"
os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
for _name in ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS", "MONOPOSE_ROOT", "MONOPOSE_FOLDER"):
    os.environ.pop(_name, None)

import pytest  # noqa: E402
import torch  # noqa: E402

# One thread: more of them wait for each other where several tests share two cores.
torch.set_num_threads(1)


@dataclass(frozen=True)
class S3Store:
    """A running S3 server: the root of a fresh prefix, and the variables that reach it."""

    root: str
    environment: dict[str, str]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A real S3 server with keys; its variables. `s3_store` sets them for one test."""
    from monopose.embedded import object_store
    from monopose.embedded.processes import stop, wait_until_ready
    from monopose.embedded.state import Ports, new_state

    state = new_state(Ports(s3=free_port()))
    started, process = object_store.start(state, tmp_path_factory.mktemp("store"))
    try:
        assert wait_until_ready(process, lambda: object_store.is_ready(state), timeout_s=20.0)
        yield object_store.environment(state)
    finally:
        stop(started)
        process.wait(5)


@pytest.fixture
def s3_store(s3_server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> S3Store:
    """An empty prefix of the session's S3 server as the storage root of this test."""
    import s3fs

    root = f"{s3_server['MONOPOSE_ROOT']}/{secrets.token_hex(4)}"
    environment = {**s3_server, "MONOPOSE_ROOT": root}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    # Its instances keep the keys and listings of the test before.
    s3fs.S3FileSystem.clear_instance_cache()
    return S3Store(root, environment)


@pytest.fixture(scope="session")
def ray_cluster(s3_server: dict[str, str]) -> Iterator[None]:
    """The session's Ray cluster, whose workers reach the session's S3 server.

    Tests that start another cluster ask for `no_ray` and run before.
    """
    import ray

    # Short: a socket's path may have 107 characters.
    folder = tempfile.mkdtemp(prefix="mp", dir="/tmp")
    ray.init(
        num_cpus=4,
        include_dashboard=False,
        object_store_memory=200_000_000,
        log_to_driver=False,
        logging_level="ERROR",
        runtime_env={"env_vars": s3_server},
        _temp_dir=folder,
    )
    yield
    ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def no_ray() -> None:
    """Two clusters on a host disturb each other: tests that start their own need this."""
    import ray

    assert not ray.is_initialized(), "tests with `no_ray` must run before those with `ray_cluster`"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that start a head of their own come first, those of the session's cluster last."""
    items.sort(key=lambda item: _order(getattr(item, "fixturenames", ())))


def _order(fixtures: "list[str] | tuple[str, ...]") -> int:
    return 0 if "no_ray" in fixtures else 2 if "ray_cluster" in fixtures else 1


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).resolve().parents[1]
