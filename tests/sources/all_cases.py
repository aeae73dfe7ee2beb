"""Every case of every importer; a new source is its file here and a line in each dict below."""

from tests.sources import videopose3d
from tests.sources.case import Case

CASES: dict[str, Case] = {
    **videopose3d.CASES,
}
