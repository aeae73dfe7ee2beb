import numpy as np
import pytest
from jaxtyping import Float64

from monopose.evaluation.ablation import Asked, Cell, answer, mean_over_seeds
from monopose.evaluation.records import TakeValue

MPJPE = "h36m17/mpjpe/pooled"
CLIPS = 12


def cell(variant: str, seed: int, values: Float64[np.ndarray, " C"], **changes: object) -> Cell:
    """A cell whose takes have these values under the condition "clean", ten frames each."""
    takes = tuple(
        TakeValue(clip_id=f"c{index:02d}", action="walk", value=float(v), count=10, joints=17)
        for index, v in enumerate(values)
    )
    content: dict[str, object] = {
        "variant": variant, "seed": seed, "recipe_digest": "r", "dataset_digest": "d",
        "code_version": "1", "date": "2026-01-01", "machine": "m", "epochs": 3,
        "train_seconds": 1.0, "num_parameters": 9, "values": {"clean": {MPJPE: takes}},
    }  # fmt: skip
    return Cell.model_validate({**content, **changes})


def cells(gain: float, seeds: int = 3) -> list[Cell]:
    """`new` is better than `old` by `gain` on every clip, up to a tenth of a millimetre."""
    rng = np.random.default_rng(0)
    hard = rng.normal(60, 20, CLIPS)
    return [
        cell(variant, seed, hard - less + rng.normal(0, 0.1, CLIPS))
        for seed in range(seeds)
        for variant, less in (("old", 0.0), ("new", gain))
    ]


def asked(expected: str = "lower", at_most: float | None = None, of: str = "new") -> Asked:
    return Asked.model_validate(
        {
            "id": "Q",
            "asks": "is it?",
            "of": (of, "clean"),
            "against": ("old", "clean"),
            "expected": expected,
            "at_most": at_most,
            "protocol": MPJPE,
        }
    )


def test_a_gain_on_every_clip_and_seed_is_told_apart() -> None:
    found = answer(asked(), cells(3.0))
    assert found.verdict == "as expected"
    assert found.value == pytest.approx(-3.0, abs=0.1)
    assert found.low is not None
    assert found.high is not None
    assert found.low < -2.9 < found.high + 0.2 < 0
    assert (found.seeds, found.claim) == ((0, 1, 2), True)
    assert answer(asked("higher"), cells(3.0)).verdict == "the other way"
    assert answer(asked(), cells(-3.0)).verdict == "the other way"


def test_no_gain_is_not_distinguishable() -> None:
    assert answer(asked(), cells(0.0)).verdict == "not distinguishable"


@pytest.mark.parametrize(
    ("bound", "verdict"),
    [(1.2, "as expected"), (1.0, "the other way")],
)
def test_a_bound_is_asked_of_the_ratio(bound: float, verdict: str) -> None:
    found = answer(asked(at_most=bound), cells(-6.0))
    old = mean_over_seeds(cells(-6.0), "old", "clean", MPJPE)
    assert old is not None
    assert found.value == pytest.approx(1 + 6 / old.value, abs=0.01)
    assert found.verdict == verdict


def test_one_seed_answers_but_claims_nothing() -> None:
    found = answer(asked(), cells(3.0, seeds=1))
    assert (found.verdict, found.claim, found.seeds) == ("as expected", False, (0,))


def test_only_seeds_and_takes_that_both_sides_have_are_compared() -> None:
    rng = np.random.default_rng(1)
    hard = rng.normal(60, 20, CLIPS)
    some = [
        cell("old", 0, hard), cell("old", 1, hard), cell("old", 2, hard + 500),
        cell("new", 0, hard[:6] - 2), cell("new", 1, hard[:6] - 4), cell("new", 3, hard[:6] + 500),
    ]  # fmt: skip
    found = answer(asked(), some)
    assert found.seeds == (0, 1)
    assert found.value == pytest.approx(-3.0)
    assert found.of is not None
    assert found.of.clips == 6


def test_what_was_not_measured_is_said() -> None:
    found = answer(asked(of="absent"), cells(3.0))
    assert (found.verdict, found.value, found.of) == ("not measured", None, None)
    assert mean_over_seeds(cells(3.0), "old", "masked", MPJPE) is None


def test_a_variants_mean_counts_frames_and_seeds() -> None:
    mean = mean_over_seeds(
        [cell("a", 0, np.array([10.0, 30.0])), cell("a", 1, np.array([20.0, 60.0]))],
        "a", "clean", MPJPE,
    )  # fmt: skip
    assert mean is not None
    assert (mean.value, mean.seeds, mean.clips, mean.unit) == (30.0, (0, 1), 2, "mm")
    assert cell("a", 0, np.array([1.0])).has(["clean"], [MPJPE])
    assert not cell("a", 0, np.array([1.0])).has(["masked"], [MPJPE])
