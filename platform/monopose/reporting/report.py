"""A study as one self-contained HTML page: who won, by how much, on what, and where it fails."""

import html
from collections import Counter
from collections.abc import Iterator, Sequence

import orjson
import plotly.graph_objects as go

from monopose import storage
from monopose.evaluation.leaderboard import Leaderboard, TrialRecord
from monopose.evaluation.records import Evaluation
from monopose.reporting import figures, page
from monopose.reporting.animation import GRID_M, WorstClip, worst_clip
from monopose.reporting.page import Block
from monopose.reporting.tables import (
    data_set_name,
    evaluation_table,
    format_score,
    leaderboard_table,
    scored,
    values_table,
)

__all__ = ["WorstClip", "build_report", "write_report"]

_PX_PER_PARAMETER = 110


def write_report(
    leaderboard: Leaderboard,
    evaluations: Sequence[Evaluation],
    worst: WorstClip | None,
    uri: str,
    *,
    command: str = "",
) -> None:
    """Writes `build_report`'s page to a storage URI; raises StorageError."""
    storage.write_bytes(
        uri, build_report(leaderboard, evaluations, worst, command=command).encode()
    )


def build_report(
    leaderboard: Leaderboard,
    evaluations: Sequence[Evaluation] = (),
    worst: WorstClip | None = None,
    *,
    command: str = "",
) -> str:
    """The page as HTML; parts for which there is nothing to show are left out.

    evaluations: of the winner, and of any model to compare it with; the first model with the
    smallest mask share is the one whose errors are broken down. Without any, those that the
    leaderboard holds are used. command: what made the study, to repeat it.
    """
    shown = tuple(evaluations) or leaderboard.winner
    blocks = [
        *_provenance(leaderboard, shown, command),
        *_scores(shown),
        *_trials(leaderboard),
        *_breakdown(leaderboard, shown),
        *_worst(worst),
    ]
    return page.page(f"Study {leaderboard.study}", _lead(leaderboard, shown), blocks)


def _lead(leaderboard: Leaderboard, evaluations: Sequence[Evaluation]) -> str:
    counts = Counter(trial.state for trial in leaderboard.trials)
    states = ", ".join(f"{count} {state}" for state, count in counts.items()) or "none was run"
    sentences = [f"{len(leaderboard.trials)} trials: {states}."]
    ranked = scored(leaderboard)
    if ranked:
        sentences.append(
            f"The best is trial {ranked[0].number} with {ranked[0].val_mpjpe_mm:.1f} mm "
            f"({leaderboard.protocol}, split {leaderboard.split}, one run)."
        )
    protocol = _shared_protocol(leaderboard, evaluations)
    if protocol:
        first = _broken_down(evaluations)
        sentences.append(
            f"{first.recipe_name} reaches {format_score(first.score(protocol))} ({protocol}) on "
            f"{data_set_name(first.dataset, first.dataset_digest, first.synthetic)}, "
            f"split {first.split}."
        )
    mark = '<p class="mark">Synthetic data: no number here is about real people.</p>'
    warning = mark if leaderboard.synthetic or any(e.synthetic for e in evaluations) else ""
    return f"<p>{html.escape(' '.join(sentences))}</p>{warning}"


def _provenance(
    leaderboard: Leaderboard, evaluations: Sequence[Evaluation], command: str
) -> Iterator[Block]:
    seeds = sorted({leaderboard.seed, *(each.seed for each in evaluations)})
    rows = [
        ("data set", leaderboard.dataset),
        ("data digest", leaderboard.dataset_digest),
        ("synthetic", "yes" if leaderboard.synthetic else "no"),
        ("search space", leaderboard.space),
        ("protocol", leaderboard.protocol),
        ("split", leaderboard.split),
        ("seeds", ", ".join(map(str, seeds))),
        ("code version", leaderboard.code_version),
        ("date", leaderboard.date),
        *([("command", command)] if command else []),
    ]
    yield Block("Where the numbers come from", "What every trial below shares.", page.facts(rows))


def _scores(evaluations: Sequence[Evaluation]) -> Iterator[Block]:
    if not evaluations:
        return
    body = page.scrolling("Scores", evaluation_table(evaluations).html())
    yield Block(
        "Scores",
        "Every model under every protocol; brackets hold the 95 % interval over clips, and "
        "masked is the share of keypoints hidden from the model.",
        body,
    )


def _trials(leaderboard: Leaderboard) -> Iterator[Block]:
    ranked = scored(leaderboard)
    body = page.scrolling("Leaderboard", leaderboard_table(leaderboard).html())
    yield Block(
        "Leaderboard",
        "Trials by validation error, mm, lowest first; those without a result stand last, with "
        "the reason." if leaderboard.trials else "No trial was run.",
        body if leaderboard.trials else "",
    )  # fmt: skip
    if ranked and ranked[0].recipe is not None:
        yield _recipe(ranked[0], ranked[0].recipe)
    if any(point.val_mpjpe_mm is not None for t in leaderboard.trials for point in t.curve):
        yield _curves(leaderboard, ranked)
    if len(ranked) > 1 and figures.varying_parameters(leaderboard):
        yield _parameters(leaderboard, ranked)


def _recipe(trial: TrialRecord, recipe: dict[str, object]) -> Block:
    text = orjson.dumps(recipe, option=orjson.OPT_INDENT_2).decode()
    return Block(
        "The winner's recipe",
        f"Trial {trial.number} ({trial.trial_id}), recipe digest {trial.recipe_digest}: "
        "all that is needed to train it again.",
        page.collapsed("Show the recipe as JSON", f"<pre>{html.escape(text)}</pre>"),
    )


def _curves(leaderboard: Leaderboard, ranked: Sequence[TrialRecord]) -> Block:
    best = f"; the best reaches {ranked[0].val_mpjpe_mm:.1f} mm" if ranked else ""
    return Block(
        "Learning curves",
        "Validation error in mm after each evaluated epoch, one line a trial, the best in red; "
        "hover over a line for its trial.",
        figure=figures.learning_curves(leaderboard),
        alternative=f"Learning curves of {len(leaderboard.trials)} trials{best}.",
    )


def _parameters(leaderboard: Leaderboard, ranked: Sequence[TrialRecord]) -> Block:
    varying = figures.varying_parameters(leaderboard)
    return Block(
        "Parameters and error",
        "One line a trial from its parameters to its error in mm (rightmost axis), red for low; "
        "“—” marks a parameter that a trial does not have. Drag along an axis to select.",
        figure=figures.parallel_coordinates(leaderboard),
        alternative=f"Parallel coordinates of {len(ranked)} trials over {', '.join(varying)}; "
        "the leaderboard table holds the same values.",
        min_width_px=_PX_PER_PARAMETER * (len(varying) + 2),
    )


def _breakdown(leaderboard: Leaderboard, evaluations: Sequence[Evaluation]) -> Iterator[Block]:
    if not evaluations:
        return
    first = _broken_down(evaluations)
    data = data_set_name(first.dataset, first.dataset_digest, first.synthetic)
    yield Block(
        "Where the error is",
        f"Root-relative MPJPE in mm of {first.recipe_name} ({first.recipe_digest}) on {data}, "
        f"split {first.split}, {first.mask_share:.0%} of the keypoints masked, frames pooled.",
    )
    yield _bars("joint", first.by_joint, figures.error_by_joint(first))
    for label, values in (
        ("action", first.by_action),
        ("camera", first.by_camera),
        ("subject", first.by_subject),
    ):
        if len(values) > 1:
            yield _bars(label, values, figures.error_by_group(values))
    protocol = _shared_protocol(leaderboard, evaluations)
    if protocol and len({each.mask_share for each in evaluations}) > 1:
        yield _masks(protocol, evaluations)


def _bars(label: str, values: dict[str, float], figure: go.Figure) -> Block:
    table = values_table(label, values)
    worst, error_mm = table.rows[0] if table.rows else ("none", "0")
    return Block(
        f"Error by {label}",
        f"Mean error of each {label} in mm, the largest on top"
        + (", left and right of a pair together." if label == "joint" else "."),
        page.collapsed("Show the values", page.scrolling(f"Error by {label}", table.html())),
        figure,
        f"Bars of the error by {label}; the largest is {worst} with {error_mm} mm.",
        level=3,
    )


def _masks(protocol: str, evaluations: Sequence[Evaluation]) -> Block:
    values = (
        f"{each.recipe_name} at {each.mask_share:.0%} {format_score(each.score(protocol))}"
        for each in evaluations
    )
    return Block(
        "Error against hidden keypoints",
        f"{protocol} when a share of the input keypoints is hidden at random; bars are 95 % "
        "intervals over clips.",
        figure=figures.error_by_mask_share(evaluations, protocol),
        alternative="; ".join(values) + ".",
        level=3,
    )


def _worst(worst: WorstClip | None) -> Iterator[Block]:
    if worst is None:
        return
    yield Block(
        "The worst clip",
        f"{worst.clip_id} seen by {worst.camera_id}, MPJPE {worst.mpjpe_mm:.1f} mm: prediction "
        f"over truth, both relative to the root, grid lines {GRID_M:g} m apart. Drag to turn, "
        "press Play to move.",
        figure=worst_clip(worst),
        alternative=f"Animated skeletons of clip {worst.clip_id}, {len(worst.pose_m)} frames "
        f"at {worst.fps:g} Hz.",
    )


def _broken_down(evaluations: Sequence[Evaluation]) -> Evaluation:
    return min(evaluations, key=lambda each: each.mask_share)


def _shared_protocol(leaderboard: Leaderboard, evaluations: Sequence[Evaluation]) -> str | None:
    """The study's protocol when every model was scored under it, else their first common one."""
    wanted = [leaderboard.protocol, *(score.protocol for e in evaluations for score in e.scores)]
    scored_under = [{score.protocol for score in e.scores} for e in evaluations]
    common = (name for name in wanted if all(name in names for names in scored_under))
    return next(common, None) if evaluations else None
