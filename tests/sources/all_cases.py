"""Every case of every importer; a new source is its file here and a line in each dict below."""

from tests.sources import detections, h36m, humaneva, videopose3d
from tests.sources.case import Case

CASES: dict[str, Case] = {
    **detections.CASES,
    **h36m.CASES,
    **humaneva.CASES,
    **videopose3d.CASES,
}
