"""A run killed in the middle goes on and ends where the unbroken one ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import S3Store

from monopose import storage
from monopose.data.shards import write_clips
from monopose.data.studio.studio import studio_clips
from monopose.errors import StorageError
from monopose.training.loop import EpochReport
from monopose.training.tracking import read_history

EPOCHS = 12


def test_a_killed_run_ends_where_the_unbroken_one_ends(s3_store: S3Store) -> None:
    clips = studio_clips(0, 2.0, subjects=4, actions=["walk", "wave", "squat"])
    write_clips(clips, storage.join(s3_store.root, "data", "tiny"), dataset="studio")
    _train("unbroken").wait(120)
    _kill_after("broken", epoch=3)
    assert _train("broken").wait(120) == 0

    unbroken, broken = _history("unbroken"), _history("broken")
    assert [report.epoch for report in broken] == list(range(1, EPOCHS + 1))
    assert [r.train_loss for r in broken] == [r.train_loss for r in unbroken]
    assert [r.val_mpjpe_mm for r in broken] == [r.val_mpjpe_mm for r in unbroken]
    assert _weights("broken") == _weights("unbroken")


def _kill_after(name: str, epoch: int) -> None:
    """Kills the run, hard, as soon as it has finished an epoch, long before its last."""
    process = _train(name)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(_history(name)) < epoch:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    assert epoch <= len(_history(name)) < EPOCHS


def _train(name: str) -> subprocess.Popen[bytes]:
    monopose = Path(sys.executable).with_name("monopose")
    arguments = f"--recipe videopose3d --size smoke --data tiny --name {name} --workers 0"
    values = f"--set budget.epochs={EPOCHS} --set budget.batch_chunks=4"
    command = [str(monopose), "train", *arguments.split(), *values.split()]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def _history(name: str) -> list[EpochReport]:
    try:
        return list(read_history(storage.join(storage.root(), "runs", name)))
    except StorageError:
        return []


def _weights(name: str) -> bytes:
    where = storage.join(storage.root(), "runs", name, "model", "model.safetensors")
    return storage.read_bytes(where)
