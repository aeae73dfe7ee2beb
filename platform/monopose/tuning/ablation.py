"""What an ablation is: named variants of a recipe, and the questions asked of pairs of them.

A paper brings one literal `Ablation` (tuning/ablations/<paper>.py); training, evaluation,
statistics, tables and figures are the same for all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from monopose.errors import InputError
from monopose.evaluation.conditions import CLEAN, Condition
from monopose.evaluation.protocols import protocol
from monopose.recipes.parts import Size
from monopose.recipes.recipe import Recipe, with_values

Variant = Callable[[Size], Recipe]
"""The variant's recipe in a size; the ablation sets its name and its seed."""
MPJPE = "h36m17/mpjpe/pooled"


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a variant, asked under a condition."""

    variant: str
    condition: Condition = CLEAN


@dataclass(frozen=True)
class Question:
    """`of` is compared with `against`, take by take and seed by seed.

    id: short, unique, e.g. "A2.fast". asks: the question as a reader would put it. expected: how
    the value of `of` is expected to lie to that of `against`. at_most: the question is instead
    whether `of` is at most this many times `against` (for errors only).
    """

    id: str
    asks: str
    of: Side
    against: Side
    expected: Literal["lower", "higher"] = "lower"
    at_most: float | None = None
    protocol: str = MPJPE


@dataclass(frozen=True)
class Ablation:
    """variants: by name, the reference among them. conditions: measured beside the questions' own.

    protocols: measured beside the questions' own. Raises InputError for questions about variants
    that are not there, ids given twice, two conditions of one name, an unknown protocol.
    """

    name: str
    about: str
    reference: str
    variants: dict[str, Variant]
    questions: tuple[Question, ...]
    conditions: tuple[Condition, ...] = (CLEAN,)
    protocols: tuple[str, ...] = (MPJPE, "h36m17/pa_mpjpe/pooled", "h36m17/mpjve/pooled")

    def __post_init__(self) -> None:
        sides = [side for question in self.questions for side in (question.of, question.against)]
        unknown = {self.reference, *(side.variant for side in sides)} - set(self.variants)
        ids = [question.id for question in self.questions]
        if unknown:
            self._refuse(f"no variant is called {', '.join(sorted(unknown))}")
        if len(set(ids)) < len(ids):
            self._refuse("two questions have the same id")
        conditions = self.all_conditions()
        if len({condition.name for condition in conditions}) < len(conditions):
            self._refuse("two conditions have the same name")
        for name in self.all_protocols():
            protocol(name)

    def _refuse(self, what: str) -> None:
        raise InputError(what, where=f"ablation {self.name!r}")

    def all_conditions(self) -> tuple[Condition, ...]:
        """Every condition to measure under, each once."""
        sides = (side for question in self.questions for side in (question.of, question.against))
        return tuple(dict.fromkeys((*self.conditions, *(side.condition for side in sides))))

    def all_protocols(self) -> tuple[str, ...]:
        """Every protocol to measure, each once."""
        return tuple(dict.fromkeys((*self.protocols, *(q.protocol for q in self.questions))))

    def recipe(self, variant: str, size: Size, seed: int, values: dict[str, object]) -> Recipe:
        """The variant's recipe with that seed and with `values` set; raises RecipeError."""
        named = {"name": f"{self.name}-{variant}".lower(), "seed": seed}
        return with_values(self.variants[variant](size), {**values, **named})
