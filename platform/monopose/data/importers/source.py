"""What every importer offers: a source as a plan of independent parts.

A part reads on its own, so that one process can read all of them or a cluster one each; it is a
picklable call (`functools.partial` of a module's function) without arguments.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from monopose.data.clip import Clip
from monopose.errors import InputError

Part = Callable[[], Iterator[Clip]]

_CROPS_PX = (16, 2048)
_RATES_HZ = (0.1, 10_000.0)


@dataclass(frozen=True)
class ImportOptions:
    """What a user can say about a source; each importer takes the few that mean something to it."""

    detections: str | None = None
    """Which 2D: the last part of a file's name, or `gt` | `model` where cameras are virtual."""
    joint_set: str | None = None
    """Convert to this joint set; by default the source's own."""
    layout: str | None = None
    """Which flavour of the format, where files do not tell."""
    joint_map: Path | None = None
    """JSON object {our joint: the file's joint, or a list of joints whose mean is taken}."""
    fps: float | None = None
    """Frame rate, where files do not tell."""
    unit_m: float | None = None
    """Metres per unit of length in the file, where files do not tell."""
    up: Literal["x", "y", "z"] | None = None
    """The axis that points up, where files do not tell."""
    cameras: Path | None = None
    """A calibration file that lies apart from the data."""
    media: Path | None = None
    """The video, or the folder of images, that keypoints were found in."""
    image_size: tuple[int, int] | None = None
    """(width, height) in pixels, where there is no image to tell."""
    images: bool = False
    """Bring the images in too, cropped to the person."""
    crop_px: int = 256
    """Side of the stored square crops."""
    stride: int = 1
    """Keep every n-th frame."""
    seed: int = 0
    """Of virtual cameras and modelled detections."""

    def refuse_others(self, source: str, takes: frozenset[str]) -> None:
        """Raises InputError for an option not taken by this source, and for a value of no use."""
        for option in fields(self):
            given = getattr(self, option.name) != option.default
            if given and option.name not in takes:
                name = option.name.replace("_", "-")
                known = ", ".join(f"--{known.replace('_', '-')}" for known in sorted(takes))
                what = f"source {source!r} has no option --{name}"
                raise InputError(what, fix=f"it takes {known or 'none'}")
        self._check_values()

    def _check_values(self) -> None:
        if self.fps is not None and not _RATES_HZ[0] <= self.fps <= _RATES_HZ[1]:
            fix = "give frames per second, {:g} to {:g}".format(*_RATES_HZ)
            raise InputError(f"is {self.fps:g}", where="--fps", fix=fix)
        if self.crop_px != ImportOptions.crop_px and not self.images:
            raise InputError("says nothing without --images", where="--crop-px")
        least, most = _CROPS_PX
        if not least <= self.crop_px <= most:
            raise InputError(f"is {self.crop_px}", where="--crop-px", fix=f"give {least} to {most}")


@dataclass(frozen=True)
class ImportPlan:
    """A source ready to be read.

    detections: the 2D source that was chosen, None when there is only one or none.
    notes: what was assumed or left out, one clause each, for the user to read.
    """

    dataset: str
    parts: Sequence[Part]
    detections: str | None = None
    notes: tuple[str, ...] = ()

    def clips(self) -> Iterator[Clip]:
        """The clips of all parts in order, each read when it is asked for."""
        for part in self.parts:
            yield from part()


@dataclass(frozen=True)
class Importer:
    """One source: how it is planned, the options it takes, and one line of what it reads.

    plan looks at names and headers only; what a part finds wrong with a file is raised when it is
    read. Both raise InputError naming the file.
    """

    plan: Callable[[Sequence[Path], ImportOptions], ImportPlan]
    takes: frozenset[str]
    reads: str


def files_below(paths: Sequence[Path], *patterns: str) -> list[Path]:
    """The files among `paths`, and below the folders among them, that match one of the patterns.

    In the order given, folders sorted by name. Raises InputError naming a path that is not there,
    a file whose name is no text on one line, and all paths when nothing matches.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError("there is no such file or folder", where=str(path))
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        found += [f for f in inside if f.is_file() and any(f.match(p) for p in patterns)]
    for file in found:
        # Names become ids of clips, and those become text in files, tables and messages.
        if not str(file).isprintable():
            where = ascii(str(file))[1:-1]
            raise InputError("has a name that cannot be printed", where=where, fix="rename it")
    if not found:
        where = ", ".join(map(str, paths)) or "(no path)"
        raise InputError(f"holds no {' or '.join(patterns)}", where=where)
    return found


def known_layout(layout: str, known: Collection[str]) -> str:
    """The layout itself; raises InputError for one that is none of the known."""
    if layout not in known:
        raise InputError(f"no layout {layout!r}", fix=f"choose one of {', '.join(known)}")
    return layout
