from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load
from tests.moving_clips import moving_clip, tiny_recipe

from monopose import storage
from monopose.data.shards import write_clips
from monopose.errors import InputError, IntegrityError, RecipeError
from monopose.inference.predictor import Predictor
from monopose.training.checkpoint import load_model
from monopose.training.loop import EpochReport
from monopose.training.run import CHECKPOINT, load_split, prepare, train_here
from monopose.training.tracking import read_history

# Labels, then a critic, then 2D-only video, one epoch after another.
STAGED: dict[str, Any] = {
    "data__label_share": 0.5,
    "losses": [{"term": "mpjpe"}, {"term": "orthographic", "weight": 0.5}],
    "critic": {"width": 8, "pose_width": 4, "intervals": [1, 2], "loss": "wgan_gp"},
    "stages": [
        {"share": 0.25, "terms": ["mpjpe"]},
        {"share": 0.5, "terms": ["mpjpe"], "critic": True},
        {"share": 0.25, "critic": True, "unlabelled": 0.5},
    ],
}


class KilledError(Exception):
    """Stands for a process that ends without a word."""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A data set `moving` below a storage root of its own."""
    monkeypatch.setenv("MONOPOSE_ROOT", str(tmp_path))
    clips = [moving_clip(f"t{i}", 10 + i, 2.0) for i in range(3)]
    clips.append(moving_clip("v", 9, split="val"))
    write_clips(clips, storage.join(storage.root(), "data", "moving"), dataset="moving")
    return "moving"


def killed_after(epoch: int) -> Callable[[EpochReport], None]:
    def on_report(report: EpochReport) -> None:
        if report.epoch == epoch:
            raise KilledError

    return on_report


def without_times(reports: list[EpochReport]) -> list[EpochReport]:
    return [replace(report, seconds=0.0, frames_per_s=0.0) for report in reports]


def test_a_run_leaves_recipe_history_checkpoint_and_model(data: str, tmp_path: Path) -> None:
    seen: list[EpochReport] = []
    job = prepare(tiny_recipe(data__flip=True), data, "first")
    model_uri = train_here(job, seen.append)
    assert model_uri == str(tmp_path / "runs" / "first" / "model")
    assert storage.list_names(job.run_uri) == [
        "checkpoint.safetensors", "history.jsonl", "model", "recipe.json",
    ]  # fmt: skip
    assert read_history(job.run_uri) == seen
    metrics = load_model(model_uri).metrics
    assert metrics["val_mpjpe_mm"] == seen[-1].val_mpjpe_mm
    expected = {
        "protocol": "h36m17/mpjpe/pooled", "split": "val", "dataset": "moving", "epochs": 4,
        "recipe_digest": job.recipe.digest(), "dataset_digest": job.manifest.digest, "seed": 0,
    }  # fmt: skip
    assert {name: metrics[name] for name in expected} == expected
    assert Predictor.load(model_uri).fps == 50.0


@pytest.mark.parametrize("values", [{}, STAGED], ids=["plain", "staged"])
@pytest.mark.parametrize("killed", [1, 2, 3])
def test_a_killed_run_ends_as_if_it_had_not_been(
    data: str, killed: int, values: dict[str, Any]
) -> None:
    recipe = tiny_recipe(data__flip=True, **values)
    whole, broken = prepare(recipe, data, "whole"), prepare(recipe, data, "broken")
    train_here(whole)
    with pytest.raises(KilledError):
        train_here(broken, killed_after(killed))
    assert len(read_history(broken.run_uri)) == killed
    again: list[EpochReport] = []
    train_here(prepare(recipe, data, "broken"), again.append)
    assert [report.epoch for report in again] == list(range(killed + 1, 5))
    left, right = (
        load(storage.read_bytes(f"{job.run_uri}/model/model.safetensors"))
        for job in (whole, broken)
    )
    assert all(torch.equal(values, right[name]) for name, values in left.items())
    histories = [without_times(read_history(job.run_uri)) for job in (whole, broken)]
    assert histories[0] == histories[1]


def test_killed_between_history_and_checkpoint_an_epoch_is_not_told_twice(data: str) -> None:
    recipe = tiny_recipe()
    job = prepare(recipe, data, "run")
    with pytest.raises(KilledError):
        train_here(job, killed_after(1))
    early = storage.read_bytes(storage.join(job.run_uri, CHECKPOINT))
    with pytest.raises(KilledError):
        train_here(job, killed_after(2))
    storage.write_bytes(storage.join(job.run_uri, CHECKPOINT), early)
    train_here(job)
    assert [report.epoch for report in read_history(job.run_uri)] == [1, 2, 3, 4]


def test_a_run_goes_on_when_its_history_was_lost(data: str) -> None:
    job = prepare(tiny_recipe(), data, "run")
    with pytest.raises(KilledError):
        train_here(job, killed_after(2))
    storage.delete(storage.join(job.run_uri, "history.jsonl"))
    train_here(job)
    assert [report.epoch for report in read_history(job.run_uri)] == [3, 4]


def test_a_finished_run_is_not_trained_again(data: str) -> None:
    job = prepare(tiny_recipe(), data, "run")
    seen: list[EpochReport] = []
    train_here(job)
    before = storage.read_bytes(f"{job.run_uri}/model/model.safetensors")
    train_here(prepare(tiny_recipe(), data, "run"), seen.append)
    assert seen == []
    assert storage.read_bytes(f"{job.run_uri}/model/model.safetensors") == before


def test_another_recipe_under_the_same_name_is_refused_unless_fresh(data: str) -> None:
    train_here(prepare(tiny_recipe(), data, "run"))
    other = tiny_recipe(seed=4)
    with pytest.raises(IntegrityError, match="give the run another --name"):
        train_here(prepare(other, data, "run"))
    assert load_model(train_here(prepare(other, data, "run", fresh=True))).recipe == other


def test_wrong_input_is_refused_before_anything_is_written(data: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no data set"):
        prepare(tiny_recipe(), "elsewhere", "run")
    with pytest.raises(RecipeError, match="must be odd"):
        prepare(tiny_recipe(temporal__filter_widths=[2]), data, "run")
    only_train = storage.join(storage.root(), "data", "only_train")
    write_clips([moving_clip()], only_train, dataset="d")
    with pytest.raises(RecipeError, match="there is no split 'val'; it has train"):
        prepare(tiny_recipe(), "only_train", "run")
    assert not (tmp_path / "runs").exists()


def test_splits_are_read_in_the_recipes_joint_set(data: str) -> None:
    job = prepare(tiny_recipe(data__joint_set="h36m16"), data, "run")
    tensors = load_split(job, "train", torch.device("cpu"))
    assert tensors.keypoints.shape == (2 * (10 + 11 + 12), 16, 2)
