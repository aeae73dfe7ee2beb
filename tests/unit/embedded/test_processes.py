"""Only our own processes are stopped: real ones, down to orphans and recycled pids."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from monopose.embedded.processes import Started, is_alive, start_detached, stop

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
# A parent whose child lives in the same session; the child's pid is printed.
PARENT = (
    "import subprocess, sys, time; "
    "c = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    "print(c.pid, flush=True); time.sleep(60)"
)


LOOSE = PARENT.replace("time.sleep(60)']", "time.sleep(60)'], start_new_session=True")


def begin(code: str, folder: Path) -> tuple[Started, "subprocess.Popen[bytes]"]:
    argv = [sys.executable, "-c", code]
    return start_detached(argv, env=os.environ, cwd=folder, log=folder / "log")


def child_of(folder: Path) -> int:
    for _ in range(200):
        text = (folder / "log").read_text()
        if text.endswith("\n"):
            return int(text)
        time.sleep(0.05)
    raise AssertionError("no child was started")


def test_a_process_lives_until_it_is_stopped(tmp_path: Path) -> None:
    started, process = begin("import time; time.sleep(60)", tmp_path)
    assert is_alive(started)
    assert os.getsid(started.pid) == started.pid
    stop(started)
    process.wait(5)
    assert not is_alive(started)


def test_one_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    started, process = begin(STUBBORN, tmp_path)
    time.sleep(0.5)
    stop(started, grace_s=0.4)
    process.wait(5)
    assert not is_alive(started)


@pytest.mark.parametrize("code", [PARENT, LOOSE], ids=["same session", "own session"])
@pytest.mark.parametrize("orphaned", [False, True])
def test_children_end_too_even_when_their_parent_was_killed(
    tmp_path: Path, orphaned: bool, code: str
) -> None:
    started, process = begin(code, tmp_path)
    child = psutil.Process(child_of(tmp_path))
    if orphaned:
        process.kill()
        process.wait(5)
        assert child.is_running()
    stop(started)
    _, alive = psutil.wait_procs([child], timeout=5)
    assert not alive
    process.wait(5)


def test_a_recycled_pid_is_not_ours_and_is_left_alone(tmp_path: Path) -> None:
    started, process = begin("import time; time.sleep(60)", tmp_path)
    earlier = Started(pid=started.pid, started_s=started.started_s - 100, mark="another")
    assert not is_alive(earlier)
    stop(earlier, grace_s=0.2)
    assert process.poll() is None
    stop(started)
    process.wait(5)
