"""A run: one recipe trained on one data set into one folder. Free of Ray.

The folder holds `recipe.json`, `history.jsonl`, `checkpoint.safetensors` and, at the end, `model/`.
A run that finds its own checkpoint goes on from there.
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

import monopose
from monopose import storage
from monopose.data.batches import ClipTensors, clip_tensors
from monopose.data.frame_rate import split_fps
from monopose.data.label_share import with_label_share
from monopose.data.manifest import Manifest
from monopose.data.shards import read_clips, read_manifest
from monopose.errors import InputError
from monopose.models.estimator import context_of, num_parameters
from monopose.recipes.detector import DetectorRecipe
from monopose.recipes.recipe import Recipe
from monopose.recipes.rules import check
from monopose.training.checkpoint import load_checkpoint, save_checkpoint, save_model
from monopose.training.loop import ALONE, Batches, EpochReport, Training, Workers, fit, start
from monopose.training.sources import CachedBatches
from monopose.training.tracking import HISTORY, History

CHECKPOINT, MODEL = "checkpoint.safetensors", "model"
TRAIN_SPLIT, VAL_SPLIT = "train", "val"


@dataclass(frozen=True)
class Job:
    """What a run is about: recipe, data set, folder."""

    recipe: Recipe
    data_uri: str
    run_uri: str
    manifest: Manifest


def prepare(recipe: Recipe, data: str, name: str, *, fresh: bool = False) -> Job:
    """Checks recipe and data set before anything is taken or written.

    fresh: forget what a run of that name has written; otherwise it is gone on with.
    Raises RecipeError, InputError, IntegrityError or StorageError.
    """
    data_uri = storage.resolve(data, "data")
    manifest = read_manifest(data_uri)
    check(recipe, manifest, TRAIN_SPLIT)
    check(recipe, manifest, VAL_SPLIT)
    run_uri = storage.resolve(name, "runs")
    if fresh:
        forget(run_uri)
    return Job(recipe, data_uri, run_uri, manifest)


def forget(run_uri: str) -> None:
    """Removes a run's own objects only: a name may be any folder, with other things in it."""
    for own in ("recipe.json", HISTORY, CHECKPOINT, MODEL):
        storage.delete(storage.join(run_uri, own))


def load_split(job: Job, split: str, device: torch.device) -> ClipTensors:
    """A split of the job's data set as tensors, read directly."""
    maps_px = job.recipe.stored_maps_px
    clips = read_clips(job.data_uri, split, images=False, heatmaps=maps_px is not None)
    tensors = clip_tensors(clips, job.recipe.data.joint_set, maps_px)
    return tensors.to(device)


def train_here(job: Job, on_report: Callable[[EpochReport], None] = lambda _: None) -> str:
    """Trains in this process, without Ray; returns the model folder's URI."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train, validation = (load_split(job, split, device) for split in (TRAIN_SPLIT, VAL_SPLIT))
    batches = cached(job.recipe, train)
    return work(job, batches, validation, device, on_report=on_report)


def cached(recipe: Recipe, tensors: ClipTensors, workers: Workers = ALONE) -> CachedBatches:
    """The batches of clips held as tensors; raises InputError when they make no full batch."""
    labelled = int(tensors.length[tensors.has_3d].sum())
    if labelled == 0:
        raise InputError("no clip has both 3D labels and 2D keypoints to train on")
    if recipe.budget.batch_chunks < workers.world_size:
        raise InputError(
            f"budget.batch_chunks is {recipe.budget.batch_chunks}, fewer than the workers",
            fix=f"give at least {workers.world_size}",
        )
    tensors = with_label_share(tensors, recipe.data.label_share, recipe.seed)
    batches = CachedBatches(recipe, tensors, context_of(recipe), workers)
    if batches.smallest() < workers.world_size:
        raise InputError(
            f"the clips make {batches.smallest()} chunks of {recipe.budget.chunk_frames} frames, "
            f"fewer than the {workers.world_size} workers",
            fix="use fewer workers, or a smaller budget.chunk_frames",
        )
    return batches


def work(
    job: Job,
    batches: Batches,
    validation: ClipTensors,
    device: torch.device,
    *,
    workers: Workers = ALONE,
    on_report: Callable[[EpochReport], None] = lambda _: None,
) -> str:
    """One worker's whole run; rank 0 writes. Returns the model folder's URI."""
    training = _resumed(job, device)
    leader = workers.rank == 0
    if leader:
        storage.write_bytes(storage.join(job.run_uri, "recipe.json"), job.recipe.to_json())
    history = History(job.run_uri, training.epoch)

    def on_epoch(training: Training, report: EpochReport) -> bool:
        if leader:
            history.append(report)
            save_checkpoint(storage.join(job.run_uri, CHECKPOINT), training)
        on_report(report)
        return True

    fit(training, batches, validation, workers=workers, on_epoch=on_epoch)
    model_uri = storage.join(job.run_uri, MODEL)
    if leader:
        metrics = _metrics(job, training, history.reports)
        save_model(model_uri, training.evaluated, job.recipe, metrics)
    return model_uri


def _resumed(job: Job, device: torch.device) -> Training:
    uri = storage.join(job.run_uri, CHECKPOINT)
    if not storage.exists(uri):
        return start(job.recipe, device)
    return load_checkpoint(uri, job.recipe, device)


def _metrics(job: Job, training: Training, reports: list[EpochReport]) -> dict[str, Any]:
    return {
        "val_mpjpe_mm": next((r.val_mpjpe_mm for r in reversed(reports) if r.val_mpjpe_mm), None),
        "protocol": f"{job.recipe.data.joint_set}/mpjpe/pooled",
        "joint_set": job.recipe.data.joint_set,
        "fps": split_fps(job.data_uri, job.manifest, TRAIN_SPLIT),
        **facts(job.recipe, job.manifest, training.estimator, training.epoch, training.seconds),
    }


def facts(
    recipe: Recipe | DetectorRecipe,
    manifest: Manifest,
    network: nn.Module,
    epochs: int,
    seconds: float,
) -> dict[str, Any]:
    """What the numbers of every model depend on, for its metrics.json."""
    return {
        "split": VAL_SPLIT,
        "dataset": manifest.dataset,
        "dataset_digest": manifest.digest,
        "synthetic": manifest.synthetic,
        "recipe_name": recipe.name,
        "recipe_digest": recipe.digest(),
        "seed": recipe.seed,
        "epochs": epochs,
        "train_seconds": round(seconds, 2),
        "num_parameters": num_parameters(network),
        "code_version": monopose.__version__,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
