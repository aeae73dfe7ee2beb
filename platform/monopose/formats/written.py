"""Files and folders written whole or not at all, under names made from clip ids."""

import hashlib
import os
import shutil
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monopose.errors import InputError, StorageError

_LONGEST_BYTES = 120
_DIGEST = 8


@contextmanager
def written_whole(
    target: Path, suffixes: frozenset[str], *, overwrite: bool = False
) -> Iterator[Path]:
    """A new path beside the target, of the same name, that takes its place if all goes well.

    What is made there may be a file or a folder. If anything fails, the target stays as it was and
    nothing is left beside it. suffixes: of the files that a folder may hold to be overwritten, so
    that no other folder is lost by a wrong name. Raises InputError for a target that is there,
    StorageError when the disk refuses.
    """
    target = target.expanduser().resolve()
    _check_replaceable(target, suffixes, overwrite=overwrite)
    try:
        aside = Path(tempfile.mkdtemp(prefix=".monopose-", dir=target.parent))
    except OSError as error:
        raise _refused(target, error) from error
    try:
        yield aside / target.name
        _take_place(aside / target.name, target, aside / "replaced")
    except InputError as error:
        # What is said of the path beside the target is true of the target.
        where = error.where.replace(str(aside / target.name), str(target))
        raise InputError(error.what, where=where, fix=error.fix) from error
    except OSError as error:
        raise _refused(target, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _take_place(made: Path, target: Path, old: Path) -> None:
    if target.is_dir():
        # A folder cannot be replaced in one step: if the second fails, the first is taken back.
        target.rename(old)
        try:
            made.rename(target)
        except BaseException:
            old.rename(target)
            raise
    else:
        made.replace(target)


def _check_replaceable(target: Path, suffixes: frozenset[str], *, overwrite: bool) -> None:
    where = str(target)
    if not target.parent.is_dir():
        raise InputError("there is no such folder", where=str(target.parent), fix="make it first")
    empty = target.is_dir() and not any(target.iterdir())
    if not target.exists() or empty:
        return
    if not overwrite:
        raise InputError("is there already", where=where, fix="name another, or --overwrite")
    inside = [Path(folder) / name for folder, _, names in os.walk(target) for name in names]
    foreign = next((file for file in inside if file.suffix not in suffixes), None)
    if foreign is not None:
        what = f"holds {foreign.relative_to(target)}, which was not written by this"
        raise InputError(what, where=where, fix="name another folder")


def _refused(target: Path, error: OSError) -> StorageError:
    return StorageError(f"cannot be written: {error.strerror or error}", where=str(target))


class FileNames:
    """Names of files for clips: readable, safe on every file system, and never given twice."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def of(self, *parts: str) -> str:
        """One name of the parts; a name that is taken, in any case of letters, gets a number."""
        plain = safe_name("_".join(parts))
        name, count = plain, 1
        while name.casefold() in self._given:
            count += 1
            name = f"{plain}-{count}"
        self._given.add(name.casefold())
        return name


def safe_name(text: str) -> str:
    """Letters and digits of any script, `-` and `_` and `.` stay; all else becomes `_`.

    Long names are cut, with a digest of the whole instead of their end.
    """
    normal = unicodedata.normalize("NFC", text)
    kept = "".join(c if c.isalnum() or c in "-_." else "_" for c in normal).strip("._-") or "clip"
    if len(kept.encode()) <= _LONGEST_BYTES:
        return kept
    start = kept.encode()[: _LONGEST_BYTES - _DIGEST - 1].decode(errors="ignore")
    return f"{start}-{hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]}"
