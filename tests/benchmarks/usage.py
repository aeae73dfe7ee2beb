"""CPU time and memory of this process and of all that it started: loaders' workers, Ray's."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

# Parts of `Memory`, MB: what this process and all others hold alone, and shared memory, which is
# Ray's object store.
PARTS = ("trainer", "others", "object store")


def cpu_s() -> float:
    """User and system time so far of this process and its descendants that still run."""
    total = 0.0
    for process in _family():
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


@dataclass
class Memory:
    """Peaks above what was in use before, MB, by part; `start` begins the next stretch."""

    before: dict[str, float]
    stretches: list[dict[str, float]] = field(default_factory=list)

    def start(self) -> None:
        """From now on peaks count for a stretch of their own."""
        self.stretches.append(dict.fromkeys((*PARTS, "all"), 0.0))

    def look(self) -> None:
        """Takes one sample."""
        now, peaks = _in_use(), self.stretches[-1]
        now = {part: used - self.before[part] for part, used in now.items()}
        now["all"] = sum(now.values())
        for part, used in now.items():
            peaks[part] = max(peaks[part], used)


@contextmanager
def watched() -> Iterator[Memory]:
    """Samples memory ten times a second."""
    memory, over = Memory(_in_use()), threading.Event()
    memory.start()

    def watch() -> None:
        while not over.is_set():
            memory.look()
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield memory
    finally:
        over.set()
        watcher.join()


def _family() -> list[psutil.Process]:
    own = psutil.Process()
    return [own, *own.children(recursive=True)]


def _in_use() -> dict[str, float]:
    """By the kernel's proportional counts: a page that several processes map counts once."""
    used = dict.fromkeys(PARTS, 0.0)
    for place, process in enumerate(_family()):
        with suppress(OSError):
            text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
            kilobytes = {line.split(":")[0]: line.split()[1] for line in text.splitlines()[1:]}
            used[PARTS[min(place, 1)]] += int(kilobytes["Pss_Anon"]) / 1024
            used["object store"] += int(kilobytes["Pss_Shmem"]) / 1024
    return used
