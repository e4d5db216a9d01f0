"""What a browser loads, and that the committed build is of the committed source."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from api import console

ROOT = Path(__file__).parents[2]
FIRST_LOAD_BYTES = 60_000  # gzip
ALL_BYTES = 200_000


def test_first_load_is_small():
    page = console.FILES[console.INDEX].content.decode()
    named = [name.removeprefix("/ui/") for name in re.findall(r'(?:src|href)="(/ui/assets/[^"]+)"', page)]
    assert any(name.endswith(".js") for name in named)
    assert sum(len(console.FILES[name].zipped) for name in [console.INDEX, *named]) <= FIRST_LOAD_BYTES


def test_all_of_it_is_small():
    assert sum(len(file.zipped) for file in console.FILES.values()) <= ALL_BYTES


@pytest.mark.slow
def test_the_committed_build_is_of_this_source(tmp_path: Path):
    """Where `make console` installed its packages; the job `console` of CI compares, too."""
    vite = ROOT / "console/node_modules/.bin/vite"
    if not vite.exists() or shutil.which("node") is None:
        pytest.skip("the console's packages are not installed: make console")
    command = [vite, "build", "--outDir", tmp_path / "page", "--logLevel", "warn"]
    subprocess.run(command, cwd=ROOT / "console", check=True, timeout=600)
    built = {path.relative_to(tmp_path / "page").as_posix(): path.read_bytes() for path in _files(tmp_path / "page")}
    assert built == {name: file.content for name, file in console.FILES.items()}


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
