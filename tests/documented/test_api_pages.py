"""The pages of docs/api, each as it is printed: its bash in one shell, then its Python in one interpreter, at `up`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchswap.client import Client
from patchswap.demo import digits
from tests.documented.blocks import ROOT, of_page
from tests.servers.up import Up

PAGES = sorted((ROOT / "docs" / "api").glob("*.md"))
JOB = {"recipe": "resnet20_short", "training": {"epochs": 1}}


@pytest.fixture(scope="module")
def service() -> Iterator[Path]:
    """The data directory of a running service with the dataset `digits` and one model of it."""
    with tempfile.TemporaryDirectory(prefix="patchswap-tests-") as folder:
        data_dir = Path(folder)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("OMP_NUM_THREADS", "1")
            up = Up(data_dir)
        up.wait_until_ready()
        digits.write(data_dir / "digits.zip")
        with Client(**up.client) as client:
            client.datasets.push(data_dir / "digits.zip", name="digits").wait()
            client.jobs.create(JOB, dataset="digits").wait()
        yield data_dir
        assert up.stop() == 0


def program(page: Path, language: str) -> str:
    return "\n".join(block.text for block in of_page(page) if block.language == language and block.reason is None)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_page_runs_as_printed(page: Path, service: Path, tmp_path: Path):
    (tmp_path / "digits.zip").symlink_to(service / "digits.zip")
    first_calls = "" if page.stem == "index" else program(page.with_name("index.md"), "bash").partition("\napi ")[0]
    shell = ["bash", "-euo", "pipefail", "-c", f"{first_calls}\n{program(page, 'bash')}"]
    for command in (shell, [sys.executable, "-c", program(page, "python")]):
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"PATCHSWAP_DATA_DIR": str(service)},
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        assert done.stderr == ""
        assert done.stdout
