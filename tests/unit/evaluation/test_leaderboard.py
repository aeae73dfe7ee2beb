import math
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from monopose.errors import InputError
from monopose.evaluation.leaderboard import CurvePoint, Leaderboard, TrialRecord, from_json


def make_trial(
    number: int, val_mpjpe_mm: float | None, state: str = "completed", **changes: Any
) -> TrialRecord:
    values: dict[str, Any] = {
        "number": number,
        "trial_id": f"t{number}",
        "parameters": {"optimiser.learning_rate": 1e-3, "flip": True, "epochs": 7},
        "recipe": {"name": "x", "losses": [{"term": "mpjpe"}]},
        "recipe_digest": "abc",
        "state": state,
        "reason": "",
        "epochs": 2,
        "seconds": 3.5,
        "num_parameters": 1000,
        "curve": (CurvePoint(epoch=0, seconds=1.5, train_loss=0.1, val_mpjpe_mm=None),),
        "val_mpjpe_mm": val_mpjpe_mm,
    }
    return TrialRecord(**(values | changes))


def make_leaderboard(*trials: TrialRecord) -> Leaderboard:
    return Leaderboard(
        study="s",
        space="all_papers",
        dataset="studio",
        dataset_digest="d",
        synthetic=True,
        protocol="h36m17/mpjpe/pooled",
        split="val",
        seed=0,
        code_version="v",
        date="2026-01-01T00:00:00Z",
        trials=trials,
    )


TRIALS = (
    make_trial(0, None, "refused", recipe=None, recipe_digest=None, reason="no such loss"),
    make_trial(1, 70.0),
    make_trial(2, 10.0, "failed", reason="out of memory"),
    make_trial(3, 60.0, "stopped"),
    make_trial(4, 60.0),
    make_trial(5, None),
)


def test_the_best_come_first_and_what_has_no_model_last() -> None:
    ranked = make_leaderboard(*TRIALS).ranked()
    assert [trial.number for trial in ranked] == [3, 4, 1, 0, 2, 5]


def test_rows_are_flat_and_a_parameter_never_hides_a_column() -> None:
    rows = make_leaderboard(*TRIALS).rows()
    assert [row["rank"] for row in rows] == [1, 2, 3, None, None, None]
    assert rows[0]["epochs"] == 2
    assert rows[0]["parameters.epochs"] == 7
    assert rows[3]["reason"] == "no such loss"
    assert all(not isinstance(value, dict | list) for row in rows for value in row.values())


def test_json_reads_back_to_an_equal_leaderboard() -> None:
    leaderboard = make_leaderboard(*TRIALS)
    read = from_json(leaderboard.to_json())
    assert read == leaderboard
    assert read.trials[1].parameters["flip"] is True
    assert orjson.loads(leaderboard.to_json())["trials"][0]["recipe"] is None


def test_a_diverged_trial_can_be_recorded() -> None:
    point = CurvePoint(epoch=0, seconds=1.0, train_loss=math.nan, val_mpjpe_mm=math.inf)
    assert (point.train_loss, point.val_mpjpe_mm) == (None, None)
    trial = make_trial(0, math.nan, "failed", reason="loss is NaN", curve=(point,))
    assert from_json(make_leaderboard(trial).to_json()).trials == (trial,)


def test_a_broken_file_is_named_with_its_field() -> None:
    payload = orjson.loads(make_leaderboard(*TRIALS).to_json())
    payload["trials"][1]["state"] = "lost"
    with pytest.raises(InputError, match=r"lb\.json: trials\.1\.state: .*; write it again from"):
        from_json(orjson.dumps(payload), where="lb.json")
    with pytest.raises(InputError, match=r"lb\.json: file: Invalid JSON"):
        from_json(b"{", where="lb.json")


def test_records_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        TRIALS[1].epochs = 9  # type: ignore[misc]  # the refusal is what is tested
