"""Which recipes are impossible or pointless, and why; checked before any resource is taken.

Numbers are those of the papers' common table of combinations; rules without one are ours. Rules on
parts that do not exist yet come with their parts. Of the table, 16 is no rule here: fewer labels
without any use of the rest is the baseline. 18 cannot be broken: the critic has no batch norm.
"""

from collections.abc import Callable
from dataclasses import dataclass

from monopose.data.manifest import Manifest
from monopose.errors import RecipeError
from monopose.recipes import stage_rules as stages
from monopose.recipes.recipe import Recipe
from monopose.skeleton import conversion, joint_set


@dataclass(frozen=True)
class Rule:
    """A combination that is refused: its number in the table ("" for ours), test and reason."""

    number: str
    broken: Callable[[Recipe], bool]
    reason: str


_OVER_TIME = ("frame", "joint_track")


def _one_is_reversed(*ranges: tuple[float, float]) -> bool:
    return any(low > high for low, high in ranges)


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
        stages.lacks_pose_labels,
        "losses have no term that uses labels of poses: symmetric bones alone are satisfied by a "
        "point, projections by a flat pose",
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
            and _one_is_reversed(
                r.data.virtual_cameras.distance_m,
                r.data.virtual_cameras.elevation_deg,
                r.data.virtual_cameras.focal_to_width,
            )
        ),
        "data.virtual_cameras: a range's lower end lies above its upper end",
    ),
    Rule("", stages.shares_are_not_whole, "stages: the shares do not add up to 1"),
    Rule("", stages.names_unknown_terms, "stages.terms names a loss that is not among losses"),
    Rule(
        "",
        stages.has_a_stage_without_pose_labels,
        "stages: one of them has no term that uses labels of poses",
    ),
    Rule(
        "",
        stages.plays_without_critic_or_never,
        "critic and stages do not fit: a critic needs a stage with critic on, and that a critic",
    ),
    Rule(
        "",
        stages.has_half_a_trajectory,
        "trajectory needs the loss of that name and the loss needs it; perspective needs both",
    ),
    Rule(
        "",
        stages.learns_nothing_from_video,
        "stages.unlabelled: nothing learns from 2D-only video, neither a loss nor the critic",
    ),
    Rule(
        "",
        stages.lacks_video,
        "losses on 2D-only video need a stage in which they count with unlabelled above 0",
    ),
    Rule(
        "",
        stages.streams_unlabelled,
        "data.label_share below 1 and stages.unlabelled need runtime.ingest cache",
    ),
    Rule(
        "",
        lambda r: r.stored_maps_px is not None and r.data.virtual_cameras is not None,
        "encoder.maps stored needs data.virtual_cameras null: no detector has seen a virtual view",
    ),
    Rule(
        "",
        lambda r: r.stored_maps_px is not None and r.runtime.ingest == "stream",
        "encoder.maps stored needs runtime.ingest cache",
    ),
    Rule(
        "",
        lambda r: r.stored_maps_px is not None and r.fill is not None,
        "encoder.maps stored needs fill null: the maps of a missing joint cannot be filled",
    ),
    Rule(
        "10",
        stages.has_no_second_frame,
        "critic.intervals must be shorter than budget.chunk_frames: there is no second frame",
    ),
    Rule("17", stages.has_no_real_poses, "stages: the critic has no real poses to learn from"),
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
            and _one_is_reversed(
                r.data.occlusion.point_share,
                r.data.occlusion.track_share,
                r.data.occlusion.area_size,
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
    if recipe.stored_maps_px is not None and counts.has_heatmaps < counts.has_2d:
        raise RecipeError(
            f"clips of split {split!r} have no heatmaps, and encoder.maps is stored",
            where=where,
            fix="make them with `monopose data detect`",
        )
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
    if recipe.critic is not None and not mask.all():
        raise RecipeError(
            f"critic needs every bone, but joint set {manifest.joint_set!r} lacks joints of "
            f"{recipe.data.joint_set!r} (rule 24)",
            where=where,
            fix="give a data.joint_set that the data have, or no critic",
        )
