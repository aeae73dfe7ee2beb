"""`monopose up | down | status`: the parts a laptop lacks, as local processes in one folder."""

import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from monopose.embedded import client_token, object_store, ray_head
from monopose.embedded.processes import Started, is_alive, stop, wait_until_ready
from monopose.embedded.state import (
    HOST,
    Ports,
    State,
    locked,
    new_state,
    read_state,
    write_state,
)
from monopose.errors import UnavailableError

_PATIENCE_S = 20.0
_PORT_PATIENCE_S = 5.0
_LOG_LINES = 3


@dataclass(frozen=True)
class Part:
    """One embedded part; `ports` are the fields of `Ports` that it listens on."""

    key: Literal["object_store", "ray_head"]
    title: str
    ports: tuple[str, ...]
    start: Callable[[State, Path], tuple[Started, "subprocess.Popen[bytes]"]]
    is_ready: Callable[[State], bool]
    log_file: Callable[[Path], Path]
    start_s: float

    def process(self, state: State) -> Started | None:
        """The process of this part, if it was started."""
        started: Started | None = getattr(state, self.key)
        return started

    def addresses(self, state: State) -> str:
        """Where it listens, for people."""
        return ", ".join(f"{HOST}:{getattr(state.ports, name)}" for name in self.ports)


PARTS = (
    Part(
        "object_store",
        "object store (S3)",
        ("s3",),
        object_store.start,
        object_store.is_ready,
        object_store.log_file,
        20.0,
    ),
    Part(
        "ray_head",
        "Ray head",
        ("ray", "dashboard"),
        ray_head.start,
        ray_head.is_ready,
        ray_head.log_file,
        120.0,
    ),
)


@dataclass(frozen=True)
class PartStatus:
    """What `monopose status` says of one part."""

    title: str
    state: Literal["up", "not answering", "down"]
    addresses: str
    pid: int | None


def up(folder: Path, ports: dict[str, int] | None = None) -> tuple[State, list[str]]:
    """Starts what does not run, with the keys and data of the last time.

    ports: those that shall differ from the last time's or the default. Returns the state and the
    titles of the parts started now, none when all ran. Raises UnavailableError when a port is
    taken, a part is not installed or does not start; then nothing of this call is left running.
    """
    with locked(folder):
        before = read_state(folder) or new_state(Ports())
        state = _with_ports(before, ports or {})
        state = _with_token(state)
        dead = [part for part in PARTS if not is_alive(part.process(state))]
        for part in PARTS:
            if part not in dead:
                _expect_answer(part, state, folder)
        for part in dead:
            _stop_leftovers(part, state)
        _expect_free_ports(dead, state)
        write_state(folder, state)
        return _start_all(dead, state, folder), [part.title for part in dead]


def down(folder: Path) -> list[str]:
    """Stops our own processes, and nothing else; returns the titles of the parts that ran.

    Keys, ports and data stay for the next `up`.
    """
    if not folder.is_dir():
        return []
    with locked(folder):
        state = read_state(folder)
        if state is None:
            return []
        ran = [part.title for part in PARTS if is_alive(part.process(state))]
        for part in reversed(PARTS):
            _stop_leftovers(part, state)
        write_state(folder, state.model_copy(update=dict.fromkeys(_KEYS)))
        ray_head.remove_temporary_folder(folder)
        return ran


def status(folder: Path) -> list[PartStatus]:
    """The state of each part of a folder."""
    state = read_state(folder)
    if state is None:
        return [PartStatus(part.title, "down", "", None) for part in PARTS]
    return [_status(part, state) for part in PARTS]


def client_environment(folder: Path) -> dict[str, str]:
    """The variables with which a process reaches the parts that run; empty when none does."""
    state = read_state(folder)
    if state is None:
        return {}
    store = object_store.environment(state) if is_alive(state.object_store) else {}
    head = ray_head.environment(state) if is_alive(state.ray_head) else {}
    return {**store, **head}


_KEYS = tuple(part.key for part in PARTS)


def _with_ports(state: State, ports: dict[str, int]) -> State:
    changed = {name for name, port in ports.items() if getattr(state.ports, name) != port}
    for part in PARTS:
        if changed & set(part.ports) and is_alive(part.process(state)):
            what = f"the {part.title} already runs there"
            fix = "stop it first: `monopose down`"
            raise UnavailableError(what, where=part.addresses(state), fix=fix)
    return state.model_copy(update={"ports": state.ports.model_copy(update=ports)})


def _with_token(state: State) -> State:
    token = client_token.ensure_token(state.token)
    if state.token not in ("", token) and is_alive(state.ray_head):
        what = "the token was changed after the Ray head was started with another"
        where, fix = str(client_token.token_file()), "run `monopose down`, then `monopose up`"
        raise UnavailableError(what, where=where, fix=fix)
    return state.model_copy(update={"token": token})


def _expect_answer(part: Part, state: State, folder: Path) -> None:
    """A part that is busy is not dead: jobs may run in it, so it is never restarted unasked."""
    if not _becomes_true(partial(part.is_ready, state), _PATIENCE_S):
        what = f"the {part.title} runs but does not answer, see {part.log_file(folder)}"
        fix = "run `monopose down`, then `monopose up`"
        raise UnavailableError(what, where=part.addresses(state), fix=fix)


def _stop_leftovers(part: Part, state: State) -> None:
    started = part.process(state)
    if started is not None:
        stop(started)


def _expect_free_ports(parts: Sequence[Part], state: State) -> None:
    """All ports are looked at before anything starts, so nothing is left half started."""
    for part in parts:
        # The sockets of one that was just stopped need a moment to close.
        patience_s = _PORT_PATIENCE_S if part.process(state) else 0.0
        for name in part.ports:
            port = getattr(state.ports, name)
            if not _becomes_true(partial(_is_free, port), patience_s):
                fix = f"stop it, or choose another port with --{name}-port"
                where = f"{HOST}:{port}"
                raise UnavailableError("another program uses this port", where=where, fix=fix)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _becomes_true(condition: Callable[[], bool], patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _start_all(parts: Sequence[Part], state: State, folder: Path) -> State:
    begun: list[Part] = []
    try:
        for part in parts:
            started, process = part.start(state, folder)
            state = state.model_copy(update={part.key: started})
            begun.append(part)
            write_state(folder, state)
            _expect_start(part, state, folder, process)
    except BaseException:
        for part in reversed(begun):
            _stop_leftovers(part, state)
        write_state(folder, state.model_copy(update={part.key: None for part in begun}))
        raise
    return state


def _expect_start(
    part: Part, state: State, folder: Path, process: "subprocess.Popen[bytes]"
) -> None:
    if wait_until_ready(process, partial(part.is_ready, state), timeout_s=part.start_s):
        return
    log = part.log_file(folder)
    end = " | ".join(log.read_text(errors="replace").strip().splitlines()[-_LOG_LINES:])
    what = f"the {part.title} did not start: {end or 'it said nothing'}"
    raise UnavailableError(what, where=part.addresses(state), fix=f"the whole log: {log}")


def _status(part: Part, state: State) -> PartStatus:
    started = part.process(state)
    if started is None or not is_alive(started):
        return PartStatus(part.title, "down", part.addresses(state), None)
    answer: Literal["up", "not answering"] = "up" if part.is_ready(state) else "not answering"
    return PartStatus(part.title, answer, part.addresses(state), started.pid)
