"""The studio as a stored data set: the default of the main job."""

from monopose import storage
from monopose.data.manifest import MANIFEST, Manifest
from monopose.data.shards import read_manifest, write_clips
from monopose.data.studio.studio import studio_clips

NAME = "studio"


def ensure(uri: str, seed: int = 0) -> Manifest:
    """The data set at `uri`, made there first when there is none."""
    if storage.exists(storage.join(uri, MANIFEST)):
        return read_manifest(uri)
    return write_clips(studio_clips(seed), uri, dataset=NAME, detections="model", synthetic=True)
