"""Runs of a 2D detector: what they leave, that they go on, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from tests.image_clips import image_clip
from tests.moving_clips import moving_clip

from monopose import storage
from monopose.data.shard_files import stored_blocks
from monopose.data.shards import write_clips
from monopose.errors import InputError, IntegrityError, RecipeError
from monopose.recipes.detector import DetectorRecipe, detector
from monopose.recipes.recipe import with_values
from monopose.training.checkpoint import load_detector
from monopose.training.detector import (
    DetectorReport,
    evaluate_detector,
    prepare_detector,
    train_detector_here,
    validation_batches,
    work,
)
from monopose.training.loop import Workers
from monopose.training.run import CHECKPOINT

CPU = torch.device("cpu")
RECIPE = with_values(
    detector("smoke"),
    {"size_px": 32, "budget.epochs": 4, "budget.steps": 3, "optimiser.ema_decay": 0.5},
)


class KilledError(Exception):
    """Stands for a process that ends without a word."""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A data set `photos` below a storage root of its own."""
    monkeypatch.setenv("MONOPOSE_ROOT", str(tmp_path))
    clips = [image_clip(f"set/S1/t{i}", size_px=32) for i in range(3)]
    clips.append(image_clip("set/S2/v", size_px=32, split="val"))
    write_clips(clips, storage.join(storage.root(), "data", "photos"), dataset="photos")
    return "photos"


def killed_after(epoch: int) -> Callable[[DetectorReport], None]:
    def on_report(report: DetectorReport) -> None:
        if report.epoch == epoch:
            raise KilledError

    return on_report


def run(data: str, name: str, recipe: DetectorRecipe = RECIPE) -> dict[str, torch.Tensor]:
    job = prepare_detector(recipe, data, name)
    return load_detector(train_detector_here(job)).network.state_dict()


def test_a_run_leaves_a_model_that_measures_as_it_says(data: str) -> None:
    job, seen = prepare_detector(RECIPE, data, "first"), list[DetectorReport]()
    model = load_detector(train_detector_here(job, seen.append))
    assert [report.epoch for report in seen] == [1, 2, 3, 4]
    assert seen[-1].train_loss < seen[0].train_loss
    # The val clip's three frames, each with 17 joints of which none is missing.
    found = evaluate_detector(model.network, validation_batches(job, CPU), RECIPE)
    assert found.keypoints == 3 * 17
    assert model.metrics["val_pck"] == found.pck == seen[-1].val_pck
    assert model.metrics["dataset_digest"] == job.manifest.digest


def test_a_killed_run_goes_on_to_the_weights_of_the_unbroken_one(data: str) -> None:
    whole = run(data, "whole")
    with pytest.raises(KilledError):
        train_detector_here(prepare_detector(RECIPE, data, "broken"), killed_after(2))
    seen: list[DetectorReport] = []
    resumed = load_detector(
        train_detector_here(prepare_detector(RECIPE, data, "broken"), seen.append)
    )
    assert [report.epoch for report in seen] == [3, 4]
    assert all(torch.equal(whole[k], v) for k, v in resumed.network.state_dict().items())
    history = storage.read_bytes(storage.join(storage.root(), "runs", "broken", "history.jsonl"))
    assert len(history.splitlines()) == 4


def test_the_seed_and_every_optimiser_setting_change_the_weights(data: str) -> None:
    short = with_values(RECIPE, {"budget.epochs": 1})
    plain = run(data, "plain", short)
    changes = {"seed": 1, "optimiser.clip_norm": 1e-4, "optimiser.ema_decay": 0.0}
    for field, value in changes.items():
        other = run(data, f"other-{field.split('.')[-1]}", with_values(short, {field: value}))
        assert any(not torch.equal(plain[name], other[name]) for name in plain)


def test_another_recipe_does_not_go_on_with_a_run_unless_it_is_fresh(data: str) -> None:
    short = with_values(RECIPE, {"budget.epochs": 1})
    run(data, "mine", short)
    other = with_values(short, {"seed": 9})
    with pytest.raises(IntegrityError, match="checkpoint is of recipe"):
        train_detector_here(prepare_detector(other, data, "mine"))
    train_detector_here(prepare_detector(other, data, "mine", fresh=True))


def test_only_the_first_worker_writes(data: str) -> None:
    job = prepare_detector(with_values(RECIPE, {"budget.epochs": 1}), data, "shared")
    blocks = partial(stored_blocks, job.data_uri, job.manifest, "train")
    work(job, blocks, CPU, workers=Workers(rank=1, world_size=2))
    assert not storage.exists(storage.join(job.run_uri, CHECKPOINT))
    work(job, blocks, CPU, workers=Workers(rank=0, world_size=2))
    assert storage.exists(storage.join(job.run_uri, CHECKPOINT))
    with pytest.raises(InputError, match="batch_images is below the 9 workers"):
        work(job, blocks, CPU, workers=Workers(world_size=9))


def test_data_without_images_are_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONOPOSE_ROOT", str(tmp_path))
    clips = [moving_clip("t", 5), moving_clip("v", 5, split="val")]
    write_clips(clips, storage.join(storage.root(), "data", "plain"), dataset="plain")
    with pytest.raises(RecipeError, match=r"'train' has no images with keypoints \(rule 19\)"):
        prepare_detector(RECIPE, "plain", "never")
    assert not (tmp_path / "runs").exists()


def test_validation_takes_the_val_splits_frames_alone(data: str) -> None:
    job = prepare_detector(RECIPE, data, "v")
    assert sum(len(batch.images) for batch in validation_batches(job, CPU)) == 3
    few = replace(job, recipe=with_values(RECIPE, {"augmentation": None}))
    one, other = (validation_batches(each, CPU) for each in (job, few))
    assert torch.equal(one[0].images, other[0].images)
