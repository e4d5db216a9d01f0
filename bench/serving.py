"""`python -m api` on a bundled Postgres and a local object store, in a temporary folder: what an api alone needs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import cluster

_READY_SECONDS = 120.0  # on a busy machine the imports alone take half a minute


@dataclass(frozen=True)
class Api:
    port: int
    pid: int
    tenant_id: str
    api_key: str
    database: str  # libpq's address
    objects: Path

    @property
    def authorization(self) -> str:
        return f"Bearer {self.api_key}"


@contextmanager
def running(variables: Mapping[str, str] = MappingProxyType({})) -> Iterator[Api]:
    """A started api with a key; this process has its settings in the environment, so that core works here too.

    `variables` are settings that go before those of here: of another object store.
    """
    with tempfile.TemporaryDirectory(prefix="patchswap-bench-") as name, cluster.running() as server:
        objects = Path(name) / "objects"
        url = server.create_database("patchswap")
        os.environ |= cluster.settings_for(url) | {"PATCHSWAP_OBJECTS_URL": objects.as_uri()} | variables
        answer = subprocess.run(_python("core.bootstrap"), check=True, cwd="/", capture_output=True, text=True)
        owner = json.loads(answer.stdout)
        port = spare_port()
        os.environ["PATCHSWAP_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
        with (Path(name) / "api.log").open("wb") as log:
            api = subprocess.Popen(_python("api", "--port", str(port)), cwd="/", stdout=log, stderr=log)
        try:
            _wait_until_it_answers(api, port, Path(name) / "api.log")
            conninfo = server.conninfo("patchswap")
            yield Api(port, api.pid, owner["tenant_id"], owner["api_key"], conninfo, objects)
        finally:
            api.send_signal(signal.SIGTERM)
            api.wait()


def spare_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", module, *arguments]


def _wait_until_it_answers(api: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
        except urllib.error.URLError as error:
            if api.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the api is not ready:\n{log.read_text()[-2000:]}") from error
            time.sleep(0.05)
        else:
            return
