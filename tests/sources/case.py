"""What the suites of importers know of a source: how to write it, and what it promises."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from monopose.data.clip import Clip
from monopose.data.importers.catalog import plan_import
from monopose.data.importers.source import ImportOptions, ImportPlan


@dataclass(frozen=True)
class Case:
    """A small source as its publisher lays it out.

    source: its name in the catalog. write: makes it in a folder. options: how it is imported.
    exact_2d: its 2D is the projection of its 3D, up to float32. unread: patterns of files that
    belong to the layout but are not read with these options. wrong: further damages, by name, that
    take the written folder and break it in a way only this format can be broken (a wrong type, a
    huge count) while its container stays valid.
    """

    source: str
    write: Callable[[Path], object]
    options: ImportOptions = ImportOptions()
    exact_2d: bool = False
    unread: tuple[str, ...] = ()
    wrong: dict[str, Callable[[Path], object]] = field(default_factory=dict)

    def plan(self, folder: Path) -> ImportPlan:
        return plan_import(self.source, [folder], self._options(folder))

    def read(self, folder: Path) -> Iterator[Clip]:
        return self.plan(folder).clips()

    def _options(self, folder: Path) -> ImportOptions:
        """A calibration and media that are named relatively lie in the written folder."""
        cameras, media = self.options.cameras, self.options.media
        return replace(
            self.options,
            cameras=None if cameras is None else folder / cameras,
            media=None if media is None else folder / media,
        )

    def files(self, folder: Path) -> list[Path]:
        """The files that are read, sorted."""
        found = sorted(file for file in folder.rglob("*") if file.is_file())
        return [f for f in found if not any(f.match(pattern) for pattern in self.unread)]
