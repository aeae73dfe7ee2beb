"""Every source that `monopose data import` reads; a new one is its file and a line here."""

from collections.abc import Sequence
from pathlib import Path

from monopose.data.importers import (
    alphapose,
    asfamc,
    bvh,
    coco,
    coco_results,
    h36m,
    humaneva,
    lsp,
    mmpose,
    mpi_inf_3dhp,
    mpi_inf_3dhp_npz,
    mpi_inf_3dhp_testset,
    mpii,
    openpose,
    threedpw,
    trc,
    videopose3d,
)
from monopose.data.importers.source import Importer, ImportOptions, ImportPlan
from monopose.errors import InputError

IMPORTERS: dict[str, Importer] = {
    "asfamc": asfamc.IMPORTER,
    "bvh": bvh.IMPORTER,
    "trc": trc.IMPORTER,
    "3dpw": threedpw.IMPORTER,
    "alphapose": alphapose.IMPORTER,
    "coco": coco.IMPORTER,
    "coco-results": coco_results.IMPORTER,
    "lsp": lsp.IMPORTER,
    "lsp-extended": lsp.EXTENDED,
    "mmpose": mmpose.IMPORTER,
    "mpii": mpii.IMPORTER,
    "openpose": openpose.IMPORTER,
    "h36m": h36m.IMPORTER,
    "humaneva": humaneva.IMPORTER,
    "mpi-inf-3dhp": mpi_inf_3dhp.IMPORTER,
    "mpi-inf-3dhp-test": mpi_inf_3dhp_testset.IMPORTER,
    "mpi-inf-3dhp-npz": mpi_inf_3dhp_npz.IMPORTER,
    "videopose3d": videopose3d.IMPORTER,
}


def plan_import(source: str, paths: Sequence[Path], options: ImportOptions) -> ImportPlan:
    """The plan of reading these paths as this source.

    Raises InputError for an unknown source, an option that it does not take, and paths that are
    not in its layout.
    """
    if source not in IMPORTERS:
        known = ", ".join(sorted(IMPORTERS))
        raise InputError(f"unknown source {source!r}", fix=f"choose one of {known}")
    importer = IMPORTERS[source]
    options.refuse_others(source, importer.takes)
    return importer.plan(paths, options)
