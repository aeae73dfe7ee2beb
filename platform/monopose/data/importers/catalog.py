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
    "openpose": openpose.IMPORTER,
    "mmpose": mmpose.IMPORTER,
    "coco-results": coco_results.IMPORTER,
    "alphapose": alphapose.IMPORTER,
    "h36m": h36m.IMPORTER,
    "humaneva": humaneva.IMPORTER,
    "3dpw": threedpw.IMPORTER,
    "coco": coco.IMPORTER,
    "lsp": lsp.IMPORTER,
    "lsp-extended": lsp.EXTENDED,
    "mpii": mpii.IMPORTER,
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
