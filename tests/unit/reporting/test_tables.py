import io
import re
from html.parser import HTMLParser

from rich.console import Console
from tests.unit.reporting.studies import (
    make_evaluation,
    make_leaderboard,
    make_score,
    make_trial,
)

from monopose.reporting.tables import (
    TextTable,
    evaluation_table,
    format_score,
    format_value,
    leaderboard_table,
    short_names,
    values_table,
)

STUDY = make_leaderboard(
    make_trial(0, None, "refused", reason="no | such *loss*", recipe_digest=None),
    make_trial(1, 70.04),
    make_trial(2, 55.55, "stopped", reason="below the median"),
    make_trial(3, None, "failed", reason="out of memory"),
)


def parse_markdown(text: str) -> list[dict[str, str]]:
    """Rows of the pipe table as dicts, escapes undone."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [
        [re.sub(r"\\(.)", r"\1", cell) for cell in re.split(r" (?<!\\)\| ", line[2:-2])]
        for line in lines
    ]
    assert all(len(row) == len(rows[0]) for row in rows)
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


def test_markdown_reads_back_to_the_trials_values() -> None:
    rows = parse_markdown(leaderboard_table(STUDY).markdown())
    assert [row["rank"] for row in rows] == ["1", "2", "—", "—"]
    assert [row["trial"] for row in rows] == ["2 t002", "1 t001", "0 t000", "3 t003"]
    assert [row["error, mm"] for row in rows] == ["55.5", "70.0", "—", "—"]
    assert rows[0]["state"] == "stopped: below the median"
    assert rows[2]["state"] == "refused: no | such *loss*"
    assert rows[3]["state"] == "failed: out of memory"
    assert rows[2]["recipe"] == "—"
    assert rows[1]["parameters"] == "optimiser.learning_rate=0.001"
    assert rows[1]["weights"].replace(",", "") == "123456"


def test_markdown_reads_back_to_the_scores() -> None:
    evaluations = [
        make_evaluation(0.0),
        make_evaluation(0.3, make_score(80.26, 70.02, 90.96), synthetic=False, dataset="h36m"),
    ]
    rows = parse_markdown(evaluation_table(evaluations).markdown())
    numbers = [tuple(map(float, re.findall(r"\d+\.\d+", row["score"]))) for row in rows]
    assert numbers == [(52.3, 50.1, 54.4), (80.3, 70.0, 91.0)]
    assert [row["masked"] for row in rows] == ["0%", "30%"]
    assert rows[0]["data set"] == "studio@0a1b2c3d4e5f (synthetic)"
    assert rows[1]["data set"] == "h36m@0a1b2c3d4e5f"
    assert rows[0]["protocol"] == "h36m17/mpjpe/pooled"
    assert (rows[0]["alignment"], rows[0]["clips"], rows[0]["frames"]) == ("none", "40", "9000")


def test_the_caption_says_what_the_errors_depend_on() -> None:
    caption = leaderboard_table(STUDY).caption
    for part in ("h36m17/mpjpe/pooled", "studio@0a1b2c3d4e5f (synthetic)", "split val", "seed 7"):
        assert part in caption
    assert "no intervals" in caption


def test_the_table_can_be_short_and_narrow() -> None:
    table = leaderboard_table(STUDY, top=1, parameters=False)
    assert len(table.rows) == 1
    assert "parameters" not in table.columns


def test_the_terminal_shows_names_that_look_like_markup_and_cuts_nothing() -> None:
    study = make_leaderboard(make_trial(0, 50.0, trial_id="[red]x[/red]"))
    console = Console(width=60, record=True, file=io.StringIO())
    console.print(leaderboard_table(study).rich())
    text = re.sub(r"[\s│]", "", console.export_text())
    assert "…" not in text
    wide = Console(width=300, record=True, file=io.StringIO())
    wide.print(leaderboard_table(study).rich())
    assert "0 [red]x[/red]" in wide.export_text()


class _Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th"):
            self.cells.append("")
        assert tag != "script"

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data.strip()


def test_html_holds_the_same_cells_with_names_escaped() -> None:
    table = TextTable("c", ("rank", "name"), (("1", "<script>alert(1)</script>"), ("2", "a & b")))
    parser = _Cells()
    parser.feed(table.html())
    assert parser.cells == ["rank", "name", "1", "<script>alert(1)</script>", "2", "a & b"]
    assert "<script>" not in table.html()


def test_scores_are_written_with_their_interval_or_say_that_there_is_none() -> None:
    assert format_score(make_score(52.31, 50.12, 54.44)) == "52.3 [50.1, 54.4] mm"
    assert format_score(make_score(52.31, None, None)) == "52.3 mm (no interval)"
    velocity = make_score(2.137, 2.05, 2.314, unit="mm/frame")
    assert format_score(velocity) == "2.14 [2.05, 2.31] mm/frame"


def test_values_are_short_and_the_largest_error_is_first() -> None:
    assert [format_value(v) for v in (0.00123456, True, None, 64)] == [
        "0.001235",
        "True",
        "None",
        "64",
    ]
    assert values_table("action", {"walk": 41.5, "lie": 88.25}).rows == (
        ("lie", "88.2"),
        ("walk", "41.5"),
    )


def test_short_names_stay_distinct() -> None:
    names = {"a.tcn.dropout", "b.tcn.dropout", "losses.velocity.weight", "flip"}
    assert short_names(names) == {
        "a.tcn.dropout": "a.tcn.dropout",
        "b.tcn.dropout": "b.tcn.dropout",
        "losses.velocity.weight": "velocity.weight",
        "flip": "flip",
    }
