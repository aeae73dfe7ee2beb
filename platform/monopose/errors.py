"""User-facing errors: each says what was wrong, where, and what to do about it."""

from typing import Any


class MonoposeError(Exception):
    """An error a user can act on; the CLI prints it as one line and exits with code 2.

    what: the fault, in one clause.
    where: the file, URI, field or option it was found in ("" when there is no place to name).
    fix: what the user can do now ("" when the fault says it all).
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what, where, fix)
        self.what = what
        self.where = where
        self.fix = fix

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors travel between processes, and pickle would pass the keywords by position.
        return _rebuilt, (type(self), self.what, self.where, self.fix)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f"; {self.fix}" if self.fix else ""
        return f"{place}{self.what}{advice}"


def _rebuilt(kind: "type[MonoposeError]", what: str, where: str, fix: str) -> MonoposeError:
    return kind(what, where=where, fix=fix)


def cause_of(error: BaseException | None) -> MonoposeError | None:
    """The error of ours that another was raised for, however frameworks have wrapped it."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        current = waiting.pop(0)
        # Ray raises a class that is ours and its own, whose text is a traceback; the error that
        # was raised in the task is its `cause`.
        if isinstance(current, MonoposeError) and not hasattr(current, "cause"):
            return current
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        waiting += [current.__cause__, current.__context__]
        # Where Ray keeps what was raised in its tasks and workers.
        waiting += [getattr(current, name, None) for name in ("cause", "_base_exc")]
        waiting += list(getattr(current, "worker_failures", {}).values())
    return None


class InputError(MonoposeError):
    """Data, a file or an option that does not fit its contract."""


class StorageError(MonoposeError):
    """A bucket, folder or object that cannot be reached, read or written."""


class IntegrityError(MonoposeError):
    """Stored bytes that are missing, truncated or not the ones the manifest names."""


class RecipeError(MonoposeError):
    """A recipe with an unknown field, a bad value or an impossible combination."""


class UnavailableError(MonoposeError):
    """A part this command needs is not running, not installed, or its port is taken."""
