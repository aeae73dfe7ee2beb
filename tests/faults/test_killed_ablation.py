"""An ablation killed in the middle goes on, and finds what the unbroken one finds."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest
from tests.conftest import S3Store

from monopose import storage
from monopose.data.shards import write_clips
from monopose.data.studio.studio import studio_clips
from monopose.errors import StorageError
from monopose.evaluation.ablation import AblationResult
from monopose.training.loop import EpochReport
from monopose.training.tracking import read_history

EPOCHS = 8
CELLS = 5


@pytest.mark.usefixtures("no_ray")
def test_a_killed_ablation_runs_only_what_is_missing(s3_store: S3Store, tmp_path: Path) -> None:
    clips = studio_clips(0, 2.0, subjects=4, actions=["walk", "wave", "squat"])
    write_clips(clips, storage.join(s3_store.root, "data", "tiny"), dataset="studio")
    before = _kill_in_the_middle("broken", tmp_path / "killed.log")
    assert 0 < len(before) < CELLS
    half = {cell: h for cell, h in _histories("broken").items() if cell not in before}
    assert half
    _ablate("broken", tmp_path / "again.log").wait(200)
    said = (tmp_path / "again.log").read_text()
    assert f"{len(before)} of {CELLS} cells are finished already" in said
    assert f"[{CELLS - len(before)}/{CELLS - len(before)}]" in said

    after = _finished("broken")
    assert len(after) == CELLS
    assert {cell: after[cell] for cell in before} == before
    whole = _histories("broken")
    for cell, begun in half.items():
        assert [report.epoch for report in whole[cell]] == list(range(1, EPOCHS + 1))
        # With their times: the epochs before the kill were not trained again. The last one may
        # have been without its checkpoint.
        assert whole[cell][: len(begun) - 1] == begun[:-1]
    _ablate("unbroken", tmp_path / "unbroken.log").wait(200)
    assert _values("broken") == _values("unbroken")


def _kill_in_the_middle(name: str, log: Path) -> dict[str, bytes]:
    """Kills the driver, hard, when a cell has ended and another is half done; the ended cells."""
    process = _ablate(name, log)
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and process.poll() is None:
        ended = _finished(name)
        begun = [len(h) for cell, h in _histories(name).items() if cell not in ended]
        if ended and any(2 <= epochs < EPOCHS for epochs in begun):
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    # The driver's cluster dies with it, in its own time.
    time.sleep(3)
    return _finished(name)


def _ablate(name: str, log: Path) -> subprocess.Popen[bytes]:
    monopose = Path(sys.executable).with_name("monopose")
    arguments = f"videopose3d --size smoke --data tiny --name {name} --seeds 1 --concurrent 1"
    values = f"--set budget.epochs={EPOCHS} --set budget.batch_chunks=4"
    command = [str(monopose), "ablate", *arguments.split(), *values.split()]
    with log.open("wb") as file:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT)


def _folder(name: str) -> str:
    return storage.join(storage.root(), "studies", name, "cells")


def _finished(name: str) -> dict[str, bytes]:
    folder = _folder(name)
    uris = {cell: storage.join(folder, cell, "cell.json") for cell in storage.list_names(folder)}
    return {cell: storage.read_bytes(uri) for cell, uri in uris.items() if storage.exists(uri)}


def _histories(name: str) -> dict[str, list[EpochReport]]:
    """The epochs of every cell that has some."""
    found = {}
    for cell in storage.list_names(_folder(name)):
        try:
            found[cell] = list(read_history(storage.join(_folder(name), cell)))
        except StorageError:
            continue
    return found


def _values(name: str) -> dict[str, object]:
    uri = storage.join(storage.root(), "studies", name, "results.json")
    result = AblationResult.model_validate_json(storage.read_bytes(uri))
    assert not result.failures
    return {cell.variant: orjson.loads(cell.model_dump_json())["values"] for cell in result.cells}
