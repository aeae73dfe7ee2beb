"""A finished table as a file for elsewhere: LaTeX for papers, CSV for spreadsheets."""

import csv
import io

from monopose.reporting.tables import TextTable

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "—": "---",
    "≤": r"$\leq$",
}


def latex(table: TextTable) -> str:
    """A `table` environment with booktabs rules; needs the package booktabs."""
    head, *body = (" & ".join(map(_latex, row)) + r" \\" for row in (table.columns, *table.rows))
    lines = [
        r"\begin{table}",
        rf"\caption{{{_latex(table.caption)}}}",
        rf"\begin{{tabular}}{{{'l' * len(table.columns)}}}",
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def csv_text(columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """RFC 4180 lines with a header; None is an empty field."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return file.getvalue()


def _latex(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in text)
