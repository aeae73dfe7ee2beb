"""Search spaces: functions of a trial, and the recipe that a trial's parameters make.

A space suggests values for dotted recipe fields and returns a dict of constants; `preset` and
`size` choose the recipe they are applied to, and names that start with `choose_` only steer the
space itself (which branch, which of several lists). A space is an importable module-level
function, because the searcher is pickled by reference to it.
"""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from monopose.errors import InputError
from monopose.evaluation.leaderboard import Scalar
from monopose.recipes.presets import load
from monopose.recipes.recipe import Recipe, with_values

Space = Callable[[Any], dict[str, Any]]
CHOICE = "choose_"
SPACES_FOLDER = "search_spaces"


def load_space(name_or_file: str) -> Space:
    """The function `space` of search_spaces/<name>.py, or of a Python file.

    The file is executed, as any Python file one imports. Raises InputError.
    """
    path = Path(name_or_file)
    if path.suffix != ".py":
        path = Path(SPACES_FOLDER) / f"{name_or_file}.py"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in Path(SPACES_FOLDER).glob("*.py")))
        raise InputError(
            "there is no such search space",
            where=str(path),
            fix=f"give a .py file or one of {known}",
        )
    if str(path.parent.absolute()) not in sys.path:
        sys.path.append(str(path.parent.absolute()))
    try:
        module = importlib.import_module(path.stem)
    except SyntaxError as error:
        what = f"is not Python ({error.msg}, line {error.lineno})"
        raise InputError(what, where=str(path)) from error
    if Path(module.__file__ or "").absolute() != path.absolute():
        raise InputError(
            f"another module ({module.__file__}) is imported by this name",
            where=str(path),
            fix="rename the file",
        )
    if not callable(getattr(module, "space", None)):
        raise InputError("defines no function `space(trial)`", where=str(path))
    return module.space


def recipe_of(parameters: dict[str, Any]) -> Recipe:
    """The recipe of a trial's parameters; raises RecipeError."""
    values = {k: v for k, v in parameters.items() if not k.startswith(CHOICE)}
    preset, size = str(values.pop("preset", "")), str(values.pop("size", "small"))
    return with_values(load(preset, size, "space"), values, where="space")


def shown(parameters: dict[str, Any]) -> dict[str, Scalar]:
    """A trial's parameters as its record keeps them: lists and groups as JSON text."""
    return {
        name: value if isinstance(value, Scalar) else orjson.dumps(value).decode()
        for name, value in parameters.items()
    }
