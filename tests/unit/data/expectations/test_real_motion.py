"""Real motion, with lying, jumping, dancing and cartwheels in it: quiet as it is, loud when spoilt.

Reads shared/data, which lies beside the checkout and is no part of it.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.spoilt_clips import SPOILT

from monopose.data.clip import Clip
from monopose.data.expectations.examine import examine, examine_clip
from monopose.data.importers.catalog import plan_import
from monopose.data.importers.source import ImportOptions

CMU17 = Path(__file__).parents[5] / "shared/data/cmu17"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not CMU17.is_dir(), reason="the shared real motion is not here"),
]


def clips(detections: str) -> list[Clip]:
    options = ImportOptions(detections=detections)
    return list(plan_import("videopose3d", [CMU17], options).clips())


@pytest.fixture(scope="module")
def detected() -> list[Clip]:
    return clips("det")


def test_real_motion_is_left_alone(detected: list[Clip]) -> None:
    """Its five subjects of both splits are what the publisher says: a warning."""
    for each in (detected, clips("gt")):
        found = [(f.severity, f.cause) for f in examine(each)]
        assert found == [("warning", "subject in several splits")]


@pytest.mark.parametrize("mistake", SPOILT)
def test_a_mistake_in_real_motion_is_named(mistake: str, detected: list[Clip]) -> None:
    spoil, cause = SPOILT[mistake]
    missed = [clip.clip_id for clip in detected if not _names(spoil, clip, cause)]
    # Who hardly moves looks the same a tenth of a second later.
    assert len(missed) <= (1 if cause == "frames shifted" else 0), missed


def _names(spoil: Callable[[Clip], Clip], clip: Clip, cause: str) -> bool:
    return {finding.cause for finding in examine_clip(spoil(clip))} == {cause}
