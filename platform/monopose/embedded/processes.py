"""Detached processes that are found again later, and only ever our own ones are stopped."""

import os
import secrets
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

_SAME_START_S = 0.5
_POLL_S = 0.05
_MARK_VARIABLE = "MONOPOSE_STARTED"


class Started(BaseModel):
    """A process we started: a recycled pid has another start time, so it is not taken for ours.

    mark: a variable in its environment, by which those it starts in sessions of their own (Serve's
    HAProxy) are still found after it was killed.
    """

    model_config = ConfigDict(frozen=True)

    pid: int
    started_s: float
    mark: str = ""


def start_detached(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path
) -> tuple[Started, "subprocess.Popen[bytes]"]:
    """Starts a process as the leader of its own session, so that it outlives this one.

    log: stdout and stderr go there, from its start. Also returns the handle, for the wait until
    the process is ready.
    """
    mark = secrets.token_hex(8)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as output:
        process = subprocess.Popen(
            argv,
            env={**env, _MARK_VARIABLE: mark},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    started_s = psutil.Process(process.pid).create_time()
    return Started(pid=process.pid, started_s=started_s, mark=mark), process


def is_alive(started: Started | None) -> bool:
    """True when that very process runs (a zombie does not)."""
    if started is None:
        return False
    try:
        process = psutil.Process(started.pid)
        return _is_it(process, started) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def stop(started: Started, *, grace_s: float = 10.0) -> None:
    """Stops the process and all of its session and descendants: SIGTERM, after the grace SIGKILL.

    The leader is asked first and alone: Ray's ends its children in the right order.
    """
    members = _members(started)
    for member in members[:1]:
        _signal(member, kill=False)
    psutil.wait_procs(members[:1], timeout=grace_s / 2)
    for member in members:
        _signal(member, kill=False)
    psutil.wait_procs(members, timeout=grace_s / 2)
    # Asked again: members may have started others meanwhile.
    rest = [*members, *_members(started)]
    for member in rest:
        _signal(member, kill=True)
    psutil.wait_procs(rest, timeout=grace_s)


def wait_until_ready(
    process: "subprocess.Popen[bytes]", is_ready: Callable[[], bool], *, timeout_s: float
) -> bool:
    """Polls until the process answers; False when it ended or the time is over."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and process.poll() is None:
        if is_ready():
            return True
        time.sleep(_POLL_S)
    return False


def _is_it(process: psutil.Process, started: Started) -> bool:
    return abs(process.create_time() - started.started_s) < _SAME_START_S


def _members(started: Started) -> list[psutil.Process]:
    """The process if it lives, its session and all that carry its mark; the leader comes first.

    The system gives out no pid that still names a session. So when another process has the pid,
    nobody is left in our session; when none has it, the session's members are ours, orphaned.
    """
    try:
        leader = psutil.Process(started.pid)
        recycled = not _is_it(leader, started)
    except psutil.NoSuchProcess:
        leader, recycled = None, False
    first = [leader] if leader and not recycled else []
    others = [
        process
        for process in psutil.process_iter()
        if (not recycled and _session(process) == started.pid) or _has_mark(process, started)
    ]
    begun = [child for member in [*first, *others] for child in _children(member)]
    found = dict.fromkeys([*first, *others, *begun])
    return [process for process in found if process.pid != os.getpid()]


def _has_mark(process: psutil.Process, started: Started) -> bool:
    try:
        return bool(started.mark) and process.environ().get(_MARK_VARIABLE) == started.mark
    except (psutil.Error, OSError):
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _session(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid)
    except OSError:
        return None


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        process.kill() if kill else process.terminate()
    except psutil.NoSuchProcess:
        return
