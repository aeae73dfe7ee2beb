import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.console import Console
from tests.moving_clips import moving_clip

from monopose import storage
from monopose.data.shards import read_manifest, write_clips
from monopose.errors import InputError, IntegrityError
from monopose.training.run import prepare
from monopose.tuning import ablate as module
from monopose.tuning.ablate import Plan
from monopose.tuning.ablations.catalog import ablation
from monopose.tuning.cell import CellPlan, finished
from monopose.tuning.live import CellLog


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MONOPOSE_ROOT", str(tmp_path / "store"))
    clips = [moving_clip(f"moving/S1/{s}", split=s) for s in ("train", "val")]
    write_clips(clips, storage.resolve("moving", "data"), dataset="moving")
    return "moving"


def plan(data: str, **changes: Any) -> Plan:
    values: dict[str, Any] = {"size": "smoke", "seeds": 1, **changes}
    return Plan(ablation("videopose3d"), data, "first", **values)


def begin(of: Plan) -> None:
    module._begin(of, read_manifest(storage.resolve(of.data, "data")))


def cells(of: Plan) -> tuple[dict[str, CellPlan], str]:
    """The cells and what was said of them."""
    console = Console(file=io.StringIO(), width=200)
    found = module._cells(of, console)
    assert isinstance(console.file, io.StringIO)
    return found, console.file.getvalue()


def test_seeds_come_one_after_the_other_with_all_variants(data: str) -> None:
    found, said = cells(plan(data, seeds=2))
    names = list(found)
    assert names[0] == "reference-seed0"
    assert names[len(names) // 2] == "reference-seed1"
    assert {cell.job.recipe.seed for cell in found.values()} == {0, 1}
    assert said == ""


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ("dataset_digest", r"was begun with dataset_digest other, not .*; give another --name"),
        ("ablation", "was begun with ablation other, not videopose3d"),
        ("code_version", r"was begun by code other, this is .*; give --fresh .* or --any-code"),
    ],
)
def test_a_folder_of_other_data_or_code_is_refused(data: str, changed: str, message: str) -> None:
    begin(plan(data))
    begin(plan(data))
    uri = storage.join(plan(data).uri, module.STARTED)
    started = orjson.loads(storage.read_bytes(uri))
    storage.write_bytes(uri, orjson.dumps({**started, changed: "other"}))
    with pytest.raises(InputError, match=message):
        begin(plan(data))
    if changed == "code_version":
        begin(plan(data, any_code=True))
    storage.write_bytes(uri, orjson.dumps({**started, changed: "other"}))
    begin(plan(data, fresh=True))
    assert orjson.loads(storage.read_bytes(uri)) == started


def test_a_cell_whose_recipe_has_changed_is_run_again_from_the_start(data: str) -> None:
    cell = cells(plan(data))[0]["no_flip-seed0"]
    run = cell.job.run_uri
    storage.write_bytes(storage.join(run, "recipe.json"), cell.job.recipe.to_json())
    storage.write_bytes(storage.join(run, "checkpoint.safetensors"), b"of the old recipe")
    assert cells(plan(data))[1] == ""
    assert storage.exists(storage.join(run, "checkpoint.safetensors"))
    again, said = cells(plan(data, values={"temporal.channels": 8}))
    now = again["no_flip-seed0"].job.recipe.digest()
    before = cell.job.recipe.digest()
    assert said == f"no_flip-seed0 runs again: its recipe was {before}, and is {now}\n"
    assert not storage.exists(storage.join(run, "checkpoint.safetensors"))


def test_a_damaged_cell_is_named(data: str) -> None:
    cell = cells(plan(data))[0]["reference-seed0"]
    assert finished(cell) is None
    storage.write_bytes(storage.join(cell.job.run_uri, "cell.json"), b'{"variant": "x"}')
    with pytest.raises(IntegrityError, match=r"reference-seed0/cell\.json: the stored cell is dam"):
        finished(cell)


@pytest.mark.parametrize("seeds", [0, -1])
def test_no_seeds_are_refused(seeds: int) -> None:
    with pytest.raises(InputError, match="--seeds"):
        Plan(ablation("videopose3d"), "studio", "first", seeds=seeds)


def test_the_split_that_is_measured_is_checked_before_anything_runs(data: str) -> None:
    with pytest.raises(InputError, match="is no name for a study"):
        Plan(ablation("videopose3d"), data, "../up")
    job = prepare(ablation("videopose3d").recipe("reference", "smoke", 0, {}), data, "x")
    assert job.manifest.dataset == "moving"


@dataclass
class FakeTrial:
    """What of a Tune trial the log looks at."""

    config: dict[str, Any]
    last_result: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None

    def get_pickled_error(self) -> Exception | None:
        return self.error


def test_the_log_counts_epochs_and_keeps_why_a_cell_failed() -> None:
    console = Console(file=io.StringIO(), width=150)
    log = CellLog({"a-seed0": 3, "b-seed0": 3}, console)
    done = FakeTrial({"cell": "a-seed0"}, {"epoch": 3, "headline": "61.0 mm clean"})
    log.on_trial_result(trial=done, result={"epoch": 2})
    log.on_trial_result(trial=done, result={"epoch": 3})
    log.on_trial_complete(trial=done)
    failed = FakeTrial({"cell": "b-seed0"}, error=InputError("NaN", where="clip 'c'"))
    log.on_trial_result(trial=failed, result={"epoch": 1})
    log.on_trial_error(trial=failed)
    assert log.progress.tasks[0].completed == 4
    assert log.failures == {"b-seed0": "clip 'c': NaN"}
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines() == [
        "[1/2] a-seed0: 61.0 mm clean",
        "[2/2] b-seed0: failed: clip 'c': NaN",
    ]
