"""Which input frames an output frame sees: so many before it, so many after it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Context:
    """Frames of input around an output frame: a centred field, or for live use none ahead.

    before: frames older than the output's. after: newer ones, which a live model has to wait for.
    """

    before: int
    after: int

    @property
    def frames(self) -> int:
        """The receptive field: the frame itself and those on both sides."""
        return self.before + 1 + self.after

    def __add__(self, other: "Context") -> "Context":
        """What is seen through one part after another."""
        return Context(self.before + other.before, self.after + other.after)

    @classmethod
    def of(cls, frames: int, *, causal: bool) -> "Context":
        """The context of a receptive field: the output in its middle, or at its newest frame."""
        after = 0 if causal else (frames - 1) // 2
        return cls(frames - 1 - after, after)
