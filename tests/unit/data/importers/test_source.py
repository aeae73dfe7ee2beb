"""What holds for every source: files that are found, options that are taken."""

from pathlib import Path

import pytest

from monopose.commands import import_options
from monopose.data.importers.source import ImportOptions, files_below
from monopose.errors import InputError


@pytest.mark.parametrize(("name", "shown"), [("a\nb.trc", r"a\\nb.trc"), ("\udcff.trc", r"udcff")])
def test_a_name_that_is_no_text_is_refused_on_one_line(
    tmp_path: Path, name: str, shown: str
) -> None:
    (tmp_path / name).touch()
    with pytest.raises(InputError, match=f"{shown}.*: has a name that cannot be printed") as caught:
        files_below([tmp_path], "*.trc")
    assert str(caught.value).isprintable()


def test_a_size_of_crops_that_cannot_be_or_says_nothing_is_refused() -> None:
    takes = frozenset({"crop_px", "images"})
    ImportOptions(crop_px=128, images=True).refuse_others("coco", takes)
    with pytest.raises(InputError, match="--crop-px: says nothing without --images"):
        ImportOptions(crop_px=128).refuse_others("coco", takes)
    for crop_px in (-5, 0, 15, 2049, 100_000):
        with pytest.raises(InputError, match=f"--crop-px: is {crop_px}; give 16 to 2048"):
            ImportOptions(crop_px=crop_px, images=True).refuse_others("coco", takes)


@pytest.mark.parametrize("fps", [0.0, -25.0, 0.09, 10_001.0, float("nan"), float("inf")])
def test_a_rate_that_no_camera_has_is_refused(fps: float) -> None:
    takes = frozenset({"fps"})
    ImportOptions(fps=25.0).refuse_others("bvh", takes)
    with pytest.raises(InputError, match=f"--fps: is {fps:g}; give frames per second, 0.1 to"):
        ImportOptions(fps=fps).refuse_others("bvh", takes)


def test_an_option_that_a_source_does_not_take_is_named() -> None:
    with pytest.raises(InputError, match="source 'coco' has no option --unit-m; it takes --images"):
        ImportOptions(unit_m=0.01).refuse_others("coco", frozenset({"images"}))


@pytest.mark.parametrize("text", ["0x480", "640x0", "640", "640x480x3", "-640x480", "x"])
def test_an_image_size_that_is_none_is_refused(text: str) -> None:
    assert import_options.size("640x480") == (640, 480)
    with pytest.raises(InputError, match=r"^--image-size: is"):
        import_options.size(text)
