"""An ablation's answers and means as tables, and as rows of plain numbers."""

from monopose.evaluation.ablation import CLAIM_SEEDS, AblationResult, Answer, Mean
from monopose.reporting.tables import MISSING, TextTable, data_set_name


def questions_table(result: AblationResult) -> TextTable:
    """A row for each question: both sides, the difference or ratio with its interval, the answer.

    Values are rounded for reading; the CSV has them whole.
    """
    columns = ("question", "difference", "expected", "answer", "compared", "of", "against")
    rows = tuple(_question_row(each) for each in result.answers())
    few = ""
    if len(result.seeds) < CLAIM_SEEDS:
        few = f"; fewer than {CLAIM_SEEDS} seeds, so nothing is claimed"
    return TextTable(f"{_about(result)}; 95 % intervals over clips and seeds{few}", columns, rows)


def means_table(result: AblationResult, protocol_id: str) -> TextTable:
    """A row for each variant, a column for each condition."""
    means = {(mean.variant, mean.condition): mean for mean in result.means(protocol_id)}
    unit = next((mean.unit for mean in means.values()), "")
    rows = tuple(
        (
            _marked(variant, result),
            *(mean_text(means.get((variant, condition))) for condition in result.conditions),
        )
        for variant in result.variants
    )
    caption = f"{protocol_id}, {unit}, with 95 % intervals over clips and seeds"
    return TextTable(caption, ("variant", *result.conditions), rows)


def cells_table(result: AblationResult) -> TextTable:
    """What was trained: a row for each variant, with the digest of every seed's recipe."""
    return TextTable(
        "What was trained; a recipe's digest is that of its first seed",
        ("variant", "seeds", "recipe", "weights", "epochs", "time, s", "code"),
        tuple(_cell_row(result, variant) for variant in result.variants),
    )


def facts(result: AblationResult) -> list[tuple[str, str]]:
    """What all the numbers depend on, as names and values."""
    codes = sorted({cell.code_version for cell in result.cells})
    rows = [
        ("ablation", f"{result.ablation}: {result.about}"),
        ("size", result.size),
        ("set on every variant", ", ".join(f"{k}={v}" for k, v in result.values.items()) or "none"),
        ("data", data_set_name(result.dataset, result.dataset_digest, result.synthetic)),
        ("trained, measured on", f"train, {result.split}"),
        ("seeds", ", ".join(map(str, result.seeds))),
        ("code", ", ".join(codes)),
        ("machine", "; ".join(sorted({cell.machine for cell in result.cells}))),
        ("date", result.date),
        ("study", result.study),
    ]
    if result.failures:
        lost = (f"{cell} ({reason})" for cell, reason in result.failures.items())
        rows.append(("without a result", "; ".join(lost)))
    return rows


ANSWER_COLUMNS: tuple[str, ...] = (
    *("question", "asks", "of", "of_condition", "against", "against_condition"),
    *("protocol", "unit", "of_value", "against_value", "kind", "value", "low", "high"),
    *("expected", "bound", "answer", "seeds", "clips", "dataset_digest"),
)


def answer_rows(result: AblationResult) -> list[tuple[object, ...]]:
    """One row of plain values for each question, in the order of `ANSWER_COLUMNS`."""
    return [
        (
            asked.id,
            asked.asks,
            *asked.of,
            *asked.against,
            asked.protocol,
            answer.of.unit if answer.of else None,
            answer.of.value if answer.of else None,
            answer.against.value if answer.against else None,
            "difference" if answer.bound is None else "ratio",
            answer.value,
            answer.low,
            answer.high,
            answer.expected,
            answer.bound,
            answer.verdict,
            len(answer.seeds),
            answer.of.clips if answer.of else None,
            result.dataset_digest,
        )
        for asked, answer in zip(result.questions, result.answers(), strict=True)
    ]


def verdict_text(answer: Answer) -> str:
    """The answer in words; fewer than three seeds make no claim, which is said."""
    few = "" if answer.claim or not answer.seeds else f" ({_seeds(answer)}, no claim)"
    if answer.bound is not None and answer.verdict in ("as expected", "the other way"):
        return ("holds" if answer.verdict == "as expected" else "does not hold") + few
    return answer.verdict + few


def value_text(answer: Answer) -> str:
    """`-3.1 [-4.0, -2.2] mm`, or `1.08 [1.02, 1.14] times`."""
    if answer.value is None or answer.of is None:
        return MISSING
    digits = 2 if answer.bound is not None or answer.of.unit == "mm/frame" else 1
    sign = "" if answer.bound is not None else "+"
    shown = f"{answer.value:{sign}.{digits}f}"
    if answer.low is not None and answer.high is not None:
        shown += f" [{answer.low:{sign}.{digits}f}, {answer.high:{sign}.{digits}f}]"
    return f"{shown} {'times' if answer.bound is not None else answer.of.unit}"


def mean_text(mean: Mean | None) -> str:
    """`61.2 [55.0, 67.9]`."""
    if mean is None:
        return MISSING
    digits = 2 if mean.unit == "mm/frame" else 1
    if mean.low is None or mean.high is None:
        return f"{mean.value:.{digits}f}"
    return f"{mean.value:.{digits}f} [{mean.low:.{digits}f}, {mean.high:.{digits}f}]"


def side_text(side: tuple[str, str]) -> str:
    """`no_flip` on clean input, `no_flip @ masked_30` under another condition."""
    variant, condition = side
    return variant if condition == "clean" else f"{variant} @ {condition}"


def _question_row(answer: Answer) -> tuple[str, ...]:
    of, against = answer.of, answer.against
    sides = [side_text((mean.variant, mean.condition)) for mean in (of, against) if mean]
    compared = (" - " if answer.bound is None else " / ").join(sides) or MISSING
    expected = answer.expected if answer.bound is None else f"≤ {answer.bound:g}"
    return (
        f"{answer.id}: {answer.asks}",
        value_text(answer),
        expected,
        verdict_text(answer),
        compared,
        mean_text(of),
        mean_text(against),
    )


def _marked(variant: str, result: AblationResult) -> str:
    plain = variant != result.reference or variant == "reference"
    return variant if plain else f"{variant} (reference)"


def _cell_row(result: AblationResult, variant: str) -> tuple[str, ...]:
    cells = [cell for cell in result.cells if cell.variant == variant]
    if not cells:
        return (variant, "0", *[MISSING] * 5)
    seconds = sum(cell.train_seconds for cell in cells) / len(cells)
    return (
        variant,
        ", ".join(str(cell.seed) for cell in cells),
        cells[0].recipe_digest,
        f"{cells[0].num_parameters:,}",
        str(cells[0].epochs),
        f"{seconds:.0f}",
        ", ".join(sorted({cell.code_version for cell in cells})),
    )


def _about(result: AblationResult) -> str:
    data = data_set_name(result.dataset, result.dataset_digest, result.synthetic)
    return (
        f"{result.ablation} ({result.size}) on {data}, split {result.split}; "
        f"seeds {', '.join(map(str, result.seeds))}"
    )


def _seeds(answer: Answer) -> str:
    return f"{len(answer.seeds)} seed" + ("" if len(answer.seeds) == 1 else "s")
