"""Training, measuring and lifting with an estimator that reads a detector's own maps."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.map_clips import SIDE, map_clip
from tests.moving_clips import CAMERAS, moving_clip, tiny_recipe
from tests.present import present

from monopose.data.clip import Clip
from monopose.data.maps import view_maps
from monopose.data.shards import write_clips
from monopose.errors import InputError
from monopose.evaluation.conditions import DOUBLE_SPEED, MASKED_50, Condition
from monopose.evaluation.evaluate import take_values
from monopose.inference.assess import assess, lift_of
from monopose.inference.predictor import Keypoints2d, Predictor
from monopose.inference.stream import LiveLifter
from monopose.recipes.recipe import Recipe
from monopose.training.run import prepare, train_here
from serve.served_models import load

MPJPE = "h36m17/mpjpe/pooled"
ENCODERS = {
    "heatmaps": {"encoder__channels": [8, 8], "encoder__width": 16},
    "heatmap_peak": {},
}


def recipe_of(kind: str) -> Recipe:
    return tiny_recipe(
        encoder__kind=kind, encoder__maps="stored", encoder__size_px=SIDE, data__flip=True,
        data__occlusion={"share": 0.5}, temporal__causal=True, **ENCODERS[kind],
    )  # fmt: skip


def clips() -> Iterator[Clip]:
    for index, split in enumerate(("train", "train", "val")):
        yield replace(map_clip(f"moving/S{index}/walk", 12), split=split)


@pytest.fixture(scope="module", params=list(ENCODERS))
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("maps")
    write_clips(clips(), str(folder / "data"), dataset="moving")
    job = prepare(recipe_of(request.param), str(folder / "data"), str(folder / "run"))
    reports: list[float] = []
    train_here(job, lambda report: reports.append(report.train_loss))
    assert reports[-1] < reports[0]
    return folder


@pytest.fixture(scope="module")
def predictor(trained: Path) -> Predictor:
    return Predictor.load(str(trained / "run" / "model"))


def sequence(clip: Clip, view: int = 0) -> Keypoints2d:
    score = present(clip.keypoint_score)[view]
    seen_px = present(clip.keypoints_px)[view]
    return Keypoints2d(seen_px, score, clip.joint_set, CAMERAS[view], maps=view_maps(clip, view))


def test_the_stored_model_measures_what_training_measured(trained: Path) -> None:
    predictor = Predictor.load(str(trained / "run" / "model"))
    evaluations = assess(predictor, str(trained / "data"), "val", (0.0, 0.5))
    found = {each.mask_share: each.score(MPJPE).value for each in evaluations}
    history = (trained / "run" / "history.jsonl").read_text().splitlines()[-1]
    assert f'"val_mpjpe_mm":{found[0.0]:.3f}'[:-2] in history
    assert abs(found[0.5] - found[0.0]) > 0.01


def test_the_maps_are_what_it_reads(predictor: Predictor) -> None:
    clip = map_clip(frames=6)
    given = sequence(clip)
    moved = replace(given, keypoints_px=given.keypoints_px + 40)
    np.testing.assert_array_equal(predictor.lift([given])[0], predictor.lift([moved])[0])
    maps = present(given.maps)
    empty = replace(given, maps=replace(maps, heatmaps=np.zeros_like(maps.heatmaps)))
    assert np.abs(predictor.lift([given])[0] - predictor.lift([empty])[0]).max() > 1e-4


def test_a_keypoint_without_score_is_an_empty_map(predictor: Predictor) -> None:
    given = sequence(map_clip(frames=6))
    maps = present(given.maps)
    score = given.score.copy()
    score[2, 5] = 0
    emptied = maps.heatmaps.copy()
    emptied[2, 5] = 0
    hidden = predictor.lift([replace(given, score=score)])[0]
    same = predictor.lift([replace(given, maps=replace(maps, heatmaps=emptied))])[0]
    np.testing.assert_array_equal(hidden, same)


def test_a_mirrored_input_gives_the_mirrored_pose(predictor: Predictor) -> None:
    given, order = sequence(map_clip(frames=6)), list(predictor.joints.mirror)
    maps = present(given.maps)
    boxes = maps.box_px.copy()
    boxes[:, 0] = 1000 - boxes[:, 0] - boxes[:, 2]
    turned = replace(maps, heatmaps=maps.heatmaps[:, order, :, ::-1], box_px=boxes)
    other = replace(given, score=given.score[:, order], maps=turned)
    expected = predictor.lift([given])[0][:, order] * (-1, 1, 1)
    np.testing.assert_allclose(predictor.lift([other])[0], expected, atol=1e-5)


def test_sequences_of_any_lengths_are_lifted_as_alone(predictor: Predictor) -> None:
    given = [sequence(map_clip(f"c{n}", n)) for n in (6, 4, 6)]
    for together, one in zip(predictor.lift(given), given, strict=True):
        np.testing.assert_allclose(together, predictor.lift([one])[0], atol=1e-5)
    estimate = predictor.estimate(given)[1]
    assert estimate.pose_m.shape == (4, 17, 3)


@pytest.mark.parametrize("condition", [MASKED_50, DOUBLE_SPEED], ids=lambda each: each.name)
def test_it_is_measured_under_conditions(predictor: Predictor, condition: Condition) -> None:
    values = [
        take_values(lift_of(predictor), [asked], joint_set="h36m17", protocols=[MPJPE])[MPJPE]
        for asked in (map_clip(), present(condition.change(map_clip())))
    ]
    assert values[0][0].value != values[1][0].value


def test_it_is_not_served_and_the_alias_is_named(trained: Path) -> None:
    with pytest.raises(InputError, match=r"champion: the model reads .* no request holds"):
        load({"champion": str(trained / "run" / "model")}, "cpu")


def test_keypoints_alone_are_refused_everywhere(predictor: Predictor) -> None:
    bare = sequence(moving_clip(frames=6))
    with pytest.raises(InputError, match=r"keypoints: has no heatmaps"):
        predictor.lift([bare])
    with pytest.raises(InputError, match=r"reads a detector's own maps, and was given keypoints"):
        predictor.estimator(torch.zeros(1, 4, 17, 2), torch.zeros(1, 4, 17))
    with pytest.raises(InputError, match=r"maps, which come with no live keypoints"):
        LiveLifter(predictor, "h36m17", CAMERAS[0])
