"""The rules of the house (docs/architecture.md), as guards."""

import ast
import json
import os
import platform
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "platform" / "monopose"
OUTER = ("jobs", "search_spaces", "serve")
MAX_LINES = 400
# Rooms that are plain numbers, and what would bring Ray or a network into them.
PURE = (
    "geometry", "data/clip.py", "models", "losses", "recipes", "evaluation", "formats",
    "tuning/ablation.py", "tuning/ablations",
)  # fmt: skip
IMPURE = {
    "ray", "requests", "urllib3", "http", "socket", "aiohttp", "httpx", "s3fs", "boto3",
    "botocore", "fsspec", "fastapi", "uvicorn",
}  # fmt: skip
# torch and pydantic open sockets' modules themselves; what may never be loaded is a client.
IMPURE_LOADED = {"ray", "requests", "aiohttp", "httpx", "s3fs", "boto3", "botocore", "fastapi"}


def files_of(room: str) -> list[Path]:
    path = PACKAGE / room
    return [path] if path.suffix else sorted(path.rglob("*.py"))


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT / "platform").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PACKAGE_FILES = sorted(PACKAGE.rglob("*.py"))
PURE_FILES = [file for room in PURE for file in files_of(room)]
ALL_FILES = [
    *PACKAGE_FILES,
    *(file for folder in (*OUTER, "tests") for file in sorted((ROOT / folder).rglob("*.py"))),
]


def imported(file: Path) -> set[str]:
    """First names of everything that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize(
    "path",
    ["platform/__init__.py", "platform.py", *(f"{name}/__init__.py" for name in OUTER)],
)
def test_nothing_shadows_the_standard_library(path: str) -> None:
    assert not (ROOT / path).exists()


def test_platform_is_still_the_standard_librarys() -> None:
    code = "import platform; print(platform.__file__, platform.python_version())"
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=variables, capture_output=True, text=True
    )
    assert result.stdout.split() == [platform.__file__, platform.python_version()]


@pytest.mark.parametrize("file", PURE_FILES, ids=module_of)
def test_pure_rooms_import_neither_ray_nor_the_network(file: Path) -> None:
    assert not imported(file) & IMPURE


def test_pure_rooms_load_no_client_through_others() -> None:
    modules = [module_of(file) for file in PURE_FILES]
    code = (
        f"import importlib, json, sys; [importlib.import_module(m) for m in {modules!r}]; "
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert not set(json.loads(result.stdout)) & IMPURE_LOADED


def test_importing_every_module_starts_and_writes_nothing(tmp_path: Path) -> None:
    modules = [module_of(file) for file in PACKAGE_FILES]
    code = (
        "import importlib, json, os, sys, threading; before = dict(os.environ)\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "ray, torch = sys.modules.get('ray'), sys.modules.get('torch')\n"
        "print(json.dumps({'threads': [t.name for t in threading.enumerate()],\n"
        "  'files': os.listdir('.'), 'ray': bool(ray and ray.is_initialized()),\n"
        "  'cuda': bool(torch and torch.cuda.is_initialized()),\n"
        "  'environment': sorted(k for k in os.environ if k not in before and k[:5] in\n"
        "    ('MONOP', 'AWS_A', 'AWS_E', 'AWS_S'))}))"
    )
    variables = {**os.environ, "HOME": str(tmp_path / "home")}
    (tmp_path / "home").mkdir()
    (tmp_path / "cwd").mkdir()
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "cwd", env=variables, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout.splitlines()[-1])
    assert seen == {
        "threads": ["MainThread"], "files": [], "ray": False, "cuda": False, "environment": [],
    }  # fmt: skip


@pytest.mark.parametrize("file", PACKAGE_FILES, ids=module_of)
def test_the_package_does_not_import_what_stands_on_it(file: Path) -> None:
    assert not imported(file) & {*OUTER, "tests"}


@pytest.mark.parametrize("file", sorted((ROOT / "jobs").glob("*.py")), ids=lambda file: file.stem)
def test_jobs_can_be_submitted_by_their_bare_name(file: Path) -> None:
    assert file.read_text().startswith("#!/usr/bin/env python3\n")
    assert file.stat().st_mode & stat.S_IXUSR


@pytest.mark.parametrize("file", ALL_FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_files_are_short_and_named_for_what_they_hold(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= MAX_LINES
    assert not re.search(r"(^|_)(utils?|helpers?|misc|common)$", file.stem)


@pytest.mark.parametrize("file", PACKAGE_FILES, ids=module_of)
def test_no_postponed_annotations(file: Path) -> None:
    """They would hide the shapes from the checker of the tests."""
    assert "from __future__ import annotations" not in file.read_text()
