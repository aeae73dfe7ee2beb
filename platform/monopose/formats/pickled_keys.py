"""Refuses, before a pickle is read, dict keys whose hash would take for ever.

A tuple's hash is that of its parts, counted anew each time: a tuple of twice a tuple of twice ...,
which is a few bytes a level in a pickle, has a hash that no computer finishes. So the sizes of
tuples, with what they share written out, are followed over the pickle's opcodes alone.
"""

from collections.abc import Sequence
from pickletools import OpcodeInfo, markobject, stackslice
from typing import Any

from monopose.errors import InputError

# Honest keys are a text, a number, or a few of them.
_LARGEST_KEY = 64
_PUTS = {"PUT", "BINPUT", "LONG_BINPUT"}
_GETS = {"GET", "BINGET", "LONG_BINGET"}
_TUPLES = {"EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"}


class PickledKeys:
    """The sizes of what lies on a pickle's stack and in its memo, one opcode after another."""

    def __init__(self) -> None:
        self._sizes: list[int] = []
        self._marks: list[int] = []
        self._memo: dict[int, int] = {}

    def follow(self, opcode: OpcodeInfo, argument: Any) -> None:
        """Raises InputError for a key too large, IndexError or KeyError for no sound pickle."""
        name = opcode.name
        if name == "MARK":
            self._marks.append(len(self._sizes))
        elif name == "POP" and self._marks and self._marks[-1] == len(self._sizes):
            self._marks.pop()
        elif name in _PUTS:
            self._memo[int(argument)] = self._sizes[-1]
        else:
            self._step(opcode, argument)

    def _step(self, opcode: OpcodeInfo, argument: Any) -> None:
        name, taken = opcode.name, self._taken(opcode)
        if name == "SETITEM":
            _check(taken[1:2])
        elif name in ("SETITEMS", "DICT"):
            _check(taken[::2])
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = taken[0]
        # What a marked opcode adds to (a dict, a list) was left on the stack.
        below = sum(kind not in (markobject, stackslice) for kind in opcode.stack_before)
        pushed = len(opcode.stack_after) - (below if markobject in opcode.stack_before else 0)
        self._sizes += [self._made(name, argument, taken)] * pushed

    def _taken(self, opcode: OpcodeInfo) -> list[int]:
        if markobject in opcode.stack_before:
            start = self._marks.pop()
        else:
            start = len(self._sizes) - len(opcode.stack_before)
            if start < 0:
                raise IndexError("the stack is empty")
        taken = self._sizes[start:]
        del self._sizes[start:]
        return taken

    def _made(self, name: str, argument: Any, taken: Sequence[int]) -> int:
        if name in _GETS:
            return self._memo[int(argument)]
        if name in _TUPLES:
            # Cut off, as sizes themselves grow without end.
            return min(1 + sum(taken), _LARGEST_KEY + 1)
        if name in ("DUP", "MEMOIZE"):
            return taken[0]
        # A whole number's hash is counted over its digits.
        bits = argument.bit_length() if isinstance(argument, int) else 0
        return 1 + min(bits // 64, _LARGEST_KEY)


def _check(keys: Sequence[int]) -> None:
    if max(keys, default=0) > _LARGEST_KEY:
        raise InputError(
            f"pickle holds a dict key of more than {_LARGEST_KEY} parts",
            fix="do not trust this file",
        )
