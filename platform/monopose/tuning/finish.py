"""The end of a study: refit the winner over workers, evaluate it, register it, write the report."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from monopose import storage
from monopose.data.shards import read_clips
from monopose.evaluation.leaderboard import Leaderboard
from monopose.evaluation.records import Evaluation
from monopose.inference import registry
from monopose.inference.assess import assess, lifted_view
from monopose.inference.predictor import Predictor
from monopose.recipes.recipe import Recipe, with_values
from monopose.reporting.report import WorstClip, write_report
from monopose.training.driver import Resources, train
from monopose.training.loop import EpochReport
from monopose.training.run import VAL_SPLIT, prepare
from monopose.training.tracking import followed
from monopose.tuning.study import Plan


@dataclass(frozen=True)
class Finished:
    """What a study leaves behind."""

    board: Leaderboard
    version: str
    model_uri: str
    report_uri: str


def finish(
    plan: Plan,
    board: Leaderboard,
    epochs: int,
    resources: Resources,
    *,
    command: str,
    on_report: Callable[[EpochReport], None] = lambda _: None,
) -> Finished:
    """Refits, evaluates, registers as champion and reports; Ray must be initialised."""
    run_uri = storage.join(plan.uri, "refit")
    job = prepare(winner(board, epochs), plan.data, run_uri, fresh=True)
    with followed(run_uri, on_report):
        model_uri = train(job, resources)
    predictor = Predictor.load(model_uri)
    evaluations = assess(predictor, plan.data, VAL_SPLIT)
    version = f"{plan.name}-{datetime.datetime.now(datetime.UTC):%Y%m%d-%H%M%S}"
    registered = registry.register(model_uri, version)
    registry.set_alias(registry.CHAMPION, version)
    board = board.model_copy(update={"winner": evaluations})
    storage.write_bytes(storage.join(plan.uri, "leaderboard.json"), board.to_json())
    report_uri = storage.join(plan.uri, "report.html")
    worst = worst_clip_of(predictor, plan.data, evaluations[0])
    write_report(board, evaluations, worst, report_uri, command=command)
    return Finished(board, version, registered, report_uri)


def winner(board: Leaderboard, epochs: int) -> Recipe:
    """The winner's recipe with a full budget."""
    recipe = Recipe.model_validate(board.ranked()[0].recipe)
    return with_values(recipe, {"budget.epochs": epochs, "name": f"{board.study}-winner".lower()})


def worst_clip_of(predictor: Predictor, data: str, evaluation: Evaluation) -> WorstClip:
    """The view that the evaluation found worst, lifted and true, for the report's animation."""
    score = evaluation.worst(1)[0]
    uri, maps = storage.resolve(data, "data"), predictor.recipe.stored_maps_px is not None
    clips = read_clips(uri, evaluation.split, images=False, heatmaps=maps)
    clip, lifted_m, true_m = lifted_view(predictor, clips, score.clip_id, score.camera_id)
    return WorstClip(
        clip_id=score.clip_id,
        camera_id=score.camera_id,
        joint_set=predictor.joints.name,
        fps=clip.fps,
        pose_m=lifted_m,
        target_m=true_m,
        mpjpe_mm=score.mpjpe_mm,
    )
