"""Every case of every importer; a new source is its file here and a line in each dict below."""

from tests.sources import coco, detections, h36m, humaneva, lsp, mpii, threedpw, videopose3d
from tests.sources.case import Case

CASES: dict[str, Case] = {
    **detections.CASES,
    **h36m.CASES,
    **humaneva.CASES,
    **coco.CASES,
    **lsp.CASES,
    **mpii.CASES,
    **threedpw.CASES,
    **videopose3d.CASES,
}
