"""A study: the trials of a sweep and their leaderboard.

Everything lies in `studies/<name>/`; trials are stored as they end, so a study that dies keeps
what it had learnt.
"""

import datetime
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import ray
from ray import tune
from rich.console import Console

import monopose
from monopose import storage
from monopose.data.batches import ClipTensors, clip_tensors
from monopose.data.ingest import read_split, whole_takes
from monopose.data.manifest import Manifest
from monopose.data.shards import read_manifest
from monopose.errors import InputError
from monopose.evaluation.leaderboard import Leaderboard, TrialRecord
from monopose.recipes.recipe import Recipe
from monopose.recipes.rules import check
from monopose.training.run import TRAIN_SPLIT, VAL_SPLIT
from monopose.tuning.live import TrialLog, run_config
from monopose.tuning.search import RuledSearch, tune_config
from monopose.tuning.space import Space, recipe_of
from monopose.tuning.trial import run_trial, share

_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"


def check_name(name: str) -> None:
    """Raises InputError for a name that is no folder."""
    if not re.fullmatch(_NAME, name):
        raise InputError(
            f"{name!r} is no name for a study",
            where="--name",
            fix="use letters, digits, '.', '_' and '-', a letter or digit first",
        )


@dataclass(frozen=True)
class Plan:
    """What to sweep and how much of the cluster to give it; raises InputError for a bad name.

    concurrent: trials at a time, 0 for what the cluster's CPUs (or GPUs) hold.
    gpus_per_trial may be a fraction.
    """

    space: Space
    space_name: str
    data: str
    name: str
    trials: int = 12
    seed: int = 0
    concurrent: int = 0
    cpus_per_trial: int = 1
    gpus_per_trial: float = 0.0

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def uri(self) -> str:
        """The study's folder."""
        return storage.resolve(self.name, "studies")


def sweep(plan: Plan, console: Console) -> Leaderboard:
    """Runs the trials; Ray must be initialised. Raises InputError when no trial succeeded."""
    data_uri = storage.resolve(plan.data, "data")
    manifest = read_manifest(data_uri)
    search = RuledSearch(plan.space, plan.seed)
    first = _first_recipe(plan)
    for split in (TRAIN_SPLIT, VAL_SPLIT):
        check(first, manifest, split)
    data = {s: read(data_uri, manifest, s, first) for s in (TRAIN_SPLIT, VAL_SPLIT)}
    shared = share(data[TRAIN_SPLIT], data[VAL_SPLIT], manifest.digest)
    log = TrialLog(plan.trials, lambda _: _store(plan, manifest, log, search), console)
    with log.shown():
        _tuner(plan, search, log, shared, first.budget.epochs).fit()
    board = _store(plan, manifest, log, search)
    if board.ranked()[0].val_mpjpe_mm is None:
        raise InputError("no trial succeeded", where=plan.uri, fix=board.ranked()[0].reason)
    return board


def read(uri: str, manifest: Manifest, split: str, recipe: Recipe) -> ClipTensors:
    """A split read through Ray Data, as the tensors that the recipe is trained on."""
    maps_px = recipe.stored_maps_px
    rows = read_split(uri, manifest, split, heatmaps=maps_px is not None).iterator()
    return clip_tensors(whole_takes(rows), recipe.data.joint_set, maps_px)


def _first_recipe(plan: Plan) -> Recipe:
    """A recipe of the space, to learn the joint set and the epochs before anything is taken."""
    parameters = RuledSearch(plan.space, plan.seed).suggest("probe")
    return recipe_of(parameters or {})


def _tuner(plan: Plan, search: RuledSearch, log: TrialLog, shared: Any, epochs: int) -> tune.Tuner:
    resources = {"cpu": plan.cpus_per_trial, "gpu": plan.gpus_per_trial}
    trainable: Callable[..., Any] = tune.with_parameters(
        run_trial, data=shared, threads=plan.cpus_per_trial
    )
    return tune.Tuner(
        tune.with_resources(trainable, resources),
        tune_config=tune_config(search, plan.trials, _concurrent(plan), epochs),
        run_config=run_config(plan.name, log, max_failures=0),
    )


def _concurrent(plan: Plan) -> int:
    return plan.concurrent or capacity(plan.cpus_per_trial, plan.gpus_per_trial)


def capacity(cpus_per_trial: int, gpus_per_trial: float) -> int:
    """How many such trials the cluster's CPUs (or GPUs) hold at a time; at least one."""
    resources = ray.cluster_resources()
    if gpus_per_trial:
        return max(1, int(resources.get("GPU", 0) / gpus_per_trial))
    nodes = sum(1 for node in ray.nodes() if node["Alive"])
    # One node may declare more CPUs than it has, so that Ray Data finds room beside trainers.
    cpus = (os.cpu_count() or 1) if nodes == 1 else resources.get("CPU", 1)
    return max(1, int(cpus / cpus_per_trial))


def _store(plan: Plan, manifest: Manifest, log: TrialLog, search: RuledSearch) -> Leaderboard:
    board = leaderboard(plan, manifest, [*log.records, *search.refused])
    lines = [
        orjson.dumps(t.model_dump(mode="json"), option=orjson.OPT_APPEND_NEWLINE)
        for t in board.trials
    ]
    storage.write_bytes(storage.join(plan.uri, "trials.jsonl"), b"".join(lines))
    storage.write_bytes(storage.join(plan.uri, "leaderboard.json"), board.to_json())
    return board


def leaderboard(plan: Plan, manifest: Manifest, trials: list[TrialRecord]) -> Leaderboard:
    """The trials with all that their numbers depend on."""
    joint_set = next(
        (t.recipe["data"]["joint_set"] for t in trials if t.recipe is not None), "h36m17"
    )
    return Leaderboard(
        study=plan.name,
        space=plan.space_name,
        dataset=manifest.dataset,
        dataset_digest=manifest.digest,
        synthetic=manifest.synthetic,
        protocol=f"{joint_set}/mpjpe/pooled",
        split=VAL_SPLIT,
        seed=plan.seed,
        code_version=monopose.__version__,
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        trials=tuple(t.model_copy(update={"number": n}) for n, t in enumerate(trials)),
    )
