"""`patchswap` as a process, the way a shell runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.servers.api import ApiServer
    from tests.servers.proxy import BreakingProxy

Run = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command in a folder and a home of its own, with nothing configured but what is given."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PATCHSWAP_", "XDG_"))}
        return subprocess.run(
            [sys.executable, "-m", "patchswap", *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            input=variables.pop("stdin", ""),
            env=kept | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)} | variables,
        )

    return run


@pytest.fixture
def patchswap(run: Run, api: ApiServer, proxy: BreakingProxy, api_key: str) -> Run:
    """The same, logged in to the api."""

    def logged_in(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return run(*arguments, PATCHSWAP_URL=proxy.url, PATCHSWAP_API_KEY=api_key, **variables)

    return logged_in


def lines_of_json(done: subprocess.CompletedProcess[str]) -> list[Any]:
    """What was printed, where all of it is JSON lines."""
    return [json.loads(line) for line in done.stdout.splitlines()]


def one_json(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    (document,) = lines_of_json(done)
    return document


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of an error."""
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line
