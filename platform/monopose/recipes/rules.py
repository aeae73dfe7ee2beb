"""Which recipes are impossible or pointless, and why; checked before any resource is taken.

Numbers are those of the papers' common table of combinations; rules without one are ours. Rules on
parts that do not exist yet come with their parts.
"""

from collections.abc import Callable
from dataclasses import dataclass

from monopose.data.manifest import Manifest
from monopose.errors import RecipeError
from monopose.recipes.recipe import Recipe
from monopose.skeleton import conversion, joint_set


@dataclass(frozen=True)
class Rule:
    """A combination that is refused: its number in the table ("" for ours), test and reason."""

    number: str
    broken: Callable[[Recipe], bool]
    reason: str


_UNSUPERVISED = ("symmetry",)
_OVER_TIME = ("frame", "joint_track")

RULES: tuple[Rule, ...] = (
    Rule(
        "",
        lambda r: (
            r.temporal.kind != "none"
            and not r.temporal.causal
            and any(width % 2 == 0 for width in r.temporal.filter_widths)
        ),
        "temporal.filter_widths must be odd: an even filter has no middle frame to output",
    ),
    Rule(
        "",
        lambda r: len({term.term for term in r.losses}) < len(r.losses),
        "losses name the same term twice: give it once, with the sum of the weights",
    ),
    Rule(
        "",
        lambda r: all(term.term in _UNSUPERVISED for term in r.losses),
        "losses have no term that uses labels: symmetric bones alone are satisfied by a point",
    ),
    Rule(
        "",
        lambda r: r.budget.chunk_frames < 2 and any(t.term == "velocity" for t in r.losses),
        "losses.velocity needs budget.chunk_frames of at least 2: one frame has no velocity",
    ),
    Rule(
        "",
        lambda r: "pelvis" not in joint_set(r.data.joint_set).joints,
        "data.joint_set has no pelvis: poses are relative to it",
    ),
    Rule(
        "",
        lambda r: (
            r.data.virtual_cameras is not None
            and any(
                low > high
                for low, high in (
                    r.data.virtual_cameras.distance_m,
                    r.data.virtual_cameras.elevation_deg,
                    r.data.virtual_cameras.focal_to_width,
                )
            )
        ),
        "data.virtual_cameras: a range's lower end lies above its upper end",
    ),
    Rule(
        "12",
        lambda r: (
            r.temporal.kind == "none"
            and r.data.occlusion is not None
            and any(pattern in _OVER_TIME for pattern in r.data.occlusion.patterns)
        ),
        "data.occlusion.patterns frame and joint_track need an estimator that sees several frames",
    ),
    Rule(
        "",
        lambda r: (
            r.data.occlusion is not None
            and any(
                low > high
                for low, high in (
                    r.data.occlusion.point_share,
                    r.data.occlusion.track_share,
                    r.data.occlusion.area_size,
                )
            )
        ),
        "data.occlusion: a range's lower end lies above its upper end",
    ),
)


def check(recipe: Recipe, manifest: Manifest | None = None, split: str = "train") -> Recipe:
    """The recipe itself if it can be run (on that data set); raises RecipeError with the reason."""
    for rule in RULES:
        if rule.broken(recipe):
            number = f" (rule {rule.number})" if rule.number else ""
            raise RecipeError(rule.reason + number, where=f"recipe {recipe.name!r}")
    if manifest is not None:
        _check_data(recipe, manifest, split)
    return recipe


def _check_data(recipe: Recipe, manifest: Manifest, split: str) -> None:
    where = f"recipe {recipe.name!r} on data set {manifest.dataset!r}"
    counts = manifest.splits.get(split)
    if counts is None:
        known = ", ".join(manifest.splits)
        raise RecipeError(f"there is no split {split!r}", where=where, fix=f"it has {known}")
    if counts.has_2d == 0:
        raise RecipeError(f"no clip of split {split!r} has 2D keypoints", where=where)
    if counts.has_3d == 0:
        raise RecipeError(
            f"no clip of split {split!r} has 3D labels: every loss of this recipe uses them",
            where=where,
        )
    mask = conversion(manifest.joint_set, recipe.data.joint_set).mask
    if not mask[joint_set(recipe.data.joint_set).root]:
        raise RecipeError(
            f"joint set {manifest.joint_set!r} gives no root for {recipe.data.joint_set!r}",
            where=where,
        )
