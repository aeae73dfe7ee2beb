"""One trial of a sweep: the training loop in a Tune function, on data shared by all trials."""

import math
from dataclasses import dataclass, replace
from typing import Any

import ray
import torch
from ray import tune

from monopose.data.batches import ClipTensors
from monopose.models.estimator import num_parameters
from monopose.recipes.recipe import Recipe, with_values
from monopose.training.loop import EpochReport, Training, fit, start
from monopose.training.run import cached
from monopose.tuning.space import recipe_of

# What a diverged trial reports: Optuna would leave a trial that reports NaN running for ever.
PENALTY_MM = 10_000.0


@dataclass(frozen=True)
class SharedData:
    """Train and validation tensors in Ray's object store, one copy on each node."""

    train: "ray.ObjectRef[Any]"
    val: "ray.ObjectRef[Any]"
    key: str


def share(train: ClipTensors, val: ClipTensors, key: str) -> SharedData:
    """Puts the tensors where every trial of every node finds them; key names their content."""
    return SharedData(ray.put(train.arrays()), ray.put(val.arrays()), key)


def data_key(recipe: Recipe) -> str:
    """Which tensors of a data set a recipe is trained on; the same for recipes that share them."""
    maps_px = recipe.stored_maps_px
    return recipe.data.joint_set + ("" if maps_px is None else f" with maps of {maps_px} px")


def run_trial(parameters: dict[str, Any], data: SharedData, threads: int) -> None:
    """Trains the parameters' recipe, reporting to Tune after every epoch."""
    torch.set_num_threads(threads)
    recipe = with_values(recipe_of(parameters), {"budget.evaluate_every": 1})
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train, val = tensors_of(data, device)
    training = start(recipe, device)
    size, best_mm = num_parameters(training.estimator), PENALTY_MM

    def on_epoch(_training: Training, report: EpochReport) -> bool:
        nonlocal best_mm
        report = _finite(report)
        best_mm = min(best_mm, report.val_mpjpe_mm or PENALTY_MM)
        # The searcher must not see a trial as bad because its last epoch was.
        tune.report(
            {
                **report.__dict__,
                "epoch_mpjpe_mm": report.val_mpjpe_mm,
                "val_mpjpe_mm": best_mm,
                "num_parameters": size,
                "done": report.epoch == recipe.budget.epochs,
            }
        )
        return math.isfinite(report.train_loss)

    fit(training, cached(recipe, train), val, on_epoch=on_epoch)


def _finite(report: EpochReport) -> EpochReport:
    value = report.val_mpjpe_mm
    if value is None or not math.isfinite(value):
        value = PENALTY_MM
    return replace(report, val_mpjpe_mm=min(value, PENALTY_MM))


# A reused actor runs many trials on the same data: one copy out of the store serves them all.
_LAST: dict[tuple[str, str], tuple[ClipTensors, ClipTensors]] = {}


def tensors_of(data: SharedData, device: torch.device) -> tuple[ClipTensors, ClipTensors]:
    """Train and validation tensors on the device, kept for the next trial of this process."""
    key = (data.key, device.type)
    if key not in _LAST:
        _LAST.clear()
        train, val = ray.get([data.train, data.val])
        _LAST[key] = _owned(train).to(device), _owned(val).to(device)
    return _LAST[key]


def _owned(arrays: dict[str, Any]) -> ClipTensors:
    """A copy: the store's arrays are read-only, which torch's tensors cannot be."""
    return ClipTensors.from_arrays({name: values.copy() for name, values in arrays.items()})
