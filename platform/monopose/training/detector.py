"""Training a 2D detector: crops in, heatmaps out; in this process or in N workers.

It shares with training/loop.py how steps are seeded, how weights follow gradients and what a
checkpoint is, and nothing else: there are no chunks, terms, stages or critics here. A resumed run
continues as the unbroken one would have.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from monopose import storage
from monopose.data.clip import Clip
from monopose.data.images.batches import ImageBatch, finish, prepare
from monopose.data.images.windows import ImageWindow, image_windows
from monopose.data.manifest import Manifest
from monopose.data.shard_files import stored_blocks
from monopose.data.shards import read_manifest
from monopose.errors import InputError, RecipeError
from monopose.evaluation.detection import NEAR, Detected, detected
from monopose.geometry.heatmaps import soft_peaks
from monopose.losses.heatmaps import heatmap_mse
from monopose.models.images.hrnet import HeatmapNetwork, build_detector
from monopose.recipes.detector import DetectorRecipe
from monopose.skeleton import joint_set
from monopose.training.checkpoint import State, load_state, save_model, save_state
from monopose.training.images import StreamedImages
from monopose.training.loop import ALONE, Workers, step_seed
from monopose.training.optimisation import average_for, descend, optimiser_for, set_learning_rate
from monopose.training.run import CHECKPOINT, MODEL, TRAIN_SPLIT, VAL_SPLIT, facts, forget
from monopose.training.tracking import Curve

# Crops of the val split that an epoch is measured on, spread over all its frames.
_MOST_VALIDATED = 1000
_AT_ONCE = 64


@dataclass(frozen=True)
class DetectorJob:
    """What a run is about: recipe, data set, folder."""

    recipe: DetectorRecipe
    data_uri: str
    run_uri: str
    manifest: Manifest


@dataclass(frozen=True)
class DetectorReport:
    """One line of a learning curve.

    val_pck: share of the val crops' keypoints found within a twentieth of the crop's side;
    val_distance: their mean distance in sides of the crop.
    """

    epoch: int
    seconds: float
    train_loss: float
    val_pck: float
    val_distance: float
    images_per_s: float
    learning_rate: float


@dataclass
class DetectorTraining:
    """Everything that changes while training."""

    recipe: DetectorRecipe
    network: HeatmapNetwork
    averaged: AveragedModel | None
    optimiser: torch.optim.Optimizer
    epoch: int = 0
    seconds: float = 0.0

    @property
    def evaluated(self) -> nn.Module:
        """The weights that are evaluated and saved: the averaged ones where the recipe averages."""
        return self.network if self.averaged is None else self.averaged.module

    def state(self) -> State:
        """What a checkpoint holds."""
        modules: dict[str, nn.Module] = {"network": self.network}
        if self.averaged is not None:
            modules["averaged"] = self.averaged
        optimisers = {"optimiser": self.optimiser}
        return State(self.recipe.digest(), modules, optimisers, self.epoch, self.seconds)


OnReport = Callable[[DetectorReport], None]
Blocks = Callable[[], Iterator[list[Clip]]]


def prepare_detector(
    recipe: DetectorRecipe, data: str, name: str, *, fresh: bool = False
) -> DetectorJob:
    """Checks recipe and data set before anything is taken or written.

    fresh: forget what a run of that name has written; otherwise it is gone on with.
    Raises RecipeError, InputError, IntegrityError or StorageError.
    """
    data_uri = storage.resolve(data, "data")
    manifest = read_manifest(data_uri)
    for split in (TRAIN_SPLIT, VAL_SPLIT):
        counts = manifest.splits.get(split)
        if counts is None or not counts.has_images or not counts.has_2d:
            raise RecipeError(
                f"split {split!r} has no images with keypoints (rule 19)",
                where=f"recipe {recipe.name!r} on data set {manifest.dataset!r}",
                fix="import with --images, or make the studio with --images",
            )
    run_uri = storage.resolve(name, "runs")
    if fresh:
        forget(run_uri)
    return DetectorJob(recipe, data_uri, run_uri, manifest)


def train_detector_here(job: DetectorJob, on_report: OnReport = lambda _: None) -> str:
    """Trains in this process, without Ray; returns the model folder's URI."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    blocks = partial(stored_blocks, job.data_uri, job.manifest, TRAIN_SPLIT)
    return work(job, blocks, device, on_report=on_report)


def work(
    job: DetectorJob,
    blocks: Blocks,
    device: torch.device,
    *,
    workers: Workers = ALONE,
    on_report: OnReport = lambda _: None,
) -> str:
    """One worker's whole run on the clips it is given; rank 0 writes. Returns the model's URI."""
    recipe, checkpoint = job.recipe, storage.join(job.run_uri, CHECKPOINT)
    if recipe.budget.batch_images < workers.world_size:
        raise InputError(f"budget.batch_images is below the {workers.world_size} workers")
    training = start_detector(recipe, device)
    if storage.exists(checkpoint):
        training.epoch, training.seconds = load_state(checkpoint, training.state())
    validation = validation_batches(job, device)
    leader = workers.rank == 0
    curve = Curve(job.run_uri, DetectorReport, training.epoch)
    if leader:
        storage.write_bytes(storage.join(job.run_uri, "recipe.json"), recipe.to_json())
    images = StreamedImages(
        blocks, recipe.inputs(training=True), recipe.joint_set, recipe.budget.batch_images,
        device, recipe.seed, workers=workers,
    )  # fmt: skip
    for report in fit_detector(training, images, validation, workers):
        if leader:
            curve.append(report)
            save_state(checkpoint, training.state())
        on_report(report)
    model_uri = storage.join(job.run_uri, MODEL)
    if leader:
        save_model(model_uri, training.evaluated, recipe, _metrics(job, training, curve.reports))
    return model_uri


def start_detector(recipe: DetectorRecipe, device: torch.device) -> DetectorTraining:
    """A training at epoch 0 with freshly drawn weights."""
    network = build_detector(recipe).to(device)
    averaged = average_for(recipe.optimiser, network)
    return DetectorTraining(recipe, network, averaged, optimiser_for(recipe.optimiser, network))


def fit_detector(
    training: DetectorTraining,
    images: StreamedImages,
    validation: list[ImageBatch],
    workers: Workers = ALONE,
) -> Iterator[DetectorReport]:
    """Trains from the training's epoch to the end of the recipe's budget; a report an epoch."""
    forward, budget = workers.wrap(training.network), training.recipe.budget
    for epoch in range(training.epoch, budget.epochs):
        began, losses, rate = time.perf_counter(), [], 0.0
        training.network.train()
        for index, batch in enumerate(images.epoch(epoch, budget.steps)):
            progress = (epoch + index / budget.steps) / budget.epochs
            rate = set_learning_rate(training.optimiser, training.recipe.optimiser, progress)
            torch.manual_seed(step_seed(training.recipe.seed, epoch, index))
            losses.append(step(training, forward, batch))
        seconds = time.perf_counter() - began
        training.epoch, training.seconds = epoch + 1, training.seconds + seconds
        found = evaluate_detector(training.evaluated, validation, training.recipe)
        yield DetectorReport(
            epoch=epoch + 1,
            seconds=training.seconds,
            train_loss=float(torch.stack(losses).mean()),
            val_pck=found.pck,
            val_distance=found.mean_distance,
            images_per_s=budget.steps * budget.batch_images / seconds,
            learning_rate=rate,
        )


def step(training: DetectorTraining, forward: nn.Module, batch: ImageBatch) -> Tensor:
    """One optimiser step; the loss, detached, on its device."""
    assert batch.heatmaps is not None
    maps = forward(batch.images.flatten(0, 1))
    loss = heatmap_mse(maps, batch.heatmaps.flatten(0, 1), batch.score.flatten(0, 1))
    config = training.recipe.optimiser
    descend(training.optimiser, config, loss, training.network, training.averaged)
    return loss.detach()


@torch.no_grad()
def evaluate_detector(
    network: nn.Module, batches: Iterable[ImageBatch], recipe: DetectorRecipe
) -> Detected:
    """How near the network's keypoints are to the batches' labels."""
    network.eval()
    total = Detected()
    for batch in batches:
        place, _ = soft_peaks(network(batch.images.flatten(0, 1)).float(), 3 * recipe.sigma_px)
        labelled, score = batch.keypoints.flatten(0, 1), batch.score.flatten(0, 1)
        total = total + detected(place, labelled, score)
    return total


def validation_batches(job: DetectorJob, device: torch.device) -> list[ImageBatch]:
    """Crops of the val split as they are, a thousand at most, evenly spread; read directly."""
    inputs = job.recipe.inputs(training=False).model_copy(update={"heatmap_px": None})
    joints, rng = joint_set(job.recipe.joint_set), np.random.default_rng(job.recipe.seed)
    every = -(-job.manifest.splits[VAL_SPLIT].sequence_frames // _MOST_VALIDATED)
    windows = islice(_windows(job), 0, None, every)
    batches = []
    while group := list(islice(windows, _AT_ONCE)):
        batches.append(finish(prepare(group, inputs, joints, rng), inputs, joints, device))
    return batches


def _windows(job: DetectorJob) -> Iterator[ImageWindow]:
    for clips in stored_blocks(job.data_uri, job.manifest, VAL_SPLIT):
        yield from image_windows(clips, job.recipe.joint_set)


def _metrics(
    job: DetectorJob, training: DetectorTraining, reports: list[DetectorReport]
) -> dict[str, Any]:
    return {
        "val_pck": reports[-1].val_pck,
        "val_distance": reports[-1].val_distance,
        "protocol": f"{job.recipe.joint_set}/pck@{NEAR} of the crop",
        "joint_set": job.recipe.joint_set,
        **facts(job.recipe, job.manifest, training.network, training.epoch, training.seconds),
    }
