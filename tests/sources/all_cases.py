"""Every case of every importer; a new source is its file here and a line in each dict below."""

from tests.sources import (
    asfamc,
    bvh,
    coco,
    detections,
    h36m,
    humaneva,
    lsp,
    mpi_inf_3dhp,
    mpi_inf_3dhp_npz,
    mpi_inf_3dhp_testset,
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
    **coco.CASES,
    **detections.CASES,
    **lsp.CASES,
    **mpii.CASES,
    **threedpw.CASES,
    **h36m.CASES,
    **humaneva.CASES,
    **mpi_inf_3dhp.CASES,
    **mpi_inf_3dhp_testset.CASES,
    **mpi_inf_3dhp_npz.CASES,
    **videopose3d.CASES,
}
