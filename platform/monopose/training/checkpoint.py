"""Checkpoints and model folders: safetensors and JSON, never pickle.

A checkpoint is one object that resumes a run. A model folder (`model.safetensors`, `recipe.json`,
`metrics.json`) is what a finished run leaves for evaluation and serving.
"""

import math
from dataclasses import dataclass
from typing import Any

import orjson
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from monopose import storage
from monopose.errors import IntegrityError
from monopose.models.estimator import Estimator, build
from monopose.models.images.hrnet import HeatmapNetwork, build_detector
from monopose.recipes.detector import DetectorRecipe, detector_from_json
from monopose.recipes.recipe import Recipe, from_json
from monopose.training.loop import Training, start

WEIGHTS, RECIPE, METRICS = "model.safetensors", "recipe.json", "metrics.json"


@dataclass(frozen=True)
class Model:
    """A loaded model folder of an estimator; fps is that of its training, None if not known."""

    uri: str
    estimator: Estimator
    recipe: Recipe
    metrics: dict[str, Any]
    fps: float | None


@dataclass(frozen=True)
class Detector:
    """A loaded model folder of a 2D detector."""

    uri: str
    network: HeatmapNetwork
    recipe: DetectorRecipe
    metrics: dict[str, Any]


def save_model(
    uri: str, module: nn.Module, recipe: Recipe | DetectorRecipe, metrics: dict[str, Any]
) -> None:
    """Writes a model folder; metrics.json comes last and marks it complete."""
    weights = {k: v.detach().cpu().contiguous() for k, v in module.state_dict().items()}
    storage.write_bytes(storage.join(uri, WEIGHTS), save(weights))
    storage.write_bytes(storage.join(uri, RECIPE), recipe.to_json())
    payload = orjson.dumps(metrics, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY)
    storage.write_bytes(storage.join(uri, METRICS), payload)


def load_model(uri: str, device: str = "cpu") -> Model:
    """Reads a model folder; raises StorageError, RecipeError or IntegrityError."""
    metrics = _metrics(storage.join(uri, METRICS))
    where = storage.join(uri, RECIPE)
    recipe = from_json(storage.read_bytes(where), where=where)
    where = storage.join(uri, WEIGHTS)
    estimator = build(recipe)
    _load_into(estimator, _tensors(storage.read_bytes(where), where), where)
    fps = _fps(metrics, storage.join(uri, METRICS))
    return Model(uri, estimator.to(device).eval(), recipe, metrics, fps)


def load_detector(uri: str, device: str = "cpu") -> Detector:
    """Reads the model folder of a detector; raises StorageError, RecipeError or IntegrityError."""
    metrics = _metrics(storage.join(uri, METRICS))
    where = storage.join(uri, RECIPE)
    recipe = detector_from_json(storage.read_bytes(where), where)
    where = storage.join(uri, WEIGHTS)
    network = build_detector(recipe)
    _load_into(network, _tensors(storage.read_bytes(where), where), where)
    return Detector(uri, network.to(device).eval(), recipe, metrics)


def save_checkpoint(uri: str, training: Training) -> None:
    """Writes everything that a run needs to go on, as one object."""
    save_state(uri, _state(training))


def load_checkpoint(uri: str, recipe: Recipe, device: torch.device) -> Training:
    """A training that goes on where the checkpoint was written.

    Raises IntegrityError when the object is damaged or belongs to another recipe.
    """
    training = start(recipe, device)
    training.epoch, training.seconds = load_state(uri, _state(training))
    return training


@dataclass(frozen=True)
class State:
    """What a checkpoint is made of: all that learns, by name, and how far it is."""

    recipe_digest: str
    modules: dict[str, nn.Module]
    optimisers: dict[str, torch.optim.Optimizer]
    epoch: int
    seconds: float


def save_state(uri: str, state: State) -> None:
    """Writes a state as one object."""
    tensors: dict[str, Tensor] = {}
    for name, module in state.modules.items():
        tensors |= {f"{name}/{k}": v for k, v in module.state_dict().items()}
    groups: dict[str, Any] = {}
    for name, optimiser in state.optimisers.items():
        held = optimiser.state_dict()
        groups[name] = held["param_groups"]
        for index, values in held["state"].items():
            tensors |= {f"{name}/{index}/{k}": torch.as_tensor(v) for k, v in values.items()}
    header = {
        "recipe_digest": state.recipe_digest,
        "epoch": str(state.epoch),
        "seconds": repr(state.seconds),
        "param_groups": orjson.dumps(groups).decode(),
    }
    whole = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    storage.write_bytes(uri, save(whole, header))


def load_state(uri: str, state: State) -> tuple[int, float]:
    """Fills the state's modules and optimisers; returns the epoch and seconds that were written.

    Raises IntegrityError when the object is damaged or belongs to another recipe.
    """
    payload = storage.read_bytes(uri)
    tensors, header = _tensors(payload, uri), _header(payload)
    if header.get("recipe_digest") != state.recipe_digest:
        raise IntegrityError(
            f"checkpoint is of recipe {header.get('recipe_digest')}, not {state.recipe_digest}",
            where=uri,
            fix="give the run another --name, or the recipe it was started with",
        )
    try:
        _restore(state, tensors, header)
        return int(header["epoch"]), float(header["seconds"])
    except (KeyError, ValueError, RuntimeError) as error:
        raise IntegrityError(f"checkpoint lacks a part ({error})", where=uri) from error


def _restore(state: State, tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    for name, module in state.modules.items():
        module.load_state_dict(_below(tensors, f"{name}/"))
    groups = orjson.loads(header["param_groups"])
    for name, optimiser in state.optimisers.items():
        held = _optimiser_state(_below(tensors, f"{name}/"))
        optimiser.load_state_dict({"state": held, "param_groups": groups[name]})


def _state(training: Training) -> State:
    adversary = training.adversary
    held = {
        "estimator": training.estimator,
        "averaged": training.averaged,
        "trajectory": training.trajectory,
        "critic": None if adversary is None else adversary.critic,
    }
    optimisers = {"optimiser": training.optimiser}
    if adversary is not None:
        optimisers["critic_optimiser"] = adversary.optimiser
    return State(
        recipe_digest=training.recipe.digest(),
        modules={name: module for name, module in held.items() if module is not None},
        optimisers=optimisers,
        epoch=training.epoch,
        seconds=training.seconds,
    )


def _metrics(where: str) -> dict[str, Any]:
    try:
        return dict(orjson.loads(storage.read_bytes(where)))
    except (ValueError, TypeError) as error:
        raise IntegrityError(f"metrics are damaged ({error})", where=where) from error


def _fps(metrics: dict[str, Any], where: str) -> float | None:
    fps = metrics.get("fps")
    if fps is None:
        return None
    if not isinstance(fps, int | float) or not 0 < fps < math.inf:
        raise IntegrityError(f"the model's frame rate is {fps!r}, no positive number", where=where)
    return float(fps)


def _tensors(payload: bytes, where: str) -> dict[str, Tensor]:
    try:
        return load(payload)
    except (SafetensorError, ValueError, KeyError) as error:
        raise IntegrityError(f"weights are damaged ({error})", where=where) from error


def _header(payload: bytes) -> dict[str, str]:
    length = int.from_bytes(payload[:8], "little")
    header = orjson.loads(payload[8 : 8 + length])
    return dict(header.get("__metadata__", {}))


def _load_into(module: nn.Module, tensors: dict[str, Tensor], where: str) -> None:
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise IntegrityError(
            f"weights do not fit the recipe beside them ({str(error).splitlines()[0]})",
            where=where,
        ) from error


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _optimiser_state(tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for name, values in tensors.items():
        index, key = name.split("/", 1)
        state.setdefault(int(index), {})[key] = values
    return state
