"""Presets by name: functions that return a whole recipe in three sizes."""

from collections.abc import Callable
from pathlib import Path

from monopose.errors import RecipeError
from monopose.recipes.recipe import Recipe, from_file
from monopose.recipes.simple_baseline import simple_baseline
from monopose.recipes.videopose3d import Size, videopose3d

PRESETS: dict[str, Callable[[Size], Recipe]] = {
    "videopose3d": videopose3d,
    "simple_baseline": simple_baseline,
}


def load(name_or_file: str, size: Size = "small") -> Recipe:
    """A preset by name, or a recipe from a JSON file; raises RecipeError."""
    if name_or_file in PRESETS:
        return PRESETS[name_or_file](size)
    if name_or_file.endswith(".json"):
        return from_file(Path(name_or_file))
    raise RecipeError(
        f"unknown recipe {name_or_file!r}",
        fix=f"give one of {', '.join(PRESETS)}, or a .json file",
    )
