"""Presets by name: functions that return a whole recipe in three sizes."""

from collections.abc import Callable
from pathlib import Path
from typing import cast, get_args

from monopose.errors import RecipeError
from monopose.recipes.occlusion_tcn import occlusion_tcn
from monopose.recipes.parts import Size
from monopose.recipes.recipe import Recipe, from_file
from monopose.recipes.simple_baseline import simple_baseline
from monopose.recipes.videopose3d import videopose3d

PRESETS: dict[str, Callable[[Size], Recipe]] = {
    "videopose3d": videopose3d,
    "simple_baseline": simple_baseline,
    "occlusion_tcn": occlusion_tcn,
}


def load(name_or_file: str, size: str = "small", where: str = "") -> Recipe:
    """A preset by name and size, or a recipe from a JSON file; raises RecipeError.

    where: what named them, for the error.
    """
    if name_or_file.endswith(".json"):
        return from_file(Path(name_or_file))
    if name_or_file not in PRESETS:
        fix = f"give one of {', '.join(PRESETS)}, or a .json file"
        raise RecipeError(f"unknown recipe {name_or_file!r}", where=where, fix=fix)
    return PRESETS[name_or_file](size_of(size, where))


def size_of(size: str, where: str = "") -> Size:
    """The size of that name; raises RecipeError naming those there are."""
    for known in get_args(Size):
        if size == known:
            return cast(Size, known)
    fix = f"give one of {', '.join(get_args(Size))}"
    raise RecipeError(f"unknown size {size!r}", where=where, fix=fix)
