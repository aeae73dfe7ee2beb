"""An ablation as files: a Markdown page with its figure, LaTeX, CSV and one HTML page."""

import html

from monopose import storage
from monopose.evaluation.ablation import AblationResult
from monopose.reporting import ablation_figures as figures
from monopose.reporting import page
from monopose.reporting.ablation_tables import (
    ANSWER_COLUMNS,
    answer_rows,
    cells_table,
    facts,
    means_table,
    questions_table,
)
from monopose.reporting.forest import forest_svg
from monopose.reporting.page import Block
from monopose.reporting.table_files import csv_text, latex

_SYNTHETIC = "Synthetic data: no number here is about real people."


def write_ablation(result: AblationResult, uri: str, *, with_page: bool) -> list[str]:
    """Writes every form to a folder or URI; their names. Raises StorageError.

    with_page: the HTML page too, which brings five megabytes of its own to be self-contained.
    """
    name = f"ablation_{result.ablation}_{result.dataset}".lower()
    files = {
        f"{name}.md": markdown(result, f"{name}.svg"),
        f"{name}.svg": forest_svg(result),
        **({f"{name}.html": build_page(result)} if with_page else {}),
        f"{name}.tex": latex(questions_table(result)),
        f"{name}.csv": csv_text(ANSWER_COLUMNS, answer_rows(result)),
    }
    for file, text in files.items():
        storage.write_bytes(storage.join(uri, file), text.encode())
    return list(files)


def markdown(result: AblationResult, figure: str) -> str:
    """The page for docs/results: command, tables, figure, and what the numbers depend on."""
    means = (means_table(result, name).markdown() for name in result.protocols)
    lines = [
        f"# Ablation {result.ablation} on {result.dataset}",
        "",
        *([_SYNTHETIC, ""] if result.synthetic else []),
        "```",
        result.command or "(the command was not recorded)",
        "```",
        "",
        questions_table(result).markdown(),
        f"![differences with their intervals]({figure})",
        "",
        "## Every variant under every condition",
        "",
        *means,
        "Conditions: " + "; ".join(f"{name}: {what}" for name, what in result.conditions.items()),
        "",
        "## What the numbers depend on",
        "",
        *(f"- {name}: {value}" for name, value in facts(result)),
        "",
        cells_table(result).markdown(),
    ]
    return "\n".join(lines).rstrip() + "\n"


def build_page(result: AblationResult) -> str:
    """The ablation as one self-contained HTML page."""
    lead = f"<p>{html.escape(result.about)}.</p>"
    if result.synthetic:
        lead += f'<p class="mark">{_SYNTHETIC}</p>'
    blocks = [_answers(result), *(_means(result, name) for name in result.protocols)]
    command = [("command", result.command)] if result.command else []
    body = page.facts([*facts(result), *command])
    trained = page.scrolling("What was trained", cells_table(result).html())
    blocks.append(Block("Where the numbers come from", "What they share.", body + trained))
    return page.page(f"Ablation {result.ablation} on {result.dataset}", lead, blocks)


def _answers(result: AblationResult) -> Block:
    told = "; ".join(f"{answer.id} {answer.verdict}" for answer in result.answers())
    return Block(
        "Questions and answers",
        "Each question compares two sides clip by clip and seed by seed; where the 95 % interval "
        "covers zero (or the bound), they cannot be told apart. Ratios are shown as percent above "
        "their bound.",
        page.scrolling("Questions", questions_table(result).html()),
        figures.differences(result),
        f"Differences with their intervals: {told}.",
        min_width_px=520,
    )


def _means(result: AblationResult, protocol_id: str) -> Block:
    return Block(
        protocol_id,
        "Every variant under every condition; bars are 95 % intervals over clips and seeds.",
        page.collapsed(
            "Show the values",
            page.scrolling(protocol_id, means_table(result, protocol_id).html()),
        ),
        figures.means(result, protocol_id),
        f"{protocol_id} of {len(result.variants)} variants; the table holds the same values.",
        min_width_px=520,
        level=3,
    )
