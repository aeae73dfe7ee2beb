"""One cell of an ablation: a variant trained with a seed, and measured under every condition.

A cell is a run (training/run.py) in a folder of its own: it goes on from the run's own checkpoint,
and once its model is there only what was not measured yet is measured.
"""

import datetime
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import torch
from pydantic import ValidationError
from ray import tune

from monopose import storage
from monopose.data.batches import ClipTensors
from monopose.data.clip import Clip
from monopose.data.shards import read_clips
from monopose.errors import IntegrityError
from monopose.evaluation.ablation import Cell
from monopose.evaluation.conditions import Condition
from monopose.evaluation.evaluate import take_values, weights_of
from monopose.evaluation.protocols import protocol
from monopose.evaluation.records import TakeValue
from monopose.evaluation.statistics import weighted_mean
from monopose.inference.assess import lift_of
from monopose.inference.predictor import Predictor
from monopose.training.checkpoint import METRICS
from monopose.training.loop import EpochReport
from monopose.training.run import CHECKPOINT, MODEL, VAL_SPLIT, Job, cached, work
from monopose.tuning.trial import SharedData, data_key, tensors_of

RESULT = "cell.json"


@dataclass(frozen=True)
class CellPlan:
    """A cell before it is run: its run, and what is measured of it."""

    variant: str
    seed: int
    job: Job
    conditions: tuple[Condition, ...]
    protocols: tuple[str, ...]
    code_version: str

    @property
    def name(self) -> str:
        """The name of its folder and of its trial."""
        return cell_name(self.variant, self.seed)


def cell_name(variant: str, seed: int) -> str:
    """E.g. `no_flip-seed2`."""
    return f"{variant}-seed{seed}"


def finished(plan: CellPlan) -> Cell | None:
    """The cell as it was stored, when it is this recipe's and holds all that is asked for.

    Raises IntegrityError when the stored cell is damaged.
    """
    uri = storage.join(plan.job.run_uri, RESULT)
    if not storage.exists(uri):
        return None
    try:
        cell = Cell.model_validate_json(storage.read_bytes(uri))
    except ValidationError as error:
        fix = "delete it: the cell is then measured again"
        raise IntegrityError("the stored cell is damaged", where=uri, fix=fix) from error
    asked = [condition.name for condition in plan.conditions]
    same = cell.recipe_digest == plan.job.recipe.digest()
    return cell if same and cell.has(asked, plan.protocols) else None


def run_cell(
    parameters: dict[str, Any],
    cells: dict[str, CellPlan],
    data: dict[str, SharedData],
    threads: int,
) -> None:
    """Trains and measures one cell, reporting to Tune after every epoch.

    parameters: the cell's name under "cell". data: by trial.py's data_key.
    """
    torch.set_num_threads(threads)
    plan = cells[parameters["cell"]]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model_uri = storage.join(plan.job.run_uri, MODEL)
    if not storage.exists(storage.join(model_uri, METRICS)):
        train, val = tensors_of(data[data_key(plan.job.recipe)], device)
        _train(plan, train, val, device)
    measured = measure(plan, Predictor.load(model_uri, device.type))
    storage.write_bytes(storage.join(plan.job.run_uri, RESULT), measured.model_dump_json().encode())
    # The model says all from here on; three times its size would be kept for nothing.
    storage.delete(storage.join(plan.job.run_uri, CHECKPOINT))
    tune.report({"epoch": measured.epochs, "headline": _headline(plan, measured)})


def _train(plan: CellPlan, train: ClipTensors, val: ClipTensors, device: torch.device) -> None:
    def on_report(report: EpochReport) -> None:
        tune.report({"epoch": report.epoch, "headline": ""})

    work(plan.job, cached(plan.job.recipe, train), val, device, on_report=on_report)


def measure(plan: CellPlan, predictor: Predictor) -> Cell:
    """The model's values under every condition; raises InputError when it answers NaN."""
    maps = plan.job.recipe.stored_maps_px is not None
    clips = list(read_clips(plan.job.data_uri, VAL_SPLIT, images=False, heatmaps=maps))
    metrics = orjson.loads(storage.read_bytes(storage.join(plan.job.run_uri, MODEL, METRICS)))
    return Cell(
        variant=plan.variant,
        seed=plan.seed,
        recipe_digest=plan.job.recipe.digest(),
        dataset_digest=plan.job.manifest.digest,
        code_version=plan.code_version,
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        machine=machine(),
        epochs=metrics["epochs"],
        train_seconds=metrics["train_seconds"],
        num_parameters=metrics["num_parameters"],
        values={
            condition.name: _values(predictor, condition, clips, plan.protocols)
            for condition in plan.conditions
        },
    )


def machine() -> str:
    """The machine in one line: processor kind, cores, GPU, torch."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{platform.machine()}, {os.cpu_count()} cores, {gpu}, torch {torch.__version__}"


def _values(
    predictor: Predictor, condition: Condition, clips: Sequence[Clip], protocols: tuple[str, ...]
) -> dict[str, tuple[TakeValue, ...]]:
    changed = (condition.change(clip) for clip in clips)
    asked = (clip for clip in changed if clip is not None)
    return take_values(
        lift_of(predictor), asked, joint_set=predictor.joints.name, protocols=protocols
    )


def _headline(plan: CellPlan, cell: Cell) -> str:
    """The first protocol under the first condition, for the line that says the cell is done."""
    condition, name = plan.conditions[0].name, plan.protocols[0]
    takes = cell.values[condition][name]
    if not takes:
        return f"no values under {condition}"
    value = weighted_mean(
        np.array([take.value for take in takes]), weights_of(protocol(name).aggregation, takes)
    )
    return f"{value:.1f} {protocol(name).unit} {condition}"
