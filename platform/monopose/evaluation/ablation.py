"""From the cells of an ablation (one variant, one seed) to answered questions.

A cell holds every take's value under every condition and protocol; nothing is averaged before it
is stored, so questions can be asked later of what was measured once.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64

from monopose.evaluation.evaluate import weights_of
from monopose.evaluation.protocols import protocol
from monopose.evaluation.records import Record, TakeValue
from monopose.evaluation.seeds import (
    Statistic,
    difference_of,
    estimate,
    interval_over_seeds,
    mean_of,
    ratio_of,
)
from monopose.evaluation.statistics import Interval

CLAIM_SEEDS = 3
Verdict = Literal["as expected", "the other way", "not distinguishable", "not measured"]


class Cell(Record):
    """One trained variant with one seed, measured. values: by condition, then by protocol."""

    variant: str
    seed: int
    recipe_digest: str
    dataset_digest: str
    code_version: str
    date: str
    machine: str
    epochs: int
    train_seconds: float
    num_parameters: int
    values: dict[str, dict[str, tuple[TakeValue, ...]]]

    def has(self, conditions: Sequence[str], protocols: Sequence[str]) -> bool:
        """True when all of these were measured."""
        return all(
            name in self.values and set(protocols) <= set(self.values[name]) for name in conditions
        )


class Mean(Record):
    """One variant under one condition and protocol: its mean with the interval, over its seeds."""

    variant: str
    condition: str
    protocol: str
    unit: str
    value: float
    low: float | None
    high: float | None
    seeds: tuple[int, ...]
    clips: int


class Answer(Record):
    """A question's answer: `value` is a difference, or a ratio where the question has a bound.

    of, against: the two means, over the seeds and clips that both have; None where one was not
    measured.
    """

    id: str
    asks: str
    of: Mean | None
    against: Mean | None
    expected: str
    bound: float | None
    value: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    seeds: tuple[int, ...]

    @property
    def claim(self) -> bool:
        """True when there are enough seeds to speak of the recipe, not of a run."""
        return len(self.seeds) >= CLAIM_SEEDS


class Asked(Record):
    """A question as plain text and names, so that results need no code to be read."""

    id: str
    asks: str
    of: tuple[str, str]
    """(variant, condition)"""
    against: tuple[str, str]
    expected: Literal["lower", "higher"]
    at_most: float | None
    protocol: str


class AblationResult(Record):
    """Everything an ablation found, with all that its numbers depend on; date is ISO 8601.

    variants: all that were planned. conditions: what each means. values: set on every variant's
    recipe. failures: cells that have no result, with the reason.
    """

    study: str
    ablation: str
    about: str
    reference: str
    size: str
    values: dict[str, Any]
    variants: tuple[str, ...]
    seeds: tuple[int, ...]
    conditions: dict[str, str]
    protocols: tuple[str, ...]
    questions: tuple[Asked, ...]
    dataset: str
    dataset_digest: str
    synthetic: bool
    split: str
    date: str
    command: str
    cells: tuple[Cell, ...]
    failures: dict[str, str]

    def answers(self) -> tuple[Answer, ...]:
        """Every question, answered from the cells there are."""
        return tuple(answer(question, self.cells) for question in self.questions)

    def means(self, protocol_id: str) -> tuple[Mean, ...]:
        """Every variant under every condition where it was measured."""
        found = (
            mean_over_seeds(self.cells, variant, condition, protocol_id)
            for variant in self.variants
            for condition in self.conditions
        )
        return tuple(mean for mean in found if mean is not None)


def mean_over_seeds(
    cells: Sequence[Cell], variant: str, condition: str, protocol_id: str
) -> Mean | None:
    """A variant's mean with its interval; None when it was not measured."""
    mine = {cell.seed: cell for cell in cells if cell.variant == variant}
    table = _table(mine, condition, protocol_id, None)
    return None if table is None else _mean(table, variant, condition, protocol_id)


def answer(question: Asked, cells: Sequence[Cell]) -> Answer:
    """The question's answer over the seeds and takes that both sides have."""
    sides = [(name, condition) for name, condition in (question.of, question.against)]
    own = [{cell.seed: cell for cell in cells if cell.variant == name} for name, _ in sides]
    shared = own[0].keys() & own[1].keys()
    own = [{seed: cell for seed, cell in each.items() if seed in shared} for each in own]
    takes = _takes(own[0], *sides[0][1:], question.protocol) & _takes(
        own[1], *sides[1][1:], question.protocol
    )
    tables = [
        _table(each, condition, question.protocol, takes)
        for each, (_, condition) in zip(own, sides, strict=True)
    ]
    if tables[0] is None or tables[1] is None:
        return _answer(question, None, None, (None, None, None), ())
    of, against = tables[0], tables[1]
    combined = (difference_of if question.at_most is None else ratio_of)(
        of.statistic, against.statistic
    )
    shape = (len(of.seeds), of.clips)
    found = (estimate(combined, *shape), *interval_over_seeds(combined, *shape, seed=0))
    means = [
        _mean(table, *side, question.protocol)
        for table, side in zip((of, against), sides, strict=True)
    ]
    return _answer(question, means[0], means[1], found, of.seeds)


class _Table:
    """Values by seed and take, for the takes that every one of the seeds has."""

    def __init__(self, cells: dict[int, Cell], condition: str, of: str, takes: set[str]) -> None:
        self.seeds = tuple(sorted(cells))
        rows = [
            sorted(
                (t for t in cells[seed].values[condition][of] if t.clip_id in takes),
                key=lambda take: take.clip_id,
            )
            for seed in self.seeds
        ]
        values: Float64[np.ndarray, "S C"] = np.array([[t.value for t in row] for row in rows])
        self.clips = values.shape[1]
        self.statistic: Statistic = mean_of(values, weights_of(protocol(of).aggregation, rows[0]))


def _takes(cells: dict[int, Cell], condition: str, of: str) -> set[str]:
    found = [
        {take.clip_id for take in cell.values.get(condition, {}).get(of, ())}
        for cell in cells.values()
    ]
    return set.intersection(*found) if found else set()


def _table(
    cells: dict[int, Cell], condition: str, of: str, takes: set[str] | None
) -> _Table | None:
    chosen = _takes(cells, condition, of) if takes is None else takes
    return _Table(cells, condition, of, chosen) if cells and chosen else None


def _mean(table: _Table, variant: str, condition: str, of: str) -> Mean:
    shape = (len(table.seeds), table.clips)
    low, high = interval_over_seeds(table.statistic, *shape, seed=0)
    return Mean(
        variant=variant,
        condition=condition,
        protocol=of,
        unit=protocol(of).unit,
        value=estimate(table.statistic, *shape),
        low=low,
        high=high,
        seeds=table.seeds,
        clips=table.clips,
    )


def _answer(
    question: Asked,
    of: Mean | None,
    against: Mean | None,
    found: tuple[float | None, float | None, float | None],
    seeds: tuple[int, ...],
) -> Answer:
    value, low, high = found
    return Answer(
        id=question.id,
        asks=question.asks,
        of=of,
        against=against,
        expected=question.expected,
        bound=question.at_most,
        value=value,
        low=low,
        high=high,
        verdict="not measured" if value is None else _verdict(question, (low, high)),
        seeds=seeds,
    )


def _verdict(question: Asked, interval: Interval) -> Verdict:
    low, high = interval
    line = 0.0 if question.at_most is None else question.at_most
    if low is None or high is None or low <= line <= high:
        return "not distinguishable"
    below = high < line
    return "as expected" if below == (question.expected == "lower") else "the other way"
