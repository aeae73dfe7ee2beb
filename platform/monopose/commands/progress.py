"""Progress bars on standard error, for commands that take long; none where it is no terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[], None]]:
    """A progress bar that is moved by one with each call."""
    with _shown() as shown:
        bar = shown.add_task(what, total=total)
        yield lambda: shown.advance(bar)


@contextmanager
def tasks_shown(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar of tasks, told how many are done and how many there are."""
    with _shown() as shown:
        bar = shown.add_task(what, total=None)
        yield lambda done, tasks: shown.update(bar, completed=done, total=tasks)


def _shown() -> "Progress":
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)
