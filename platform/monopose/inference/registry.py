"""The model registry: versions under one folder, and aliases that name them.

`models/<version>/` is a model folder; `models/aliases.json` maps a name such as `champion` to a
version. Promotion rules and history come with the endpoint.
"""

from typing import Any

import orjson

from monopose import storage
from monopose.errors import InputError, IntegrityError
from monopose.training.checkpoint import METRICS, RECIPE, WEIGHTS

CHAMPION = "champion"
_ALIASES = "aliases.json"


def register(model_uri: str, version: str) -> str:
    """Copies a model folder into the registry; returns its URI there."""
    target = storage.join(storage.root(), "models", version)
    for name in (WEIGHTS, RECIPE, METRICS):
        payload = storage.read_bytes(storage.join(model_uri, name))
        storage.write_bytes(storage.join(target, name), payload)
    return target


def set_alias(alias: str, version: str) -> None:
    """Points an alias at a registered version; raises InputError when there is none such."""
    if version not in versions():
        raise InputError(f"no registered model {version!r}", fix=f"choose one of {versions()}")
    payload = orjson.dumps({**aliases(), alias: version}, option=orjson.OPT_INDENT_2)
    storage.write_bytes(_aliases_uri(), payload)


def aliases() -> dict[str, str]:
    """Alias -> version."""
    if not storage.exists(_aliases_uri()):
        return {}
    try:
        return dict(orjson.loads(storage.read_bytes(_aliases_uri())))
    except (ValueError, TypeError) as error:
        raise IntegrityError(
            "is not a JSON object of alias: version", where=_aliases_uri(), fix="write it anew"
        ) from error


def versions() -> list[str]:
    """Registered versions, sorted."""
    names = storage.list_names(storage.join(storage.root(), "models"))
    return [name for name in names if not name.startswith(_ALIASES)]


def describe(version: str) -> dict[str, Any]:
    """A version's metrics.json, with the aliases that name it."""
    uri = storage.join(storage.root(), "models", version, METRICS)
    metrics = dict(orjson.loads(storage.read_bytes(uri)))
    return {**metrics, "aliases": [a for a, v in aliases().items() if v == version]}


def resolve(model: str) -> str:
    """The URI of a model: an alias, a version, a URI or a path; raises InputError."""
    if "/" in model or model.startswith((".", "~")):
        return storage.resolve(model, "models")
    version = aliases().get(model, model)
    if version not in versions():
        known = ", ".join([*aliases(), *versions()]) or "none yet: run a sweep first"
        raise InputError(f"no model {model!r}", where=storage.root(), fix=f"known: {known}")
    return storage.join(storage.root(), "models", version)


def _aliases_uri() -> str:
    return storage.join(storage.root(), "models", _ALIASES)
