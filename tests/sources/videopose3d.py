"""VideoPose3D's files, small."""

from tests.clip_files import people, write_videopose3d
from tests.sources.case import Case

CASES = {
    "videopose3d": Case(
        source="videopose3d",
        write=lambda folder: write_videopose3d(folder, people(("S1", "S2"))),
        exact_2d=True,
    ),
}
