"""Leaderboards and evaluations as tables: for the terminal, for Markdown files and for HTML.

One `TextTable` holds the finished text, so the three forms can never disagree.
"""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from monopose.evaluation.leaderboard import Leaderboard, Scalar, TrialRecord
from monopose.evaluation.records import Evaluation, Score

MISSING = "—"
_RIGHT = frozenset(
    ("rank", "error, mm", "epochs", "time, s", "weights", "masked", "joints", "clips", "frames")
) | frozenset(("minutes", "subjects", "with 3D", "with 2D", "several views", "with images"))
_WIDE = frozenset(("state", "evidence"))


@dataclass(frozen=True)
class TextTable:
    """A finished table: `caption` says what all its rows have in common."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def rich(self) -> Table:
        """For the terminal; build it anew for each refresh of a `rich.live.Live`."""
        table = Table(title=Text(self.caption), title_justify="left")
        for column in self.columns:
            table.add_column(
                column, justify="right" if column in _RIGHT else "left", overflow="fold"
            )
        for row in self.rows:
            table.add_row(*(Text(cell) for cell in row))
        return table

    def markdown(self) -> str:
        """A caption line and a pipe table; characters with a meaning in either are escaped."""
        rules = ("---:" if column in _RIGHT else "---" for column in self.columns)
        lines = (_pipe_row(map(_markdown, self.columns)), _pipe_row(rules))
        body = (_pipe_row(map(_markdown, row)) for row in self.rows)
        return "\n".join((_markdown(self.caption), "", *lines, *body)) + "\n"

    def html(self) -> str:
        """A `<table>` with a caption and header scopes, every cell escaped."""
        head = "".join(f'<th scope="col">{html.escape(column)}</th>' for column in self.columns)
        body = "\n".join(f"<tr>{self._html_cells(row)}</tr>" for row in self.rows)
        return (
            f"<table><caption><span>{html.escape(self.caption)}</span></caption>\n"
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
        )

    def _html_cells(self, row: Sequence[str]) -> str:
        kinds = (
            "number" if column in _RIGHT else "wide" if column in _WIDE else "text"
            for column in self.columns
        )
        pairs = zip(kinds, row, strict=True)
        return "".join(f'<td class="{kind}">{html.escape(cell)}</td>' for kind, cell in pairs)


def leaderboard_table(
    leaderboard: Leaderboard, *, top: int | None = None, parameters: bool = True
) -> TextTable:
    """The trials, best first, `top` of them or all; errors in mm.

    parameters: False leaves out their column, for a narrow terminal. Trials that failed or were
    refused stand last, with the reason. A trial's error is one run's: it has no interval.
    """
    columns = ["rank", "trial", "error, mm", "state", "epochs", "time, s", "weights", "recipe"]
    columns += ["parameters"] if parameters else []
    names = short_names({name for trial in leaderboard.trials for name in trial.parameters})
    ranks = len(scored(leaderboard))
    cells = (
        _trial_cells(rank if rank <= ranks else None, trial, names)
        for rank, trial in enumerate(leaderboard.ranked()[:top], start=1)
    )
    rows = tuple(tuple(row[column] for column in columns) for row in cells)
    return TextTable(_caption(leaderboard), tuple(columns), rows)


def evaluation_table(evaluations: Iterable[Evaluation]) -> TextTable:
    """Every score of every evaluation with its interval, protocol and data set."""
    columns = "model,protocol,score,masked,alignment,average,joints,clips,frames"
    columns += ",split,data set,recipe,code"
    rows = tuple(_score_cells(each, score) for each in evaluations for score in each.scores)
    return TextTable("Scores with 95 % intervals over clips", tuple(columns.split(",")), rows)


def summary_table(evaluations: Sequence[Evaluation]) -> TextTable:
    """One model on one data set: a row for each protocol, a column for each masked share."""
    first = evaluations[0]
    columns = ("protocol", *(f"{each.mask_share:.0%} masked" for each in evaluations))
    rows = tuple(
        (score.protocol, *(format_score(each.score(score.protocol)) for each in evaluations))
        for score in first.scores
    )
    data = data_set_name(first.dataset, first.dataset_digest, first.synthetic)
    caption = (
        f"{first.recipe_name} ({first.recipe_digest}) on {data}, split {first.split}: "
        f"{first.scores[0].clips} clips, {first.scores[0].frames} frames; 95 % intervals over clips"
    )
    return TextTable(caption, columns, rows)


def values_table(label: str, values: dict[str, float]) -> TextTable:
    """Root-relative errors by joint, action, camera or subject, largest first; mm."""
    ordered = sorted(values.items(), key=lambda item: -item[1])
    rows = tuple((name, f"{error_mm:.1f}") for name, error_mm in ordered)
    return TextTable(f"Error by {label}", (label, "error, mm"), rows)


def scored(leaderboard: Leaderboard) -> tuple[TrialRecord, ...]:
    """The trials that have a rank, best first."""
    pairs = zip(leaderboard.ranked(), leaderboard.rows(), strict=True)
    return tuple(trial for trial, row in pairs if row["rank"] is not None)


def format_score(score: Score) -> str:
    """`52.3 [50.1, 54.4] mm`; a single clip has no interval, which is said."""
    digits = 2 if score.unit == "mm/frame" else 1
    if score.low is None or score.high is None:
        return f"{score.value:.{digits}f} {score.unit} (no interval)"
    interval = f"[{score.low:.{digits}f}, {score.high:.{digits}f}]"
    return f"{score.value:.{digits}f} {interval} {score.unit}"


def format_value(value: Scalar) -> str:
    """A parameter's value: floats to four significant digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def data_set_name(dataset: str, digest: str, synthetic: bool) -> str:
    """`studio@0a1b2c3d4e5f (synthetic)`."""
    return f"{dataset}@{digest[:12]}" + (" (synthetic)" if synthetic else "")


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Each dotted name to its shortest ending, of two parts or more, that no other shares."""
    known = set(names)
    return {name: _shortest(name, known - {name}) for name in sorted(known)}


def _shortest(name: str, others: set[str]) -> str:
    parts = name.split(".")
    tails = (".".join(parts[start:]) for start in range(len(parts) - 2, 0, -1))
    free = (t for t in tails if not any(o == t or o.endswith("." + t) for o in others))
    return next(free, name)


def _caption(leaderboard: Leaderboard) -> str:
    data = data_set_name(leaderboard.dataset, leaderboard.dataset_digest, leaderboard.synthetic)
    return (
        f"{leaderboard.study}: {len(leaderboard.trials)} trials; {leaderboard.protocol} on {data}, "
        f"split {leaderboard.split}, seed {leaderboard.seed}, code {leaderboard.code_version}; "
        "one run each, so no intervals"
    )


def _trial_cells(rank: int | None, trial: TrialRecord, names: dict[str, str]) -> dict[str, str]:
    error = MISSING if trial.val_mpjpe_mm is None else f"{trial.val_mpjpe_mm:.1f}"
    values = (f"{names[name]}={format_value(v)}" for name, v in trial.parameters.items())
    return {
        "rank": MISSING if rank is None else str(rank),
        "trial": f"{trial.number} {trial.trial_id}",
        "error, mm": error,
        "state": f"{trial.state}: {trial.reason}" if trial.reason else trial.state,
        "epochs": str(trial.epochs),
        "time, s": f"{trial.seconds:.0f}",
        "weights": f"{trial.num_parameters:,}",
        "recipe": trial.recipe_digest or MISSING,
        "parameters": ", ".join(values),
    }


def _score_cells(evaluation: Evaluation, score: Score) -> tuple[str, ...]:
    return (
        evaluation.recipe_name,
        score.protocol,
        format_score(score),
        f"{evaluation.mask_share:.0%}",
        score.alignment,
        score.aggregation,
        str(score.joints),
        str(score.clips),
        str(score.frames),
        evaluation.split,
        data_set_name(evaluation.dataset, evaluation.dataset_digest, evaluation.synthetic),
        evaluation.recipe_digest,
        evaluation.code_version,
    )


def _pipe_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown(text: str) -> str:
    escaped = text.replace("\\", "\\\\")
    for mark in "|*`<":
        escaped = escaped.replace(mark, "\\" + mark)
    return " ".join(escaped.split())
