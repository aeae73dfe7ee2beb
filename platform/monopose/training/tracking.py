"""A run's learning curve: `history.jsonl` in the run's folder, one line an epoch."""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

import orjson

from monopose import storage
from monopose.errors import StorageError
from monopose.training.loop import EpochReport

HISTORY = "history.jsonl"
_POLL_S = 1.0


@runtime_checkable
class Reported(Protocol):
    """A line of a learning curve: a dataclass that tells its epoch and its training loss."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def epoch(self) -> int:
        """Counted from 1."""
        ...


Report = TypeVar("Report", bound=Reported)


class Curve(Generic[Report]):
    """The lines written so far, of one kind; appending writes the whole small object anew.

    Object stores cannot append, and a reader must never see half a line.
    """

    def __init__(self, run_uri: str, kind: Callable[..., Report], epoch: int = 0) -> None:
        self.uri = storage.join(run_uri, HISTORY)
        written = read_curve(run_uri, kind) if epoch and storage.exists(self.uri) else []
        self.reports = [report for report in written if report.epoch <= epoch]

    def append(self, report: Report) -> None:
        """Adds one epoch and stores the history."""
        self.reports.append(report)
        storage.write_bytes(self.uri, b"".join(map(_line, self.reports)))


class History(Curve[EpochReport]):
    """The curve of an estimator."""

    def __init__(self, run_uri: str, epoch: int = 0) -> None:
        super().__init__(run_uri, EpochReport, epoch)


def read_curve(run_uri: str, kind: Callable[..., Report]) -> list[Report]:
    """The epochs of a run, oldest first; raises StorageError when it has no history."""
    lines = storage.read_bytes(storage.join(run_uri, HISTORY)).splitlines()
    return [_report(line, kind) for line in lines]


def read_history(run_uri: str) -> list[EpochReport]:
    """The epochs of an estimator's run; raises as `read_curve` does."""
    return read_curve(run_uri, EpochReport)


@contextmanager
def followed(run_uri: str, on_report: Callable[[EpochReport], None]) -> Iterator[None]:
    """Calls on_report for each epoch that the run writes meanwhile, wherever it runs."""
    known = _epochs(run_uri)
    ended = threading.Event()

    def follow() -> None:
        shown = known
        while True:
            last = ended.wait(_POLL_S)
            for report in [r for r in _reports(run_uri) if r.epoch > shown]:
                on_report(report)
                shown = report.epoch
            if last:
                return

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _epochs(run_uri: str) -> int:
    return max((report.epoch for report in _reports(run_uri)), default=0)


def _reports(run_uri: str) -> list[EpochReport]:
    # A run that has not begun to write, or a store that is away for a moment, is no reason to
    # disturb the training that is being followed.
    try:
        return read_history(run_uri)
    except StorageError:
        return []


def _report(line: bytes, kind: Callable[..., Report]) -> Report:
    values = orjson.loads(line)
    # A diverged run's loss: JSON has no NaN, orjson writes null.
    loss = math.nan if values["train_loss"] is None else values["train_loss"]
    return kind(**{**values, "train_loss": loss})


def _line(report: Reported) -> bytes:
    return orjson.dumps(asdict(report), option=orjson.OPT_APPEND_NEWLINE)
