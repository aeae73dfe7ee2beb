"""`monopose up | down | status` for real, as a user runs them, each in a folder of its own."""

import os
import signal
import socket
import stat
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from tests.conftest import S3Store

from monopose import storage
from monopose.embedded import object_store
from monopose.embedded.processes import Started
from monopose.embedded.state import State, read_state
from monopose.errors import StorageError

SCRIPTS = sysconfig.get_path("scripts")
HELLO = """#!/usr/bin/env python3
import os
import ray
ray.init(log_to_driver=False)
seen = ray.get(ray.remote(lambda: os.environ["MONOPOSE_ROOT"]).remote())
print("from a worker:", seen, "in", os.getcwd())
"""
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Run]:
    """Runs a command as in a fresh shell: the environment's bin on PATH, a home, nothing else."""
    (tmp_path / "home").mkdir()
    (tmp_path / "jobs").mkdir()
    variables = {
        "HOME": str(tmp_path / "home"),
        "PATH": os.pathsep.join([SCRIPTS, "/usr/bin", "/bin"]),
        "COLUMNS": "200",
        "TERM": "dumb",
    }

    def run(*argv: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            argv, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=180
        )

    yield run
    run("monopose", "down")


def state_of(tmp_path: Path) -> State:
    state = read_state(tmp_path / ".monopose")
    assert state is not None
    return state


def ports() -> list[str]:
    return [
        f"--{name}-port={port}"
        for name, port in zip(("s3", "ray", "dashboard"), _three_ports(), strict=True)
    ]


def _three_ports() -> list[int]:
    sockets = [socket.socket() for _ in range(3)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def ours(tmp_path: Path) -> list[str]:
    """Processes whose command line or working folder tells that this test began them."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and str(tmp_path) in process.cwd():
                found.append(" ".join(process.cmdline())[:80])
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def use(monkeypatch: pytest.MonkeyPatch, state: State, **changes: str) -> None:
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    for name, value in {**object_store.environment(state), **changes}.items():
        monkeypatch.setenv(name, value)


def test_up_job_kill_up_down(
    no_ray: None, shell: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = ports()
    first = shell("monopose", "up", *chosen)
    assert first.returncode == 0, first.stderr
    assert "started: object store (S3), Ray head" in first.stdout
    state = state_of(tmp_path)

    mode = stat.S_IMODE((tmp_path / ".monopose" / "up.json").stat().st_mode)
    assert mode == 0o600
    assert shell("monopose", "status").returncode == 0
    again = shell("monopose", "up")
    assert (again.returncode, "already running" in again.stdout) == (0, True)
    assert state_of(tmp_path) == state

    use(monkeypatch, state)
    storage.write_bytes("s3://monopose/kept", b"before the crash")
    _bare_submit_works(shell, tmp_path)
    _listens_on_loopback_only(state)

    _kill(state.object_store)
    assert shell("monopose", "status").returncode == 1
    assert "started: object store (S3)\n" in shell("monopose", "up").stdout
    assert state_of(tmp_path).ray_head == state.ray_head

    _kill(state_of(tmp_path).object_store)
    _kill(state_of(tmp_path).ray_head)
    assert "started: object store (S3), Ray head" in shell("monopose", "up").stdout
    after = state_of(tmp_path)
    assert (after.s3_key_id, after.s3_secret, after.token, after.ports) == (
        state.s3_key_id, state.s3_secret, state.token, state.ports,
    )  # fmt: skip
    assert storage.read_bytes("s3://monopose/kept") == b"before the crash"

    down = shell("monopose", "down")
    assert "stopped: object store (S3), Ray head" in down.stdout
    assert ours(tmp_path) == []
    assert "nothing was running" in shell("monopose", "down").stdout
    assert shell("monopose", "status").returncode == 1


def _bare_submit_works(shell: Run, tmp_path: Path) -> None:
    job = tmp_path / "jobs" / "hello.py"
    job.write_text(HELLO)
    job.chmod(0o755)
    submitted = shell("ray", "job", "submit", "jobs/hello.py")
    assert submitted.returncode == 0, submitted.stdout + submitted.stderr
    assert f"from a worker: s3://monopose in {tmp_path}" in submitted.stdout
    token = tmp_path / "home" / ".ray" / "auth_token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    token.rename(token.with_name("hidden"))
    refused = shell("ray", "job", "submit", "jobs/hello.py")
    assert refused.returncode != 0
    token.with_name("hidden").rename(token)


def _listens_on_loopback_only(state: State) -> None:
    pids = {started.pid for started in (state.object_store, state.ray_head) if started}
    family = {child.pid for pid in pids for child in psutil.Process(pid).children(recursive=True)}
    open_to = {
        getattr(connection.laddr, "ip", "")
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.pid in pids | family
    }
    assert open_to <= {"127.0.0.1", "::ffff:127.0.0.1"}
    assert open_to


def _kill(started: Started | None) -> None:
    assert started is not None
    os.kill(started.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(started.pid)] if psutil.pid_exists(started.pid) else [], 5)


@pytest.mark.parametrize("option", ["s3", "ray", "dashboard"])
def test_a_taken_port_is_named_and_nothing_is_left_running(
    shell: Run, tmp_path: Path, option: str
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = shell("monopose", "up", *ports(), f"--{option}-port={port}")
    assert result.returncode == 2
    assert f"127.0.0.1:{port}" in result.stderr
    assert "another program uses this port" in result.stderr
    assert f"--{option}-port" in result.stderr
    assert "Traceback" not in result.stderr
    assert ours(tmp_path) == []


def test_a_damaged_state_is_one_clear_line(shell: Run, tmp_path: Path) -> None:
    (tmp_path / ".monopose").mkdir()
    (tmp_path / ".monopose" / "up.json").write_text("{")
    result = shell("monopose", "status")
    assert result.returncode == 2
    assert "up.json: is not a state of `monopose up`; move it away" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    (tmp_path / ".monopose" / "up.json").unlink()


def test_s3_takes_the_right_key_only(s3_store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    uri = storage.join(s3_store.root, "folder", "object")
    storage.write_bytes(uri, b"payload")
    assert storage.read_bytes(uri) == b"payload"
    assert storage.read_buffer(uri).to_pybytes() == b"payload"
    assert storage.list_names(s3_store.root) == ["folder"]
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(StorageError, match="access was refused; check AWS_ACCESS_KEY_ID"):
        storage.read_bytes(uri)
    with pytest.raises(StorageError, match="access was refused; check AWS_ACCESS_KEY_ID"):
        storage.read_buffer(uri)
    s3fs.S3FileSystem.clear_instance_cache()


def test_pyarrow_reads_what_fsspec_wrote(s3_store: S3Store) -> None:
    uri = storage.join(s3_store.root, "object")
    storage.write_bytes(uri, bytes(range(256)) * 64)
    ray_storage = storage.ray_storage(uri)
    with ray_storage["storage_filesystem"].open_input_file(ray_storage["storage_path"]) as file:
        assert file.read_at(4, 256) == b"\x00\x01\x02\x03"


def test_keys_are_not_on_the_command_line(s3_server: dict[str, str]) -> None:
    lines = []
    for process in psutil.Process().children():
        lines += process.cmdline()
    assert any("rclone" in line for line in lines)
    assert not any(s3_server["AWS_SECRET_ACCESS_KEY"] in line for line in lines)
