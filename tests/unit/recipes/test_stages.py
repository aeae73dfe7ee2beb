from typing import Any

import pytest

from monopose.recipes.recipe import Recipe, with_values
from monopose.recipes.rules import check
from monopose.recipes.stages import Stage, stage_at, sup_adv_semi

TERMS = [
    {"term": "mpjpe"},
    {"term": "trajectory"},
    {"term": "perspective", "weight": 0.1},
]
SCHEDULE = [stage.model_dump() for stage in sup_adv_semi(("mpjpe", "trajectory"))]
SEMI = with_values(
    Recipe(name="semi"),
    {"losses": TERMS, "critic": {}, "trajectory": {}, "stages": SCHEDULE, "budget.epochs": 20},
)


def names(recipe: Recipe, epoch: int) -> list[str]:
    return [term.term for term in recipe.terms_of(recipe.stage_of(epoch))]


def test_the_default_is_one_stage_of_everything() -> None:
    recipe = Recipe(name="plain")
    (stage,) = recipe.stages
    assert all(recipe.stage_of(epoch) is stage for epoch in range(20))
    assert recipe.terms_of(stage) == recipe.losses
    assert (stage.critic, stage.unlabelled) == (False, 0.0)


def test_the_papers_schedule_is_labels_then_critic_then_video() -> None:
    """60 %, 15 % and 25 % of 20 epochs are 12, 3 and 5."""
    check(SEMI)
    stages = [SEMI.stage_of(epoch) for epoch in range(20)]
    assert [stage.name for stage in stages] == ["sup"] * 12 + ["adv"] * 3 + ["semi"] * 5
    assert [stage.critic for stage in stages] == [False] * 12 + [True] * 8
    assert [stage.unlabelled for stage in stages] == [0.0] * 15 + [0.5] * 5
    assert names(SEMI, 0) == names(SEMI, 14) == ["mpjpe", "trajectory"]
    assert names(SEMI, 15) == ["mpjpe", "trajectory", "perspective"]
    assert sum(stage.share for stage in SEMI.stages) == pytest.approx(1.0)


def test_an_epoch_belongs_to_the_stage_of_its_middle() -> None:
    """Of two epochs the first is centred at 0.25, of four the third at 0.625."""
    two, four = (with_values(SEMI, {"budget.epochs": epochs}) for epochs in (2, 4))
    assert [two.stage_of(epoch).name for epoch in range(2)] == ["sup", "semi"]
    assert [four.stage_of(epoch).name for epoch in range(4)] == ["sup", "sup", "adv", "semi"]


def test_the_end_of_the_budget_belongs_to_the_last_stage() -> None:
    """Whatever the shares add up to in floating point."""
    stages = (Stage(name="a", share=0.1), Stage(name="b", share=0.9))
    assert stage_at(stages, 0.0999).name == "a"
    assert stage_at(stages, 0.1).name == stage_at(stages, 1.0).name == "b"


def test_the_root_is_asked_for_where_a_loss_needs_it() -> None:
    alone = with_values(SEMI, {"stages": [{"share": 0.5, "terms": ["mpjpe"]}, {"share": 0.5}]})
    assert [alone.uses_root(stage) for stage in alone.stages] == [False, True]
    assert all(SEMI.uses_root(stage) for stage in SEMI.stages)


@pytest.mark.parametrize(
    "values",
    [
        # Rule 16 of the combinations: fewer labels and nothing else is the baseline.
        {"data.label_share": 0.01},
        {"stages": [{"unlabelled": 0.5, "critic": True}], "critic": {}},
        {"stages": [{"unlabelled": 0.5}], "losses": [{"term": "mse"}, {"term": "symmetry"}]},
        {"critic": {"intervals": []}, "stages": [{"critic": True}], "budget.chunk_frames": 1},
    ],
)
def test_what_is_allowed(values: dict[str, Any]) -> None:
    recipe = with_values(Recipe(name="r"), values)
    assert check(recipe) is recipe
