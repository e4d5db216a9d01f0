"""Clients that others' generators make of the document, each taken from upload to download: `make test-clients`.

Not collected by `make test`: the generators come from PyPI and npm, and need versions that nothing else here does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import ours, server
from tests.api.serving import Caller, Server
from tests.shipping.environments import clean
from tests.worker.conftest import fake_trainer, short_leases
from tests.worker.processes import Worker
from tests.worker.test_whole_job import archive

__all__ = ["fake_trainer", "ours", "server", "short_leases"]
pytestmark = [pytest.mark.timeout(1800), pytest.mark.usefixtures("workers")]
HERE = Path(__file__).parent
GENERATOR = "openapi-python-client==0.29.1"
PACKAGES = ("openapi-typescript@7", "openapi-fetch@0.17", "typescript@6", "@types/node@20")


@pytest.fixture
def workers(fake_trainer: None, tmp_path: Path) -> Iterator[None]:
    started = [Worker(queue, folder=tmp_path, name=queue).wait_until_ready() for queue in ("short", "train")]
    yield
    for worker in started:
        worker.end()


@pytest.fixture
def document(server: Server, tmp_path: Path) -> Path:
    """As the running service gives it to anybody."""
    path = tmp_path / "openapi.json"
    path.write_bytes(httpx.get(f"{server.url}/openapi.json", timeout=60, trust_env=False).content)
    return path


def run(*command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        list(map(str, command)), check=False, capture_output=True, text=True, cwd=cwd, env=clean() | variables
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def whole_way(*command: str | Path, ours: Caller, folder: Path) -> None:
    (folder / "noise.zip").write_bytes(archive())
    run(
        *command, str(ours.http.base_url).rstrip("/"), ours.key, folder / "noise.zip", folder / "bundle.zip", cwd=folder
    )
    assert "model.onnx" in zipfile.ZipFile(folder / "bundle.zip").namelist()


def test_python_client_goes_from_upload_to_download(ours: Caller, document: Path, tmp_path: Path):
    python = tmp_path / "venv" / "bin" / "python"
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", GENERATOR, cwd=tmp_path)
    generate = [python.parent / "openapi-python-client", "generate", "--path", document, "--meta", "none"]
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"  # it formats what it wrote with ruff
    done = run(*generate, "--output-path", tmp_path / "patchswap_api", cwd=tmp_path, PATH=path)
    assert "Endpoint will not be generated" not in done.stdout
    lost = [line for line in done.stdout.splitlines() if line.startswith("WARNING parsing")]
    assert all("/samples/{index}/" in line for line in lost), lost  # pictures: it gives their bytes unparsed
    (tmp_path / "whole_way.py").write_bytes((HERE / "whole_way.py").read_bytes())
    whole_way(python, "whole_way.py", ours=ours, folder=tmp_path)


@pytest.mark.parametrize("options", [[], ["--default-non-nullable=false"]], ids=["as it is", "option"])
def test_typescript_client_goes_from_upload_to_download(
    ours: Caller, document: Path, tmp_path: Path, options: list[str]
):
    (tmp_path / "package.json").write_text('{"type": "module", "private": true}')
    run("npm", "install", "--no-audit", "--no-fund", "--legacy-peer-deps", *PACKAGES, cwd=tmp_path)
    (tmp_path / "whole_way.ts").write_bytes((HERE / "whole_way.ts").read_bytes())
    run("npx", "openapi-typescript", document, "-o", "api.ts", *options, cwd=tmp_path)
    strict = ["--strict", "--target", "es2022", "--module", "nodenext", "--types", "node", "--skipLibCheck"]
    run("npx", "tsc", *strict, "whole_way.ts", cwd=tmp_path)
    whole_way("node", "whole_way.js", ours=ours, folder=tmp_path)
