"""Every case of every importer; a new source is its file here and a line in each dict below."""

from tests.sources import (
    asfamc,
    bvh,
    coco,
    detections,
    h36m,
    humaneva,
    lsp,
    mpii,
    threedpw,
    trc,
    videopose3d,
)
from tests.sources.case import Case

CASES: dict[str, Case] = {
    **asfamc.CASES,
    **bvh.CASES,
    **trc.CASES,
    **detections.CASES,
    **h36m.CASES,
    **humaneva.CASES,
    **coco.CASES,
    **lsp.CASES,
    **mpii.CASES,
    **threedpw.CASES,
    **videopose3d.CASES,
}
