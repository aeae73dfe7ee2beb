import csv
import html.parser
import io
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from monopose.evaluation.ablation import AblationResult, Asked, Cell
from monopose.evaluation.records import TakeValue
from monopose.reporting.ablation import build_page, markdown, write_ablation
from monopose.reporting.ablation_figures import differences, means
from monopose.reporting.ablation_tables import (
    ANSWER_COLUMNS,
    answer_rows,
    means_table,
    questions_table,
)
from monopose.reporting.forest import forest_svg
from monopose.reporting.table_files import csv_text, latex
from monopose.reporting.tables import TextTable

MPJPE = "h36m17/mpjpe/pooled"
CLIPS = 8


def takes(shift: float) -> tuple[TakeValue, ...]:
    """Errors of 40, 45, ... mm, all moved by the same."""
    return tuple(
        TakeValue(clip_id=f"c{i}", action="a_1", value=40 + 5 * i + shift, count=9, joints=17)
        for i in range(CLIPS)
    )


def cell(variant: str, seed: int, shift: float) -> Cell:
    rng = np.random.default_rng(seed)
    values = {
        "clean": {MPJPE: takes(shift + rng.normal(0, 0.01))},
        "masked_30": {MPJPE: takes(shift + 20)},
    }
    return Cell(
        variant=variant,
        seed=seed,
        recipe_digest=f"{variant[:4]}{seed}",
        dataset_digest="d" * 64,
        code_version="0.1.0+abc",
        date="2026-01-01T00:00:00+00:00",
        machine="a machine",
        epochs=3,
        train_seconds=12.0,
        num_parameters=12345,
        values=values,
    )


def asked(question: str, of: str, against: str, at_most: float | None = None) -> Asked:
    return Asked(
        id=question,
        asks=f"is <{question}> & so on?",
        of=(of, "clean" if at_most is None else "masked_30"),
        against=(against, "clean"),
        expected="lower",
        at_most=at_most,
        protocol=MPJPE,
    )


def result(seeds: int = 3, **changes: object) -> AblationResult:
    """`better` is 4 mm below `base`, `same` equal to it; `lost` has no cell."""
    shifts = {"base": 0.0, "better": -4.0, "same": 0.0}
    whole = AblationResult(
        study="s",
        ablation="tiny",
        about="A test & more",
        reference="base",
        size="smoke",
        values={"budget.epochs": 3},
        variants=("base", "better", "same", "lost"),
        seeds=tuple(range(seeds)),
        conditions={"clean": "as it is", "masked_30": "30 % masked"},
        protocols=(MPJPE,),
        questions=(
            asked("gain", "better", "base"),
            asked("none", "same", "base"),
            asked("back", "base", "better"),
            asked("bound", "base", "base", at_most=1.2),
            asked("gone", "lost", "base"),
        ),
        dataset="handmade",
        dataset_digest="d" * 64,
        synthetic=True,
        split="val",
        date="2026-01-01T00:00:00+00:00",
        command="monopose ablate tiny --seeds 3",
        cells=tuple(cell(v, s, shift) for s in range(seeds) for v, shift in shifts.items()),
        failures={"lost-seed0": "out of memory"},
    )
    return whole.model_copy(update=changes)


def column(table: TextTable, name: str) -> list[str]:
    return [row[table.columns.index(name)] for row in table.rows]


def test_questions_are_answered_in_words() -> None:
    table = questions_table(result())
    assert column(table, "answer") == [
        "as expected",
        "not distinguishable",
        "the other way",
        "does not hold",
        "not measured",
    ]
    assert column(table, "difference")[0].startswith("-4.0 [")
    assert column(table, "difference")[2].startswith("+4.0 [+")
    # 20 mm on a mean of 57.5 mm
    assert column(table, "difference")[3].startswith("1.35 [1.")
    assert column(table, "compared")[3] == "base @ masked_30 / base"
    assert column(table, "of")[4] == "—"


def test_fewer_than_three_seeds_claim_nothing() -> None:
    table = questions_table(result(seeds=2))
    assert column(table, "answer")[0] == "as expected (2 seeds, no claim)"
    assert "nothing is claimed" in table.caption
    assert "nothing is claimed" not in questions_table(result()).caption


def test_means_stand_by_variant_and_condition() -> None:
    table = means_table(result(), MPJPE)
    assert table.columns == ("variant", "clean", "masked_30")
    assert column(table, "variant")[0] == "base (reference)"
    assert column(table, "clean")[1].startswith("53.5 [")
    assert column(table, "masked_30")[1].startswith("73.5 [")
    assert column(table, "clean")[3] == "—"


def test_csv_has_whole_numbers_and_reads_back() -> None:
    text = csv_text(ANSWER_COLUMNS, answer_rows(result()))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["question"] for row in rows] == ["gain", "none", "back", "bound", "gone"]
    assert rows[0]["asks"] == "is <gain> & so on?"
    assert float(rows[0]["value"]) == pytest.approx(-4, abs=1e-9)
    assert rows[0]["seeds"] == "3"
    assert rows[3]["kind"] == "ratio"
    assert rows[4]["value"] == ""


def test_latex_has_no_character_left_that_means_something() -> None:
    table = TextTable("50 % of_x", ("a&b", "c"), (("1_2", r"\x{}"), ("~^", "≤ 3 — #$")))
    lines = latex(table).splitlines()
    assert r"\caption{50 \% of\_x}" in lines
    assert r"a\&b & c \\" in lines
    assert r"1\_2 & \textbackslash{}x\{\} \\" in lines
    assert r"\textasciitilde{}\textasciicircum{} & $\leq$ 3 --- \#\$ \\" in lines
    assert lines[0] == r"\begin{table}"
    assert lines[-1] == r"\end{table}"


def test_the_svg_draws_every_answered_question() -> None:
    root = ET.fromstring(forest_svg(result()))
    space = "{http://www.w3.org/2000/svg}"
    circles = root.findall(f"{space}circle")
    assert len(circles) == 4
    # 4 mm less, none and 4 mm more, from left to right; the bound's ratio furthest right
    places = [float(circle.attrib["cx"]) for circle in circles]
    assert places[0] < places[1] < places[2] < places[3]
    words = " ".join(text.text or "" for text in root.findall(f"{space}text"))
    assert "gain" in words
    assert "not distinguishable" in words


def test_figures_hold_the_answers() -> None:
    figure = differences(result())
    by_name = {trace.name: trace for trace in figure.data}
    assert by_name["as expected"].y == ("gain",)
    assert by_name["as expected"].x[0] == pytest.approx(100 * -4 / 57.5, abs=0.01)
    assert set(by_name["the other way"].y) == {"back", "bound"}
    assert [trace.name for trace in means(result(), MPJPE).data][:2] == ["base", "better"]


def test_markdown_says_what_the_numbers_depend_on() -> None:
    text = markdown(result(), "f.svg")
    for part in (
        "monopose ablate tiny --seeds 3",
        "Synthetic data",
        "![differences with their intervals](f.svg)",
        "handmade@dddddddddddd (synthetic)",
        "seeds: 0, 1, 2",
        "0.1.0+abc",
        "a machine",
        "2026-01-01T00:00:00+00:00",
        "base0",
        "lost-seed0 (out of memory)",
        "masked_30: 30 % masked",
    ):
        assert part in text


def test_the_page_escapes_and_every_file_is_written(tmp_path: Path) -> None:
    page = build_page(result())
    html.parser.HTMLParser().feed(page)
    assert "is &lt;gain&gt; &amp; so on?" in page
    assert "A test &amp; more" in page
    names = write_ablation(result(), str(tmp_path), with_page=True)
    assert sorted(names) == sorted(file.name for file in tmp_path.iterdir())
    assert {Path(name).suffix for name in names} == {".md", ".svg", ".html", ".tex", ".csv"}


def test_an_ablation_without_any_interval_still_has_its_files(tmp_path: Path) -> None:
    """One clip: values, but no intervals to draw."""
    alone = tuple(
        each.model_copy(
            update={"values": {n: {MPJPE: v[MPJPE][:1]} for n, v in each.values.items()}}
        )
        for each in result().cells
    )
    write_ablation(result(cells=alone), str(tmp_path), with_page=False)
    assert "not distinguishable" in (tmp_path / "ablation_tiny_handmade.md").read_text()
    ET.parse(tmp_path / "ablation_tiny_handmade.svg")
