"""Text files of numbers, read with one clear error for whatever is wrong with them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from monopose.errors import InputError

# What takes more is no coordinate, angle or length of a body in any unit.
_LARGEST = 1e9


def read_text(path: Path) -> str:
    """The whole file; bytes that are not UTF-8 become replacement marks.

    Raises InputError when it cannot be read or is empty.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from error
    if not text.strip():
        raise InputError("is empty", where=str(path))
    return text


def numbers(words: Sequence[str], where: str) -> Float64[np.ndarray, " words"]:
    """The words as numbers; raises InputError for one that is no number, not finite or huge."""
    try:
        values = np.array(words, dtype=np.float64)
    except ValueError:
        bad = next(word for word in words if not _is_number(word))
        raise InputError(f"has {bad[:20]!r} where a number belongs", where=where) from None
    # NaN fails the comparison too.
    if not (np.abs(values) < _LARGEST).all():
        bad = words[int(np.argmin(np.abs(values) < _LARGEST))]
        raise InputError(f"has {bad[:20]!r} where a usual number belongs", where=where)
    return values


def count(word: str, what: str, where: str) -> int:
    """A whole number, zero or more, of at most nine digits; raises InputError otherwise."""
    if not (word.isascii() and word.isdigit() and len(word) <= 9):
        raise InputError(f"{what} is {word[:20]!r}, not a count", where=where)
    return int(word)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
