"""The trials of a study, ranked; a plain record that reports and the command line render."""

import math
from typing import Annotated, Any, Literal

import orjson
from pydantic import BeforeValidator, ValidationError

from monopose.errors import InputError
from monopose.evaluation.records import Evaluation, Record

Scalar = str | int | float | bool | None


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Measured = Annotated[float | None, BeforeValidator(_finite)]
"""A number that is None where there is none; NaN and infinity of a diverged run become None."""


class CurvePoint(Record):
    """One epoch of a trial; val_mpjpe_mm is None in epochs without an evaluation."""

    epoch: int
    seconds: float
    train_loss: Measured
    val_mpjpe_mm: Measured


class TrialRecord(Record):
    """Parameters, recipe, state, curve and result of one trial.

    recipe is None when the parameters never became one. state: `completed` its budget, `stopped`
    early by the scheduler, `failed` with an error, or `refused` as an impossible combination;
    `reason` says why for the last three. val_mpjpe_mm is the trial's best, None without one.
    """

    number: int
    trial_id: str
    parameters: dict[str, Scalar]
    recipe: dict[str, Any] | None
    recipe_digest: str | None
    state: Literal["completed", "stopped", "failed", "refused"]
    reason: str
    epochs: int
    seconds: float
    num_parameters: int
    curve: tuple[CurvePoint, ...]
    val_mpjpe_mm: Measured


class Leaderboard(Record):
    """A study's trials with all that their numbers depend on; date is ISO 8601.

    protocol: id of the protocol of val_mpjpe_mm. winner: the refitted winner's evaluations, one
    for each share of masked keypoints, empty before the refit.
    """

    study: str
    space: str
    dataset: str
    dataset_digest: str
    synthetic: bool
    protocol: str
    split: str
    seed: int
    code_version: str
    date: str
    trials: tuple[TrialRecord, ...]
    winner: tuple[Evaluation, ...] = ()

    def ranked(self) -> tuple[TrialRecord, ...]:
        """Best first: completed and stopped trials by error, then all others by number."""
        return tuple(sorted(self.trials, key=_rank))

    def rows(self) -> list[dict[str, Scalar]]:
        """One flat row for each trial, best first; a parameter's column is `parameters.<name>`.

        rank is None for trials that failed, were refused or have no value.
        """
        return [_row(rank, trial) for rank, trial in enumerate(self.ranked(), start=1)]

    def to_json(self) -> bytes:
        """Readable JSON that `from_json` reads back to an equal leaderboard."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_INDENT_2)


def from_json(payload: bytes, where: str = "leaderboard") -> Leaderboard:
    """Reads a leaderboard; raises InputError naming the field that is wrong."""
    try:
        return Leaderboard.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "file"
        raise InputError(
            f"{place}: {first['msg']}", where=where, fix="write it again from the study's trials"
        ) from error


def _counts(trial: TrialRecord) -> bool:
    return trial.state in ("completed", "stopped") and trial.val_mpjpe_mm is not None


def _rank(trial: TrialRecord) -> tuple[bool, float, int]:
    if not _counts(trial):
        return True, 0.0, trial.number
    return False, trial.val_mpjpe_mm or 0.0, trial.number


def _row(rank: int, trial: TrialRecord) -> dict[str, Scalar]:
    fixed: dict[str, Scalar] = {
        "rank": rank if _counts(trial) else None,
        "number": trial.number,
        "state": trial.state,
        "val_mpjpe_mm": trial.val_mpjpe_mm,
        "epochs": trial.epochs,
        "seconds": trial.seconds,
        "num_parameters": trial.num_parameters,
        "recipe_digest": trial.recipe_digest,
        "reason": trial.reason,
    }
    return fixed | {f"parameters.{name}": value for name, value in trial.parameters.items()}
