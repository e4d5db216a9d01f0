"""The compose file's own commands and health checks, run by hand on real Postgres, Redis and S3."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from core import provision
from tests.deployment.test_compose import OURS, ROOT
from tests.servers import processes

# What compose sets and these tests set otherwise: the addresses of the servers.
COMPOSE_VARIABLES = set(OURS["api"]["environment"])


def health_check(dockerfile: str, port: int = 8000) -> list[str]:
    """The image's HEALTHCHECK command, on this Python and on the port of this test."""
    text = (ROOT / dockerfile).read_text().replace("\\\n", "")
    command = json.loads(re.search(r"^HEALTHCHECK .*?CMD (\[.*\])$", text, re.MULTILINE).group(1))
    return [sys.executable, *(part.replace(":8000/", f":{port}/") for part in command[1:])]


def healthy(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def eventually(holds, *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.fixture
def container_environment(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> dict[str, str]:
    """On the server of `objects_url`, as a container with a host name of its own."""
    monkeypatch.setenv("PATCHSWAP_PUBLIC_URL", "http://127.0.0.1:8000")
    monkeypatch.setenv("PATCHSWAP_WORKER_NAME", "container-1")
    monkeypatch.setenv("PATCHSWAP_S3_PUBLIC_ENDPOINT", os.environ.get("PATCHSWAP_S3_ENDPOINT", ""))
    monkeypatch.setenv("PATCHSWAP_DOWNLOADS", "redirect")
    keys = tmp_path / "keys"
    keys.mkdir()
    provision.provide(keys, keys)
    monkeypatch.setenv("PATCHSWAP_SIGNING_KEY_FILE", str(keys / provision.SIGNING_KEY))
    monkeypatch.setenv("PATCHSWAP_SIGNING_PUBLIC_KEY_FILE", str(keys / f"{provision.SIGNING_KEY}.pub"))
    monkeypatch.setenv("PATCHSWAP_WEBHOOK_KEYS_FILE", str(keys / provision.WEBHOOK_KEYS))
    return dict(os.environ)


@pytest.fixture
def start(tmp_path: Path) -> Iterator:
    running: list[subprocess.Popen] = []

    def start_service(command: list[str]) -> subprocess.Popen:
        process = processes.start([sys.executable, *command[1:]], log=tmp_path / f"{len(running)}.log")
        running.append(process)
        return process

    yield start_service
    for process in running:
        processes.end(process, signal.SIGKILL)


@pytest.mark.parametrize("objects_url", ["swift"], indirect=True)
def test_api_starts_on_s3_is_healthy_and_stops_on_sigterm(container_environment, start):
    assert container_environment.keys() >= COMPOSE_VARIABLES
    port = processes.spare_port()
    check = health_check("docker/api.Dockerfile", port)
    assert not healthy(check)
    process = start(["python", "-m", "api", "--host", "127.0.0.1", "--port", str(port)])
    assert eventually(lambda: healthy(check), seconds=30)
    assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=15) in {0, -signal.SIGTERM}


@pytest.mark.parametrize("objects_url", ["swift"], indirect=True)
@pytest.mark.parametrize("service", ["worker-train", "worker-short"])
def test_worker_starts_on_s3_is_healthy_and_stops_on_sigterm(container_environment, start, tmp_path, service: str):
    process = start(OURS[service]["command"])
    assert eventually(lambda: "ready." in (tmp_path / "0.log").read_text(), seconds=30)
    assert healthy(health_check("docker/worker.Dockerfile"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0


def test_a_worker_of_another_container_does_not_count_as_healthy(container_environment, start, tmp_path, monkeypatch):
    start(OURS["worker-short"]["command"])
    assert eventually(lambda: "ready." in (tmp_path / "0.log").read_text(), seconds=30)
    monkeypatch.setenv("PATCHSWAP_WORKER_NAME", "container-2")
    assert not healthy([part.replace("timeout=8", "timeout=2") for part in health_check("docker/worker.Dockerfile")])
