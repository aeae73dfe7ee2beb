import json
import math
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from tests.unit.reporting.studies import (
    PROTOCOL,
    make_evaluation,
    make_leaderboard,
    make_score,
    make_trial,
)

from monopose.errors import InputError
from monopose.evaluation.leaderboard import CurvePoint, TrialRecord
from monopose.reporting import figures


def as_json(figure: go.Figure) -> dict[str, Any]:
    """What the browser gets."""
    return json.loads(figure.to_json())


def dimension(figure: go.Figure, label: str) -> dict[str, Any]:
    found = as_json(figure)["data"][0]["dimensions"]
    return next(each for each in found if each["label"] == label)


def read_dimension(each: dict[str, Any]) -> list[Any]:
    """What a reader sees: the tick text at a value, or the value."""
    ticks = dict(zip(each["tickvals"], each["ticktext"], strict=True))
    return [ticks.get(value, value) for value in each["values"]]


def test_learning_curves_hold_every_evaluated_epoch_and_end_with_the_best() -> None:
    unlucky = make_trial(
        2,
        None,
        "failed",
        curve=(CurvePoint(epoch=1, seconds=1.0, train_loss=0.2, val_mpjpe_mm=210.0),),
    )
    study = make_leaderboard(
        make_trial(0, 50.0), make_trial(1, 70.0), unlucky, make_trial(3, None, "refused")
    )
    traces = as_json(figures.learning_curves(study))["data"]
    curves = {trace["meta"].split(",")[0]: (trace["x"], trace["y"]) for trace in traces}
    assert curves == {
        "trial 0 t000": ([1, 3], [150.0, 50.0]),
        "trial 1 t001": ([1, 3], [210.0, 70.0]),
        "trial 2 t002": ([1], [210.0]),
    }
    assert traces[-1]["name"] == "best: trial 0 t000"
    assert [trace["showlegend"] for trace in traces] == [True, False, True]


def test_a_curve_that_starts_far_off_is_drawn_on_a_logarithmic_axis() -> None:
    wide = figures.learning_curves(make_leaderboard(make_trial(0, 50.0), make_trial(1, 400.0)))
    narrow = figures.learning_curves(make_leaderboard(make_trial(0, 50.0), make_trial(1, 60.0)))
    assert as_json(wide)["layout"]["yaxis"]["type"] == "log"
    assert "type" not in as_json(narrow)["layout"]["yaxis"]


CONDITIONAL = make_leaderboard(
    make_trial(0, 50.0, parameters={"t.kind": "tcn", "t.channels": 64, "lr": 1e-4, "flip": True}),
    make_trial(1, 60.0, parameters={"t.kind": "none", "lr": 1e-3, "flip": False}),
    make_trial(2, 70.0, parameters={"t.kind": "tcn", "t.channels": 256, "lr": 1e-2, "flip": True}),
    make_trial(3, None, "failed", parameters={"t.kind": "lstm", "lr": 1.0, "flip": True}),
)


def test_parallel_coordinates_show_absent_parameters_as_such() -> None:
    figure = figures.parallel_coordinates(CONDITIONAL)
    channels = dimension(figure, "t.channels")
    assert read_dimension(channels) == ["64", "—", "256"]
    assert channels["values"][0] == 64
    assert channels["values"][1] < 64
    assert channels["range"] == [channels["values"][1], 256]
    assert read_dimension(dimension(figure, "t.kind")) == ["tcn", "none", "tcn"]
    assert read_dimension(dimension(figure, "flip")) == ["True", "False", "True"]


def test_parallel_coordinates_space_wide_ranges_by_their_logarithm() -> None:
    rate = dimension(figures.parallel_coordinates(CONDITIONAL), "lr")
    assert rate["values"] == pytest.approx([-4, -3, -2])
    assert rate["ticktext"] == ["0.0001", "0.001", "0.01"]
    uniform = make_leaderboard(
        *(make_trial(i, 50.0 + i, parameters={"d": 0.01 + 0.05 * i}) for i in range(10))
    )
    dropout = dimension(figures.parallel_coordinates(uniform), "d")
    assert dropout["values"] == pytest.approx([0.01 + 0.05 * i for i in range(10)])
    assert len(dropout["tickvals"]) == 5


def test_parallel_coordinates_end_at_the_error_and_leave_out_what_failed() -> None:
    trace = as_json(figures.parallel_coordinates(CONDITIONAL))["data"][0]
    assert trace["dimensions"][-1]["label"] == "error, mm"
    assert trace["dimensions"][-1]["values"] == [50.0, 60.0, 70.0]
    assert trace["line"]["color"] == [50.0, 60.0, 70.0]
    assert all(len(each["values"]) == 3 for each in trace["dimensions"])


def test_parallel_coordinates_leave_out_what_never_changes() -> None:
    study = make_leaderboard(
        make_trial(0, 50.0, parameters={"same": 1, "other": None}),
        make_trial(1, 60.0, parameters={"same": 1, "other": 2}),
    )
    assert figures.varying_parameters(study) == {"other": "other"}
    other = dimension(figures.parallel_coordinates(study), "other")
    assert read_dimension(other) == ["None", "2"]


@pytest.mark.parametrize("trials", [(), (make_trial(0, 50.0),), (make_trial(0, None, "failed"),)])
def test_small_studies_give_finite_figures(trials: tuple[TrialRecord, ...]) -> None:
    study = make_leaderboard(*trials)
    for figure in (figures.learning_curves(study), figures.parallel_coordinates(study)):
        json.loads(figure.to_json(), parse_constant=lambda word: pytest.fail(word))
    for each in as_json(figures.parallel_coordinates(study))["data"][0]["dimensions"]:
        assert each["range"][0] < each["range"][1]


def test_error_by_joint_holds_each_joint_once_on_its_side() -> None:
    evaluation = make_evaluation()
    traces = as_json(figures.error_by_joint(evaluation))["data"]
    shown = {
        (name if trace["name"] == "middle" else f"{trace['name']}_{name}"): error_mm
        for trace in traces
        for name, error_mm in zip(trace["y"], trace["x"], strict=True)
    }
    assert shown == evaluation.by_joint
    assert [len(trace["y"]) for trace in traces] == [6, 6, 5]
    left, right = traces[0], traces[1]
    assert left["offset"] == pytest.approx(right["offset"] + right["width"])


def test_error_by_group_puts_the_largest_on_top() -> None:
    figure = as_json(figures.error_by_group({"walk": 41.5, "lie": 88.25, "sit": 60.0}))
    bars = dict(zip(figure["data"][0]["y"], figure["data"][0]["x"], strict=True))
    assert bars == {"walk": 41.5, "lie": 88.25, "sit": 60.0}
    assert figure["layout"]["yaxis"]["categoryarray"] == ["walk", "sit", "lie"]


def test_error_by_mask_share_has_a_line_for_each_model_with_intervals() -> None:
    evaluations = [
        make_evaluation(0.3, make_score(80.0, 71.0, 92.0)),
        make_evaluation(0.0, make_score(50.0, 48.0, 53.0)),
        make_evaluation(0.0, make_score(60.0, None, None), recipe_name="<b>other</b>"),
        make_evaluation(0.0, make_score(65.0, 60.0, 70.0), split="val"),
    ]
    traces = as_json(figures.error_by_mask_share(evaluations, PROTOCOL))["data"]
    assert [trace["x"] for trace in traces] == [[0.0, 30.0], [0.0], [0.0]]
    values, error_y = np.array(traces[0]["y"]), traces[0]["error_y"]
    np.testing.assert_allclose(values + error_y["array"], [53.0, 92.0])
    np.testing.assert_allclose(values - error_y["arrayminus"], [48.0, 71.0])
    data = "studio@0a1b2c3d4e5f (synthetic)"
    assert [trace["name"] for trace in traces] == [
        f"winner abcdef012345<br>{data}, test",
        f"&lt;b&gt;other&lt;/b&gt; abcdef012345<br>{data}, test",
        f"winner abcdef012345<br>{data}, val",
    ]
    assert traces[1]["error_y"]["array"] == [0.0]


def test_error_by_mask_share_names_a_protocol_that_is_missing() -> None:
    with pytest.raises(InputError, match=r"no score under protocol 'x'; there are h36m17/mpjpe"):
        figures.error_by_mask_share([make_evaluation()], "x")


def test_every_error_of_a_figure_is_a_number() -> None:
    study = make_leaderboard(make_trial(0, 50.0), make_trial(1, 70.0))
    trace = as_json(figures.learning_curves(study))["data"][0]
    assert all(isinstance(value, float) and math.isfinite(value) for value in trace["y"])
