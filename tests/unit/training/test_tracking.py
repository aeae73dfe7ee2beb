import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Never

import pytest

from monopose import storage
from monopose.errors import StorageError
from monopose.training import tracking
from monopose.training.loop import EpochReport
from monopose.training.tracking import History, followed, read_history


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "_POLL_S", 0.005)


def report(epoch: int, loss: float = 0.5) -> EpochReport:
    return EpochReport(epoch, 1.5 * epoch, loss, None if epoch % 2 else 40.0, 1e3, 1e-3)


def wait_for(condition: Callable[..., object]) -> None:
    deadline_s = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.002)


def test_history_reads_back_as_it_was_written(tmp_path: Path) -> None:
    run = str(tmp_path)
    history = History(run)
    for epoch in (1, 2, 3):
        history.append(report(epoch))
        assert read_history(run) == [report(e) for e in range(1, epoch + 1)]
    with pytest.raises(StorageError, match="there is no such object"):
        read_history(str(tmp_path / "none"))


def test_a_resumed_history_forgets_what_came_after_its_epoch(tmp_path: Path) -> None:
    run, history = str(tmp_path), History(str(tmp_path))
    for epoch in (1, 2, 3):
        history.append(report(epoch))
    again = History(run, epoch=2)
    again.append(report(3, loss=0.25))
    assert read_history(run) == [report(1), report(2), report(3, loss=0.25)]
    History(run, epoch=0).append(report(1, loss=0.1))
    assert read_history(run) == [report(1, loss=0.1)]


def test_a_diverged_loss_reads_back_as_no_number(tmp_path: Path) -> None:
    """JSON has no NaN; what prints the loss needs a float all the same."""
    History(str(tmp_path)).append(report(1, loss=math.nan))
    (back,) = read_history(str(tmp_path))
    assert math.isnan(back.train_loss)


def test_each_epoch_is_told_once_and_in_order(tmp_path: Path) -> None:
    run = str(tmp_path)
    told: list[EpochReport] = []
    with followed(run, told.append):
        history = History(run)
        for epoch in (1, 2):
            history.append(report(epoch))
            wait_for(lambda epoch=epoch: len(told) == epoch)
        time.sleep(0.03)
        history.append(report(3))
        history.append(report(4))
    assert told == [report(e) for e in (1, 2, 3, 4)]


def test_what_was_there_before_is_not_told(tmp_path: Path) -> None:
    run = str(tmp_path)
    told: list[EpochReport] = []
    history = History(run)
    history.append(report(1))
    with followed(run, told.append):
        history.append(report(2))
    assert told == [report(2)]


def test_a_run_that_writes_nothing_is_followed_in_silence(tmp_path: Path) -> None:
    told: list[EpochReport] = []
    with followed(str(tmp_path / "none"), told.append):
        time.sleep(0.02)
    assert told == []


def test_a_store_that_is_away_for_a_moment_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = str(tmp_path)
    told: list[EpochReport] = []
    calls: list[str] = []
    read = storage.read_bytes

    def flaky(uri: str) -> bytes:
        calls.append(uri)
        if len(calls) % 2:
            raise StorageError("cannot be reached", where=uri)
        return read(uri)

    monkeypatch.setattr(storage, "read_bytes", flaky)
    with followed(run, told.append):
        History(run).append(report(1))
        wait_for(lambda: told)
    assert told == [report(1)]


def test_the_last_epochs_are_told_even_when_training_fails(tmp_path: Path) -> None:
    told: list[EpochReport] = []

    def fails() -> Never:
        with followed(str(tmp_path), told.append):
            History(str(tmp_path)).append(report(1))
            raise ValueError("training failed")

    with pytest.raises(ValueError, match="training failed"):
        fails()
    assert told == [report(1)]
