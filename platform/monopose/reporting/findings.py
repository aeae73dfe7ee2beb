"""What `data check` found, as one table for the terminal and for pages, and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby

import orjson

from monopose.data.expectations.finding import Finding
from monopose.data.manifest import Manifest
from monopose.reporting.tables import TextTable

_WHOLE_SET = "(data set)"


def findings_table(
    findings: Sequence[Finding], per_cause: int = 5, caption: str | None = None
) -> TextTable:
    """The findings in their order, at most `per_cause` clips of each cause, the rest counted.

    caption: the summary, unless something else is given.
    """
    rows: list[tuple[str, ...]] = []
    for (severity, cause), group in groupby(findings, key=lambda f: (f.severity, f.cause)):
        same = list(group)
        for finding in same[:per_cause]:
            rows.append((severity, cause, finding.clip_id or _WHOLE_SET, finding.what))
        if len(same) > per_cause:
            rows.append((severity, cause, f"and {len(same) - per_cause} more", ""))
    said = summary(findings) if caption is None else caption
    return TextTable(said, ("severity", "cause", "clip", "evidence"), tuple(rows))


def summary(findings: Sequence[Finding]) -> str:
    """`3 errors (units 3), 1 warning (duplicate 1)`, or that nothing is suspicious."""
    parts = []
    for severity in ("error", "warning"):
        causes = [finding.cause for finding in findings if finding.severity == severity]
        if causes:
            counts = ", ".join(f"{cause} {causes.count(cause)}" for cause in dict.fromkeys(causes))
            parts.append(f"{len(causes)} {severity}{'s' * (len(causes) > 1)} ({counts})")
    return ", ".join(parts) or "nothing suspicious"


def findings_json(manifest: Manifest, findings: Sequence[Finding]) -> bytes:
    """Every finding, with the data set that it is about."""
    content = {
        "dataset": manifest.dataset,
        "digest": manifest.digest,
        "clips": manifest.clips,
        "errors": sum(finding.severity == "error" for finding in findings),
        "warnings": sum(finding.severity == "warning" for finding in findings),
        "findings": [asdict(finding) for finding in findings],
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2)
