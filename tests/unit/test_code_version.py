import re
from pathlib import Path

import pytest

import monopose
from monopose import code_version as module


def test_the_version_names_the_code_that_numbers_depend_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "reporting").mkdir()
    monkeypatch.setattr(module, "__file__", str(tmp_path / "code_version.py"))

    def version() -> str:
        module.code_version.cache_clear()
        return module.code_version()

    empty = version()
    assert re.fullmatch(rf"{re.escape(monopose.__version__)}\+[0-9a-f]{{8}}", empty)
    (tmp_path / "reporting" / "tables.py").write_text("x = 1\n")
    assert version() == empty
    (tmp_path / "models" / "part.py").write_text("x = 1\n")
    first = version()
    assert first != empty
    (tmp_path / "models" / "part.py").write_text("x = 2\n")
    assert version() != first
    monkeypatch.undo()
    assert version() == module.code_version()
