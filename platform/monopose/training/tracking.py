"""A run's learning curve: `history.jsonl` in the run's folder, one line an epoch."""

from dataclasses import asdict

import orjson

from monopose import storage
from monopose.training.loop import EpochReport

HISTORY = "history.jsonl"


class History:
    """The lines written so far; appending writes the whole small object anew.

    Object stores cannot append, and a reader must never see half a line.
    """

    def __init__(self, run_uri: str, epoch: int = 0) -> None:
        self.uri = storage.join(run_uri, HISTORY)
        self.reports = [r for r in read_history(run_uri) if r.epoch <= epoch] if epoch else []

    def append(self, report: EpochReport) -> None:
        """Adds one epoch and stores the history."""
        self.reports.append(report)
        storage.write_bytes(self.uri, b"".join(map(_line, self.reports)))


def read_history(run_uri: str) -> list[EpochReport]:
    """The epochs of a run, oldest first; raises StorageError when it has no history."""
    lines = storage.read_bytes(storage.join(run_uri, HISTORY)).splitlines()
    return [EpochReport(**orjson.loads(line)) for line in lines]


def _line(report: EpochReport) -> bytes:
    return orjson.dumps(asdict(report), option=orjson.OPT_APPEND_NEWLINE)
