import io
import math
from dataclasses import dataclass, field
from typing import Any

import pytest
from rich.console import Console

from monopose.errors import RecipeError
from monopose.evaluation.leaderboard import TrialRecord
from monopose.tuning.live import TrialLog
from monopose.tuning.space import recipe_of
from monopose.tuning.trial import PENALTY_MM

CONFIG = {"preset": "videopose3d", "size": "smoke", "budget.epochs": 3, "choose_frames": 9}


@dataclass
class FakeTrial:
    """What of a Tune trial the log looks at."""

    trial_id: str
    config: dict[str, Any] = field(default_factory=lambda: dict(CONFIG))
    last_result: dict[str, Any] | None = None
    error: Exception | None = None

    def get_pickled_error(self) -> Exception | None:
        return self.error


def log_of(records: list[TrialRecord], terminal: bool = False) -> TrialLog:
    console = Console(file=io.StringIO(), width=150, force_terminal=terminal)
    return TrialLog(4, records.append, console)


def text_of(log: TrialLog) -> str:
    """What the log has printed so far."""
    assert isinstance(log.console.file, io.StringIO)
    return log.console.file.getvalue()


def tell(log: TrialLog, trial: FakeTrial, *errors_mm: float) -> None:
    """One result an epoch; the trial itself reports its best so far."""
    best_mm = PENALTY_MM
    for epoch, error_mm in enumerate(errors_mm, start=1):
        best_mm = min(best_mm, error_mm)
        loss = math.nan if error_mm >= PENALTY_MM else error_mm / 1000
        trial.last_result = {
            "epoch": epoch, "seconds": 0.5 * epoch, "train_loss": loss, "num_parameters": 321,
            "epoch_mpjpe_mm": error_mm, "val_mpjpe_mm": best_mm,
        }  # fmt: skip
        log.on_trial_result(trial=trial, result=trial.last_result, iteration=epoch, trials=[])


def test_a_trial_that_reached_its_budget_is_completed_with_its_best() -> None:
    records: list[TrialRecord] = []
    log, trial = log_of(records), FakeTrial("a")
    tell(log, trial, 80.0, 50.0, 60.0)
    log.on_trial_complete(trial=trial, iteration=3, trials=[])
    (record,) = records
    assert (record.state, record.reason, record.val_mpjpe_mm) == ("completed", "", 50.0)
    assert [point.val_mpjpe_mm for point in record.curve] == [80.0, 50.0, 60.0]
    assert (record.epochs, record.seconds, record.num_parameters) == (3, 1.5, 321)
    assert record.recipe_digest == recipe_of(CONFIG).digest()
    assert record.parameters == CONFIG
    assert log.records == records
    assert "[1/4] a completed   50.0 mm after  3 epochs" in text_of(log)


def test_a_trial_that_ended_before_its_budget_was_stopped() -> None:
    records: list[TrialRecord] = []
    log, trial = log_of(records), FakeTrial("a")
    tell(log, trial, 80.0)
    log.on_trial_complete(trial=trial)
    assert (records[0].state, records[0].reason) == ("stopped", "after epoch 1 of 3")
    assert records[0].val_mpjpe_mm == 80.0


def test_a_diverged_trial_failed_and_has_no_value() -> None:
    records: list[TrialRecord] = []
    log, trial = log_of(records), FakeTrial("a")
    tell(log, trial, PENALTY_MM)
    log.on_trial_complete(trial=trial)
    (record,) = records
    assert (record.state, record.val_mpjpe_mm) == ("failed", None)
    assert "diverged" in record.reason
    assert record.curve[0].train_loss is None


def test_a_trial_that_reported_nothing_failed() -> None:
    records: list[TrialRecord] = []
    log_of(records).on_trial_complete(trial=FakeTrial("a"))
    assert (records[0].state, records[0].epochs, records[0].num_parameters) == ("failed", 0, 0)


def test_an_error_is_told_by_its_cause_or_its_last_line() -> None:
    records: list[TrialRecord] = []
    log = log_of(records)
    ours = RuntimeError("the trial's process raised")
    ours.__cause__ = RecipeError("is impossible", where="recipe")
    tell(log, FakeTrial("a"), 70.0)
    log.on_trial_error(trial=FakeTrial("a", error=ours))
    log.on_trial_error(trial=FakeTrial("b", error=ValueError("many\nlines\nthe last\n")))
    log.on_trial_error(trial=FakeTrial("c"))
    assert [record.reason for record in records] == [
        "recipe: is impossible", "the last", "the trial's process ended",
    ]  # fmt: skip
    assert {record.state for record in records} == {"failed"}
    assert [record.number for record in records] == [0, 1, 2]
    assert [record.val_mpjpe_mm for record in records] == [None] * 3
    assert "(recipe: is impossible)" in text_of(log)


def test_results_of_other_kinds_are_left_out() -> None:
    log = log_of([])
    log.on_trial_result(trial=FakeTrial("a"), result={"done": True})
    assert log.curves == {}


@pytest.mark.parametrize("terminal", [True, False])
def test_the_best_trials_are_shown_on_a_terminal(terminal: bool) -> None:
    records: list[TrialRecord] = []
    log = log_of(records, terminal)
    with log.shown():
        for name, error_mm in (("worse", 90.0), ("best", 40.0)):
            tell(log, FakeTrial(name), error_mm)
    text = text_of(log)
    assert ("2 running" in text) == terminal
    if terminal:
        last = text[text.rindex("trials ended") :]
        assert last.index("best") < last.index("worse")


def test_only_what_was_recorded_is_pickled() -> None:
    log = log_of([])
    assert set(log.__getstate__()) == {"trials", "curves", "records"}
