"""Optional values that a test has arranged to be there."""

from typing import TypeVar

Value = TypeVar("Value")


def present(value: Value | None) -> Value:
    """The value; a test that finds None in its place fails here."""
    assert value is not None
    return value
