"""Damaged files of every source: one clear error, never a traceback, a hang or half a data set.

Each damage is drawn from its number alone, so that a failure can be repeated by its name.
"""

import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tests.sources.all_cases import CASES
from tests.sources.case import Case

from monopose.data.shards import write_clips
from monopose.errors import MonoposeError

# Of each source, over its cases.
DAMAGED_FILES = 200
LIMIT_S = 20.0


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError(f"still reading after {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def truncate(payload: bytes, rng: np.random.Generator) -> bytes:
    return payload[: int(rng.integers(len(payload) + 1))]


def flip(payload: bytes, rng: np.random.Generator) -> bytes:
    damaged = np.frombuffer(payload, np.uint8).copy()
    places = rng.integers(len(damaged), size=int(rng.integers(1, 20)))
    damaged[places] ^= rng.integers(1, 256, len(places), dtype=np.uint8)
    return damaged.tobytes()


def huge(payload: bytes, rng: np.random.Generator) -> bytes:
    """The largest 32- or 64-bit count, or a huge float, over some aligned place."""
    patterns = [b"\xff\xff\xff\x7f", b"\xff" * 8, np.float64(1e300).tobytes(), b"\x00" * 16]
    pattern = patterns[int(rng.integers(len(patterns)))]
    place = int(rng.integers(max(1, len(payload) // 4))) * 4
    return payload[:place] + pattern + payload[place + len(pattern) :]


def huge_number(payload: bytes, rng: np.random.Generator) -> bytes:
    """A digit of a text turned into a very long number, a word or nothing."""
    digits = [i for i, byte in enumerate(payload) if 48 <= byte <= 57] or [0]
    place = digits[int(rng.integers(len(digits)))]
    instead = [b"9" * 40, b"-1", b"1e400", b"nan", b'"x"', b"", b"null", b"[]", b"{}"]
    return payload[:place] + instead[int(rng.integers(len(instead)))] + payload[place + 1 :]


def other_file(payload: bytes, rng: np.random.Generator) -> bytes:
    others = [b"", b"\x00", b"hello\n", b"{}", b"[]", b"null", b"\x89PNG\r\n\x1a\n", b"\xff" * 999]
    return others[int(rng.integers(len(others)))]


def moved(payload: bytes, rng: np.random.Generator) -> bytes:
    """A run of bytes cut out and put in elsewhere."""
    start, end = sorted(rng.integers(len(payload) + 1, size=2))
    rest = payload[:start] + payload[end:]
    place = int(rng.integers(len(rest) + 1))
    return rest[:place] + payload[start:end] + rest[place:]


DAMAGES: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (
    truncate, flip, huge, huge_number, other_file, moved,
)  # fmt: skip


@pytest.fixture(scope="module", params=CASES)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "Written":
    folder = tmp_path_factory.mktemp("source")
    case = CASES[request.param]
    case.write(folder / "whole")
    return case, folder / "whole"


Written = tuple[Case, Path]


def seeds_of(case: Case) -> range:
    """The cases of one source share out its damages."""
    cases = [other for other in CASES.values() if other.source == case.source]
    return range(cases.index(case), DAMAGED_FILES, len(cases))


def read_damaged(case: Case, folder: Path, damage: str) -> str | None:
    """What the user is told, None when the damage did no harm; fails on anything else."""
    uri = folder.parent / "shards"
    shutil.rmtree(uri, ignore_errors=True)
    try:
        with time_limit(LIMIT_S):
            write_clips(case.read(folder), str(uri), dataset="damaged")
    except MonoposeError as error:
        assert not uri.exists() or not list(uri.iterdir()), f"{damage}: leftovers"
        return str(error)
    return None


def check(written: Written, tmp_path: Path, seeds: range) -> None:
    case, whole = written
    names = [file.relative_to(whole) for file in case.files(whole)]
    for seed in seeds:
        rng = np.random.default_rng(seed)
        name, damage = (
            names[int(rng.integers(len(names)))],
            DAMAGES[int(rng.integers(len(DAMAGES)))],
        )
        folder = tmp_path / "damaged"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(whole, folder)
        (folder / name).write_bytes(damage((whole / name).read_bytes(), rng))
        told = read_damaged(case, folder, f"{damage.__name__} {seed} of {name}")
        assert told is None or "\n" not in told, f"{damage.__name__} {seed} of {name}: {told}"


def test_damaged_files_give_one_clear_error(written: Written, tmp_path: Path) -> None:
    check(written, tmp_path, seeds_of(written[0]))


@pytest.mark.slow
def test_all_damages_to_each_case(written: Written, tmp_path: Path) -> None:
    check(written, tmp_path, range(DAMAGED_FILES))


def test_wrong_types_and_counts_give_one_clear_error(written: Written, tmp_path: Path) -> None:
    case, whole = written
    for name, damage in case.wrong.items():
        folder = tmp_path / name
        shutil.copytree(whole, folder)
        damage(folder)
        assert read_damaged(case, folder, name) is not None, f"{name} went unnoticed"
