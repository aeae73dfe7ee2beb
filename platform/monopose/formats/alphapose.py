"""AlphaPose's `alphapose-results.json`: one list for a whole video or folder of images.

Source: AlphaPose's documentation of its output. As COCO's results, but image_id is the image's
file name (`0.jpg`, `1.jpg`, ... for a video), the score is a sum that passes 1, and `box` and
`idx` (an identity from its tracker, a number or a list of them) stand beside it. Frames without
people are not mentioned. Bodies have 17 (COCO), 26, 68 or 136 (Halpe) joints; face and hands come
after the body. Its other two layouts, `cmu` and `open`, are not read.
"""

from collections.abc import Sequence
from pathlib import Path

import orjson

from monopose.formats.coco_results import found_records, read_found
from monopose.formats.people import Frame

# Joints in the file -> joint set of its first joints.
LAYOUTS = {17: "coco17", 26: "halpe26", 68: "halpe26", 136: "halpe26"}


def read_alphapose(path: Path) -> tuple[Frame, ...]:
    """The images in order of first mention, with their people and all joints that are listed.

    Raises InputError naming the file when it is not such a file.
    """
    return read_found(path, box_name="box", track_name="idx")


def write_alphapose(path: Path, frames: Sequence[Frame]) -> None:
    """Writes the people of all frames as AlphaPose does; a frame without any leaves no trace."""
    path.write_bytes(orjson.dumps(found_records(frames, box_name="box", track_name="idx")))
