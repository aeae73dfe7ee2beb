"""Checkpoints and model folders: safetensors and JSON, never pickle.

A checkpoint is one object that resumes a run. A model folder (`model.safetensors`, `recipe.json`,
`metrics.json`) is what a finished run leaves for evaluation and serving.
"""

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
from monopose.recipes.recipe import Recipe, from_json
from monopose.training.loop import Training, start

WEIGHTS, RECIPE, METRICS = "model.safetensors", "recipe.json", "metrics.json"


@dataclass(frozen=True)
class Model:
    """A loaded model folder."""

    uri: str
    estimator: Estimator
    recipe: Recipe
    metrics: dict[str, Any]


def save_model(uri: str, estimator: Estimator, recipe: Recipe, metrics: dict[str, Any]) -> None:
    """Writes a model folder; metrics.json comes last and marks it complete."""
    weights = {k: v.detach().cpu().contiguous() for k, v in estimator.state_dict().items()}
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
    return Model(uri, estimator.to(device).eval(), recipe, metrics)


def save_checkpoint(uri: str, training: Training) -> None:
    """Writes everything that a run needs to go on, as one object."""
    tensors: dict[str, Tensor] = {}
    for name, module in _modules(training).items():
        tensors |= {f"{name}/{k}": v for k, v in module.state_dict().items()}
    groups: dict[str, Any] = {}
    for name, optimiser in _optimisers(training).items():
        state = optimiser.state_dict()
        groups[name] = state["param_groups"]
        for index, values in state["state"].items():
            tensors |= {f"{name}/{index}/{k}": torch.as_tensor(v) for k, v in values.items()}
    header = {
        "recipe_digest": training.recipe.digest(),
        "epoch": str(training.epoch),
        "seconds": repr(training.seconds),
        "param_groups": orjson.dumps(groups).decode(),
    }
    whole = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    storage.write_bytes(uri, save(whole, header))


def load_checkpoint(uri: str, recipe: Recipe, device: torch.device) -> Training:
    """A training that goes on where the checkpoint was written.

    Raises IntegrityError when the object is damaged or belongs to another recipe.
    """
    payload = storage.read_bytes(uri)
    tensors, header = _tensors(payload, uri), _header(payload)
    if header.get("recipe_digest") != recipe.digest():
        raise IntegrityError(
            f"checkpoint is of recipe {header.get('recipe_digest')}, not {recipe.digest()}",
            where=uri,
            fix="give the run another --name, or the recipe it was started with",
        )
    training = start(recipe, device)
    try:
        _restore(training, tensors, header)
    except (KeyError, ValueError, RuntimeError) as error:
        raise IntegrityError(f"checkpoint lacks a part ({error})", where=uri) from error
    return training


def _restore(training: Training, tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    for name, module in _modules(training).items():
        module.load_state_dict(_below(tensors, f"{name}/"))
    groups = orjson.loads(header["param_groups"])
    for name, optimiser in _optimisers(training).items():
        state = _optimiser_state(_below(tensors, f"{name}/"))
        optimiser.load_state_dict({"state": state, "param_groups": groups[name]})
    training.epoch, training.seconds = int(header["epoch"]), float(header["seconds"])


def _modules(training: Training) -> dict[str, nn.Module]:
    adversary = training.adversary
    held = {
        "estimator": training.estimator,
        "averaged": training.averaged,
        "trajectory": training.trajectory,
        "critic": None if adversary is None else adversary.critic,
    }
    return {name: module for name, module in held.items() if module is not None}


def _optimisers(training: Training) -> dict[str, torch.optim.Optimizer]:
    if training.adversary is None:
        return {"optimiser": training.optimiser}
    return {"optimiser": training.optimiser, "critic_optimiser": training.adversary.optimiser}


def _metrics(where: str) -> dict[str, Any]:
    try:
        return dict(orjson.loads(storage.read_bytes(where)))
    except (ValueError, TypeError) as error:
        raise IntegrityError(f"metrics are damaged ({error})", where=where) from error


def _tensors(payload: bytes, where: str) -> dict[str, Tensor]:
    try:
        return load(payload)
    except (SafetensorError, ValueError, KeyError) as error:
        raise IntegrityError(f"weights are damaged ({error})", where=where) from error


def _header(payload: bytes) -> dict[str, str]:
    length = int.from_bytes(payload[:8], "little")
    header = orjson.loads(payload[8 : 8 + length])
    return dict(header.get("__metadata__", {}))


def _load_into(estimator: Estimator, tensors: dict[str, Tensor], where: str) -> None:
    try:
        estimator.load_state_dict(tensors)
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
