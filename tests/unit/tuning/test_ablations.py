from dataclasses import replace
from functools import partial

import pytest

from monopose.errors import InputError, RecipeError
from monopose.evaluation.conditions import CLEAN, MASKED_30, Condition, masked
from monopose.recipes.parts import Size
from monopose.recipes.rules import check
from monopose.recipes.videopose3d import videopose3d
from monopose.tuning.ablation import Ablation, Question, Side
from monopose.tuning.ablations.catalog import ABLATIONS, ablation

SIZES: tuple[Size, ...] = ("smoke", "small", "paper")
ASKED = Question("q", "is it?", Side("a", MASKED_30), Side("b"))


def small(**changes: object) -> Ablation:
    whole = Ablation("tiny", "a test", "a", {"a": videopose3d, "b": videopose3d}, (ASKED,))
    return replace(whole, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ABLATIONS)
def test_every_variant_is_a_recipe_of_its_own_that_can_be_run(name: str, size: Size) -> None:
    chosen = ablation(name)
    assert chosen.name == name
    recipes = [check(chosen.recipe(each, size, seed=3, values={})) for each in chosen.variants]
    assert len({recipe.digest() for recipe in recipes}) == len(recipes)
    assert {recipe.seed for recipe in recipes} == {3}
    assert [recipe.name for recipe in recipes] == [f"{name}-{each}" for each in chosen.variants]


def test_values_are_set_on_every_variant_and_seeds_change_the_digest() -> None:
    first, second = (small().recipe("a", "smoke", s, {"budget.epochs": 7}) for s in (0, 1))
    assert (first.budget.epochs, first.seed, second.seed) == (7, 0, 1)
    assert first.digest() != second.digest()
    with pytest.raises(RecipeError, match="there is no such field"):
        small().recipe("a", "smoke", 0, {"budget.epoch": 7})


def test_conditions_and_protocols_are_those_of_all_questions_once() -> None:
    again = replace(ASKED, id="r", protocol="h36m17/n_mpjpe/pooled")
    whole = small(questions=(ASKED, again))
    assert [condition.name for condition in whole.all_conditions()] == ["clean", "masked_30"]
    assert whole.all_protocols()[-1] == "h36m17/n_mpjpe/pooled"
    assert len(set(whole.all_protocols())) == len(whole.all_protocols())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reference": "c"}, "ablation 'tiny': no variant is called c"),
        ({"questions": (replace(ASKED, of=Side("x")),)}, "no variant is called x"),
        ({"questions": (ASKED, ASKED)}, "two questions have the same id"),
        ({"protocols": ("nope",)}, "unknown protocol 'nope'"),
        (
            {"conditions": (CLEAN, Condition("clean", "", partial(masked, share=0.1)))},
            "two conditions have the same name",
        ),
    ],
)
def test_a_definition_that_contradicts_itself_is_refused(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        small(**changes)


def test_an_ablation_that_is_not_there_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match="there is no ablation 'nope'; give one of videopose3d"):
        ablation("nope")
