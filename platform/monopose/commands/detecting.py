"""`monopose data detect`."""

from typing import Annotated

import typer

from monopose.commands.progress import progress
from monopose.commands.writing import Overwrite, To, describe


def detect(
    data: Annotated[str, typer.Argument(help="A data set with images: URI, folder or name.")],
    detector: Annotated[str, typer.Option(help="A run of `train-detector`, or its model folder.")],
    to: To,
    overwrite: Overwrite = False,
) -> None:
    """Run a trained 2D detector on images; keep its keypoints and its maps for lifting.

    Example: monopose data detect studio-images --detector joints --to studio-detected
    """
    import torch

    from monopose import storage
    from monopose.data.shards import check_free, read_manifest
    from monopose.inference.detect import detect as run
    from monopose.training.checkpoint import load_detector

    source, where = storage.resolve(data, "data"), storage.resolve(to, "data")
    check_free(where, overwrite=overwrite)
    clips = read_manifest(source).clips
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = load_detector(_model_folder(storage.resolve(detector, "runs")), device)
    with progress("detecting joints", clips) as advance:
        manifest = run(model, source, where, overwrite=overwrite, on_clip=advance)
    describe(where, manifest)


def _model_folder(uri: str) -> str:
    from monopose import storage
    from monopose.training.checkpoint import METRICS
    from monopose.training.run import MODEL

    return uri if storage.exists(storage.join(uri, METRICS)) else storage.join(uri, MODEL)
