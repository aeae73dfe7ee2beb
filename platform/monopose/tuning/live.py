"""What a sweep or an ablation shows while it runs, and what it keeps of each trial."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

from ray import tune
from rich.console import Console, Group
from rich.live import Live
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from monopose import storage
from monopose.errors import cause_of
from monopose.evaluation.leaderboard import CurvePoint, TrialRecord
from monopose.tuning.space import recipe_of, shown
from monopose.tuning.trial import PENALTY_MM

State = Literal["completed", "stopped", "failed"]
_SHOWN = 10


class Silence(tune.ProgressReporter):  # type: ignore[misc]
    """Tune's own tables off: ours says the same in fewer lines."""

    def should_report(self, trials: Sequence[Any], done: bool = False) -> bool:  # noqa: ARG002
        """Never."""
        return False

    def report(self, trials: Sequence[Any], done: bool, *sys_info: Any) -> None:
        """Nothing."""


def run_config(name: str, log: tune.Callback, *, max_failures: int) -> tune.RunConfig:
    """Tune's settings for a run that `log` alone speaks of; Tune's files lie in the root's `ray`.

    max_failures: of one trial, after which it is given up.
    """
    return tune.RunConfig(
        name=name,
        **storage.ray_storage(storage.join(storage.root(), "ray")),
        callbacks=[log],
        progress_reporter=Silence(),
        verbose=0,
        failure_config=tune.FailureConfig(max_failures=max_failures),
    )


class TrialLog(tune.Callback):  # type: ignore[misc]
    """Records every trial and shows the best ones as they come.

    on_record is called with each trial that ended. On a terminal one table is redrawn; in a log
    each trial is one line.
    """

    def __init__(
        self, trials: int, on_record: Callable[[TrialRecord], object], console: Console
    ) -> None:
        self.trials, self.on_record, self.console = trials, on_record, console
        self.curves: dict[str, list[CurvePoint]] = {}
        self.records: list[TrialRecord] = []
        self.best_mm: dict[str, float] = {}
        self.live = Live(self._table(), console=console, refresh_per_second=2, transient=True)

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks beside the study; only what was recorded can go there."""
        return {"trials": self.trials, "curves": self.curves, "records": self.records}

    def shown(self) -> AbstractContextManager[object]:
        """Shows the table while the sweep runs, where there is a terminal."""
        return self.live if self.console.is_terminal else nullcontext()

    def on_trial_result(self, *, trial: Any, result: dict[str, Any], **_: Any) -> None:
        """Adds a point to the trial's curve."""
        if "epoch_mpjpe_mm" not in result:
            return
        point = CurvePoint(
            epoch=result["epoch"],
            seconds=result["seconds"],
            train_loss=result["train_loss"],
            val_mpjpe_mm=result["epoch_mpjpe_mm"],
        )
        self.curves.setdefault(trial.trial_id, []).append(point)
        self.best_mm[trial.trial_id] = result["val_mpjpe_mm"]
        self.live.update(self._table())

    def on_trial_complete(self, *, trial: Any, **_: Any) -> None:
        """Keeps the record of a trial that reached its budget or was stopped early."""
        curve = self.curves.get(trial.trial_id, [])
        budget = recipe_of(trial.config).budget.epochs
        diverged = self.best_mm.get(trial.trial_id, PENALTY_MM) >= PENALTY_MM
        if diverged:
            self._keep(trial, "failed", "diverged: the loss or the error was not finite")
        elif curve[-1].epoch < budget:
            self._keep(trial, "stopped", f"after epoch {curve[-1].epoch} of {budget}")
        else:
            self._keep(trial, "completed", "")

    def on_trial_error(self, *, trial: Any, **_: Any) -> None:
        """Keeps the record of a trial that raised."""
        error = getattr(trial, "get_pickled_error", lambda: None)()
        self._keep(trial, "failed", _reason(error))

    def _keep(self, trial: Any, state: State, reason: str) -> None:
        curve = self.curves.get(trial.trial_id, [])
        recipe = recipe_of(trial.config)
        record = TrialRecord(
            number=len(self.records),
            trial_id=trial.trial_id,
            parameters=shown(trial.config),
            recipe=recipe.model_dump(mode="json"),
            recipe_digest=recipe.digest(),
            state=state,
            reason=reason,
            epochs=curve[-1].epoch if curve else 0,
            seconds=curve[-1].seconds if curve else 0.0,
            num_parameters=int((trial.last_result or {}).get("num_parameters", 0)),
            curve=tuple(curve),
            val_mpjpe_mm=None if state == "failed" else self.best_mm.get(trial.trial_id),
        )
        self.records.append(record)
        self.on_record(record)
        if not self.console.is_terminal:
            self.console.print(self._line(record), soft_wrap=True)

    def _line(self, record: TrialRecord) -> Text:
        error = "-" if record.val_mpjpe_mm is None else f"{record.val_mpjpe_mm:.1f} mm"
        best = min((r.val_mpjpe_mm for r in self.records if r.val_mpjpe_mm), default=float("nan"))
        done = f"[{len(self.records)}/{self.trials}]"
        why = f" ({record.reason})" if record.state == "failed" else ""
        return Text(
            f"{done} {record.trial_id} {record.state:<9} {error:>9} after {record.epochs:>2} "
            f"epochs, {record.seconds:5.1f} s; best {best:.1f} mm{why}"
        )

    def _table(self) -> Group:
        table = Table("trial", "epoch", "val MPJPE mm", "state", box=None)
        state = {record.trial_id: record.state for record in self.records}
        ranked = sorted(self.best_mm.items(), key=lambda item: item[1])[:_SHOWN]
        for trial_id, error_mm in ranked:
            epoch = str(self.curves[trial_id][-1].epoch)
            table.add_row(trial_id, epoch, f"{error_mm:.1f}", state.get(trial_id, "running"))
        running = len(self.curves) - len(self.records)
        head = f"{len(self.records)} of {self.trials} trials ended, {max(running, 0)} running"
        return Group(Text(head), table)


class CellLog(tune.Callback):  # type: ignore[misc]
    """Shows how far the cells of an ablation are, and keeps why some failed.

    epochs: of each cell by name. On a terminal one bar counts epochs of all cells; each cell that
    ends is one line.
    """

    def __init__(self, epochs: dict[str, int], console: Console) -> None:
        self.epochs, self.console = epochs, console
        self.failures: dict[str, str] = {}
        self.reached: dict[str, int] = {}
        self.ended = 0
        columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeElapsedColumn())
        self.progress = Progress(*columns, console=console, transient=True)
        self.bar = self.progress.add_task("epochs of all cells", total=sum(epochs.values()))

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks beside the study; a console cannot go there."""
        return {"epochs": self.epochs, "failures": self.failures}

    def shown(self) -> AbstractContextManager[object]:
        """Shows the bar while the cells run, where there is a terminal."""
        return self.progress if self.console.is_terminal else nullcontext()

    def on_trial_result(self, *, trial: Any, result: dict[str, Any], **_: Any) -> None:
        """Counts the cell's epochs."""
        self.reached[trial.config["cell"]] = int(result.get("epoch", 0))
        self.progress.update(self.bar, completed=sum(self.reached.values()))

    def on_trial_complete(self, *, trial: Any, **_: Any) -> None:
        """Says that the cell is done."""
        headline = (trial.last_result or {}).get("headline", "")
        self._say(trial.config["cell"], headline)

    def on_trial_error(self, *, trial: Any, **_: Any) -> None:
        """Keeps why the cell failed, and says so."""
        reason = _reason(getattr(trial, "get_pickled_error", lambda: None)())
        self.failures[trial.config["cell"]] = reason
        self._say(trial.config["cell"], f"failed: {reason}")

    def _say(self, cell: str, what: str) -> None:
        self.ended += 1
        line = f"[{self.ended}/{len(self.epochs)}] {cell}: {what}"
        self.console.print(Text(line), soft_wrap=True)


def _reason(error: BaseException | None) -> str:
    ours = cause_of(error)
    if ours is not None:
        return str(ours)
    lines = str(error or "the trial's process ended").strip().splitlines()
    return lines[-1][:300]
