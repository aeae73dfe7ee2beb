"""The guide to data names what there is."""

import re
from pathlib import Path

from monopose.data.importers.catalog import IMPORTERS
from monopose.formats.writers import WRITERS

GUIDE = (Path(__file__).parents[2] / "docs" / "data.md").read_text()


def rows_under(heading: str) -> str:
    """First cells of the tables of a section."""
    section = GUIDE.split(f"\n{heading}", 1)[1].split("\n## ", 1)[0]
    return " ".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| "))


def test_every_source_has_its_row() -> None:
    assert set(re.findall(r"`([^`]+)`", rows_under("## Sources"))) == set(IMPORTERS)


def test_every_format_has_its_row_with_its_joint_sets() -> None:
    named = set(re.findall(r"`([^`]+)`", rows_under("## Taking data away"))) - {"--format"}
    assert named == set(WRITERS)
    away = GUIDE.split("## Taking data away", 1)[1].splitlines()
    for name, writer in WRITERS.items():
        (row,) = [line for line in away if line.startswith(f"| `{name}` |")]
        assert all(joints in row for joints in writer.joint_sets), name
