"""An ablation run: every variant with every seed, as trials of Tune, and what they found.

Everything lies in `studies/<name>/`: `ablation.json` (what it is about), `cells/<cell>/` (a run
each, with `cell.json`, its values), `results.json`. The same command goes on after a kill: cells
that are finished are kept, cells that were in the middle go on from their run's checkpoint, and
only what is missing is run. Another data set or other code is refused; a cell whose recipe has
changed is run again.
"""

import datetime
from dataclasses import dataclass, field
from typing import Any

import orjson
from ray import tune
from rich.console import Console

from monopose import storage
from monopose.code_version import code_version
from monopose.data.manifest import Manifest
from monopose.data.shards import read_manifest
from monopose.errors import InputError, RecipeError
from monopose.evaluation.ablation import AblationResult, Asked, Cell
from monopose.recipes.parts import Size
from monopose.recipes.recipe import Recipe, from_json
from monopose.training.run import TRAIN_SPLIT, VAL_SPLIT, prepare
from monopose.tuning.ablation import Ablation, Question
from monopose.tuning.cell import CellPlan, cell_name, finished, run_cell
from monopose.tuning.live import CellLog, run_config
from monopose.tuning.study import capacity, check_name, read
from monopose.tuning.trial import SharedData, data_key, share

STARTED, RESULTS, CELLS = "ablation.json", "results.json", "cells"


@dataclass(frozen=True)
class Plan:
    """What to ablate on what; raises InputError for a bad name or seeds.

    values: dotted recipe fields set on every variant. concurrent: cells at a time, 0 for what the
    cluster holds. gpus_per_cell may be a fraction. any_code: keep what other code has made.
    fresh: forget what was made under this name.
    """

    ablation: Ablation
    data: str
    name: str
    seeds: int = 3
    size: Size = "small"
    values: dict[str, Any] = field(default_factory=dict)
    concurrent: int = 0
    cpus_per_cell: int = 1
    gpus_per_cell: float = 0.0
    any_code: bool = False
    fresh: bool = False
    command: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.seeds < 1:
            raise InputError(f"{self.seeds} seeds are none", where="--seeds", fix="give 3 or more")

    @property
    def uri(self) -> str:
        """The ablation's folder."""
        return storage.resolve(self.name, "studies")


def ablate(plan: Plan, console: Console) -> AblationResult:
    """Runs what is missing and answers the questions; Ray must be initialised.

    Raises InputError for a folder of other data or code, and when no cell has a result;
    RecipeError for a variant that cannot be run.
    """
    manifest = read_manifest(storage.resolve(plan.data, "data"))
    _begin(plan, manifest)
    cells = _cells(plan, console)
    kept = {name: cell for name, each in cells.items() if (cell := finished(each)) is not None}
    if kept:
        console.print(f"{len(kept)} of {len(cells)} cells are finished already", soft_wrap=True)
    missing = {name: each for name, each in cells.items() if name not in kept}
    failures = _run(plan, missing, manifest, console) if missing else {}
    done = kept | {name: c for name, each in missing.items() if (c := finished(each)) is not None}
    if not done:
        reason = next(iter(failures.values()), "")
        raise InputError("no cell has a result", where=plan.uri, fix=reason)
    lost = {name: failures.get(name, "did not end") for name in cells if name not in done}
    result = _result(plan, manifest, [done[name] for name in cells if name in done], lost)
    storage.write_bytes(storage.join(plan.uri, RESULTS), result.model_dump_json().encode())
    return result


def _begin(plan: Plan, manifest: Manifest) -> None:
    """Writes what the folder is about, or refuses a folder that is about something else."""
    uri = storage.join(plan.uri, STARTED)
    if plan.fresh:
        for own in (STARTED, RESULTS, CELLS):
            storage.delete(storage.join(plan.uri, own))
    now = {
        "ablation": plan.ablation.name,
        "dataset_digest": manifest.digest,
        "code_version": code_version(),
    }
    if storage.exists(uri):
        _compare(orjson.loads(storage.read_bytes(uri)), now, plan)
    storage.write_bytes(uri, orjson.dumps(now))


def _compare(then: dict[str, str], now: dict[str, str], plan: Plan) -> None:
    for what in ("ablation", "dataset_digest"):
        if then[what] != now[what]:
            raise InputError(
                f"was begun with {what} {then[what]}, not {now[what]}",
                where=plan.uri,
                fix="give another --name, or --fresh to forget it",
            )
    if then["code_version"] != now["code_version"] and not plan.any_code:
        raise InputError(
            f"was begun by code {then['code_version']}, this is {now['code_version']}",
            where=plan.uri,
            fix="give --fresh to run all again, or --any-code to keep what is there",
        )


def _cells(plan: Plan, console: Console) -> dict[str, CellPlan]:
    """Every cell by name, seed by seed, so that an early stop leaves whole seeds."""
    return {
        cell_name(variant, seed): _cell(plan, variant, seed, console)
        for seed in range(plan.seeds)
        for variant in plan.ablation.variants
    }


def _cell(plan: Plan, variant: str, seed: int, console: Console) -> CellPlan:
    recipe = plan.ablation.recipe(variant, plan.size, seed, plan.values)
    uri = storage.join(plan.uri, CELLS, cell_name(variant, seed))
    changed = _changed(uri, recipe)
    if changed:
        console.print(f"{cell_name(variant, seed)} runs again: {changed}", soft_wrap=True)
    return CellPlan(
        variant,
        seed,
        prepare(recipe, plan.data, uri, fresh=bool(changed)),
        plan.ablation.all_conditions(),
        plan.ablation.all_protocols(),
        code_version(),
    )


def _changed(uri: str, recipe: Recipe) -> str:
    """Why what lies in a cell's folder cannot be gone on with; "" when it can."""
    where = storage.join(uri, "recipe.json")
    if not storage.exists(where):
        return ""
    try:
        before = from_json(storage.read_bytes(where), where).digest()
    except RecipeError as error:
        return f"its stored recipe is not one any more ({error.what})"
    now = recipe.digest()
    return "" if before == now else f"its recipe was {before}, and is {now}"


def _run(
    plan: Plan, cells: dict[str, CellPlan], manifest: Manifest, console: Console
) -> dict[str, str]:
    """Runs the cells; the reasons of those that failed."""
    log = CellLog({name: each.job.recipe.budget.epochs for name, each in cells.items()}, console)
    trainable = tune.with_parameters(
        run_cell, cells=cells, data=_shared(cells, manifest), threads=plan.cpus_per_cell
    )
    resources = {"cpu": plan.cpus_per_cell, "gpu": plan.gpus_per_cell}
    concurrent = plan.concurrent or capacity(plan.cpus_per_cell, plan.gpus_per_cell)
    tuner = tune.Tuner(
        tune.with_resources(trainable, resources),
        param_space={"cell": tune.grid_search(list(cells))},
        tune_config=tune.TuneConfig(max_concurrent_trials=concurrent, reuse_actors=True),
        # A lost worker's cell goes on from its own checkpoint on another.
        run_config=run_config(plan.name, log, max_failures=1),
    )
    with log.shown():
        tuner.fit()
    return log.failures


def _shared(cells: dict[str, CellPlan], manifest: Manifest) -> dict[str, SharedData]:
    """Train and validation tensors in the object store, once for each joint set and maps."""
    recipes = {data_key(each.job.recipe): each.job for each in cells.values()}
    return {
        name: share(
            read(job.data_uri, manifest, TRAIN_SPLIT, job.recipe),
            read(job.data_uri, manifest, VAL_SPLIT, job.recipe),
            f"{manifest.digest}/{name}",
        )
        for name, job in recipes.items()
    }


def _result(
    plan: Plan, manifest: Manifest, cells: list[Cell], failures: dict[str, str]
) -> AblationResult:
    ablation = plan.ablation
    return AblationResult(
        study=plan.name,
        ablation=ablation.name,
        about=ablation.about,
        reference=ablation.reference,
        size=plan.size,
        values=plan.values,
        variants=tuple(ablation.variants),
        seeds=tuple(range(plan.seeds)),
        conditions={each.name: each.about for each in ablation.all_conditions()},
        protocols=ablation.all_protocols(),
        questions=tuple(_asked(question) for question in ablation.questions),
        dataset=manifest.dataset,
        dataset_digest=manifest.digest,
        synthetic=manifest.synthetic,
        split=VAL_SPLIT,
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        command=plan.command,
        cells=tuple(cells),
        failures=failures,
    )


def _asked(question: Question) -> Asked:
    return Asked(
        id=question.id,
        asks=question.asks,
        of=(question.of.variant, question.of.condition.name),
        against=(question.against.variant, question.against.condition.name),
        expected=question.expected,
        at_most=question.at_most,
        protocol=question.protocol,
    )
