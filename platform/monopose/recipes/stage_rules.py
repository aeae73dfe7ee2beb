"""What must hold of a recipe's stages, critic and unlabelled video: tests for the rules."""

import math

from monopose.recipes.recipe import Recipe
from monopose.recipes.stages import Stage

WITHOUT_LABELS = ("symmetry", "bone_constancy", "orthographic", "perspective")
"""losses that speak of samples without labels"""
NO_POSE = (*WITHOUT_LABELS, "trajectory")
"""losses that do not compare the pose with a label"""
VIDEO_ONLY = ("orthographic", "perspective")
"""losses that speak of 2D-only video alone"""


def lacks_pose_labels(recipe: Recipe) -> bool:
    """No loss compares the pose with its label."""
    return all(term.term in NO_POSE for term in recipe.losses)


def shares_are_not_whole(recipe: Recipe) -> bool:
    """The stages are more or less than the budget."""
    return not math.isclose(sum(stage.share for stage in recipe.stages), 1.0, abs_tol=1e-6)


def names_unknown_terms(recipe: Recipe) -> bool:
    """A stage names a loss that the recipe has not."""
    known = {term.term for term in recipe.losses}
    return any(not known.issuperset(stage.terms or ()) for stage in recipe.stages)


def has_a_stage_without_pose_labels(recipe: Recipe) -> bool:
    """In a stage no loss compares the pose with its label, though the recipe has one that does."""
    if lacks_pose_labels(recipe) or names_unknown_terms(recipe):
        return False
    return any(_names(recipe, stage).issubset(NO_POSE) for stage in recipe.stages)


def plays_without_critic_or_never(recipe: Recipe) -> bool:
    """A stage wants the critic that there is not, or there is one and no stage wants it."""
    return (recipe.critic is None) == any(stage.critic for stage in recipe.stages)


def has_half_a_trajectory(recipe: Recipe) -> bool:
    """The trajectory model without its loss, its loss without it, or its use without either."""
    names = {term.term for term in recipe.losses}
    has_loss = "trajectory" in names
    return (recipe.trajectory is not None) != has_loss or ("perspective" in names and not has_loss)


def learns_nothing_from_video(recipe: Recipe) -> bool:
    """A stage mixes in 2D-only video, and neither a loss nor the critic speaks of it."""
    return any(
        stage.unlabelled > 0
        and not stage.critic
        and _names(recipe, stage).isdisjoint(WITHOUT_LABELS)
        for stage in recipe.stages
    )


def lacks_video(recipe: Recipe) -> bool:
    """A loss on 2D-only video, and no stage in which it counts mixes any in."""
    used = {n for s in recipe.stages if s.unlabelled > 0 for n in _names(recipe, s)}
    return any(t.term in VIDEO_ONLY and t.term not in used for t in recipe.losses)


def streams_unlabelled(recipe: Recipe) -> bool:
    """Clips are to be told apart by their labels, but come as they are read."""
    mixes = recipe.data.label_share < 1 or any(stage.unlabelled > 0 for stage in recipe.stages)
    return mixes and recipe.runtime.ingest == "stream"


def has_no_second_frame(recipe: Recipe) -> bool:
    """Chunks are too short for the critic's intervals."""
    if recipe.critic is None:
        return False
    return max(recipe.critic.intervals, default=0) >= recipe.budget.chunk_frames


def has_no_real_poses(recipe: Recipe) -> bool:
    """The critic plays on batches without labels."""
    return any(stage.critic and stage.unlabelled == 1.0 for stage in recipe.stages)


def _names(recipe: Recipe, stage: Stage) -> set[str]:
    return {term.term for term in recipe.terms_of(stage)}
