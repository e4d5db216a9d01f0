"""The whole of docker-compose.yml but Docker: `make compose-emulated`. Its processes, commands, settings, volumes and
health checks, from the wheel, under its limits, on Debian's Postgres and Redis and on OpenStack Swift; one job.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from patchswap import Client
from patchswap.demo import digits
from patchswap.local.embedded import accounts
from patchswap.local.embedded import postgres as bundled
from tests.deployment import compose_file, image
from tests.deployment.image import Image
from tests.servers import container, debian, processes
from tests.servers.container import Container
from tests.servers.swift import SwiftServer
from tests.shipping.building import build

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
DOTENV = {"POSTGRES_PASSWORD": "p0stgres", "REDIS_PASSWORD": "r3dis", "PUBLIC_URL": "http://127.0.0.1:8000"}
SERVERS = {"postgres": "postgresql", "initdb": "postgresql", "redis-server": "redis-server"}
LONG_RUNNING = ("api", "worker-train", "worker-short")
SPEC = {
    "recipe": "resnet20_short",
    "training": {"epochs": 1, "compile": "on"},
    "exports": [{"format": "onnx", "precision": "fp32"}, {"format": "onnx", "precision": "int8"}],
}


class Composed:
    """The services of the file, each in a container of its own; volumes are folders of `folder`."""

    def __init__(self, folder: Path, built: Image, services: dict[str, compose_file.Service], port: int) -> None:
        self.folder, self._built, self._port = folder, built, port
        self.services = services
        self.running: dict[str, subprocess.Popen] = {}

    def container(self, name: str) -> Container:
        service = self.services[name]
        volumes = {}
        for volume, inside in service.volumes.items():
            (self.folder / volume).mkdir(exist_ok=True)
            os.chown(self.folder / volume, container.USER, container.USER)  # as the image's folder has it
            volumes[self.folder / volume] = inside
        environment = image.environment(service.dockerfile) | service.environment
        return Container(name, environment, self._built.code, volumes, image.workdir(service.dockerfile))

    def command(self, name: str) -> list[str]:
        given = self.services[name].command or image.instruction(self.services[name].dockerfile, "CMD")
        return self._here(given)

    def run_once(self, name: str) -> None:
        done = self.container(name).run(*self.command(name))
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"

    def start(self, name: str) -> None:
        self.running[name] = self.container(name).start(self.command(name), self.log(name))

    def is_healthy(self, name: str) -> bool:
        check = image.instruction(self.services[name].dockerfile, "HEALTHCHECK")
        return self.container(name).run(*self._here(check)).returncode == 0

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def stop(self, name: str) -> int:
        """As `docker stop`: SIGTERM to the first process in the container, which hands it on."""
        (inside,) = Path(f"/proc/{self.running[name].pid}/task/{self.running[name].pid}/children").read_text().split()
        os.kill(int(inside), signal.SIGTERM)
        return self.running[name].wait(75)

    def _here(self, command: list[str]) -> list[str]:
        """On the port of this test, and on this machine alone."""
        return [
            word.replace("0.0.0.0", "127.0.0.1").replace(":8000/", f":{self._port}/").replace("8000", str(self._port))
            for word in command
        ]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not below `tmp_path`: any pytest that starts closes that to other accounts."""
    with tempfile.TemporaryDirectory(prefix="patchswap-composed-") as made:
        yield Path(made)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def postgres(folder: Path) -> Iterator[int]:
    """Debian's, with the file's user, password and database; its port."""
    debian.install(SERVERS)
    port, data, log = processes.spare_port(), folder / "postgres", folder / "postgres.log"
    account = accounts.postgres_account()
    data.mkdir()
    accounts.hand_over(data, account)
    (folder / "password").write_text(DOTENV["POSTGRES_PASSWORD"])
    options = ["--encoding=UTF8", "--locale=C", "--username=patchswap", "--auth=scram-sha-256"]
    command = [str(debian.find("initdb")), "-D", str(data / "cluster"), *options, f"--pwfile={folder / 'password'}"]
    subprocess.run(command, check=True, capture_output=True, cwd="/", **accounts.identity(account))
    command = [str(debian.find("postgres")), "-D", str(data / "cluster"), "-p", str(port), "-h", "127.0.0.1"]
    process = processes.start([*command, "-k", str(data)], log=log, account=account)
    url = f"postgresql://patchswap:{DOTENV['POSTGRES_PASSWORD']}@127.0.0.1:{port}/postgres"
    processes.wait_until_ready(process, lambda: bundled.accepts_connections(url), log=log)
    bundled.ensure_database(url, "patchswap")
    yield port
    processes.end(process, signal.SIGINT)


@pytest.fixture(scope="module")
def redis(folder: Path) -> Iterator[int]:
    """Debian's, with the file's own configuration; its port."""
    debian.install(SERVERS)
    port, data, log = processes.spare_port(), folder / "redis", folder / "redis.log"
    data.mkdir()
    file = compose_file.read(DOTENV | {"S3_ACCESS_KEY_ID": "-", "S3_SECRET_ACCESS_KEY": "-"})
    text = file["configs"]["redis"]["content"].replace("dir /data", f"dir {data}")
    (folder / "redis.conf").write_text(f"{text}bind 127.0.0.1\nport {port}\n")
    process = processes.start([str(debian.find("redis-server")), str(folder / "redis.conf")], log=log)
    processes.wait_until_ready(process, lambda: "Ready to accept connections" in log.read_text(), log=log)
    yield port
    processes.end(process, signal.SIGTERM)


@pytest.fixture(scope="module")
def composed(folder: Path, wheel: Path, postgres: int, redis: int, swift_server: SwiftServer) -> Iterator[Composed]:
    """`docker compose up`: keys and migration first, then all that stays."""
    debian.install(container.PACKAGES)
    swift_server.create_bucket("patchswap")
    access, port = swift_server.access, processes.spare_port()
    keys = {"S3_ACCESS_KEY_ID": access.access_key_id, "S3_SECRET_ACCESS_KEY": access.secret_access_key}
    addresses = {
        "postgres:5432": f"127.0.0.1:{postgres}",
        "redis:6379": f"127.0.0.1:{redis}",
        "http://s3:8333": access.endpoint,
        "http://127.0.0.1:8333": access.endpoint.replace("127.0.0.1", "localhost"),  # outside by another name
        "http://127.0.0.1:8000": f"http://127.0.0.1:{port}",
    }
    services = compose_file.services(compose_file.read(DOTENV | keys), addresses)
    assert set(services) == {"migrate", "keys", *LONG_RUNNING}
    started = Composed(folder, Image(folder, wheel), services, port)
    for name in ("keys", "migrate"):
        started.run_once(name)
    for name in LONG_RUNNING:
        started.start(name)
    yield started
    for process in started.running.values():
        processes.end(process, signal.SIGKILL)


@pytest.fixture(scope="module")
def client(composed: Composed) -> Iterator[Client]:
    eventually(lambda: composed.is_healthy("api"), composed, "api")
    made = composed.container("api").run("python", "-m", "core.bootstrap", "--name", "default")
    assert made.returncode == 0, made.stderr
    url = composed.services["api"].environment["PATCHSWAP_PUBLIC_URL"]
    with Client(url, json.loads(made.stdout)["api_key"]) as client:
        yield client


def eventually(holds: Callable[[], bool], composed: Composed, name: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, composed.log(name).read_text()[-4000:]
        time.sleep(0.5)


def test_containers_are_as_limited_as_the_file_says(composed: Composed):
    """Else what follows proves nothing."""
    inside = composed.container("worker-short")
    assert inside.run("id", "-u").stdout == f"{container.USER}\n"
    for path in ("/x", "/usr/x", "/venv/x", "/keys/workers/x", "/keys/shared/x"):
        done = inside.run("sh", "-c", f"echo > {path}")
        assert done.returncode != 0, path
    refused = inside.run("sh", "-c", "printf '#!/bin/sh\\n' > /tmp/x && chmod +x /tmp/x && /tmp/x")
    assert "Permission denied" in refused.stderr
    assert (
        inside.run("sh", "-c", "printf '#!/bin/sh\\n' > /scratch/x && chmod +x /scratch/x && /scratch/x").returncode
        == 0
    )
    status = dict(line.split(":\t", 1) for line in inside.run("cat", "/proc/self/status").stdout.splitlines())
    assert (status["CapEff"], status["CapBnd"], status["NoNewPrivs"]) == ("0" * 16, "0" * 16, "1")
    assert composed.container("api").run("ls", "/keys").stdout == "shared\n"


def test_every_service_becomes_healthy(composed: Composed):
    for name in LONG_RUNNING:
        eventually(lambda name=name: composed.is_healthy(name), composed, name)


def test_doctor_in_the_api_container_finds_it_sound_and_looks_at_the_workers_disk(composed: Composed, client: Client):
    done = composed.container("api").run("python", "-m", "core.doctor", "--json")
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert [finding for finding in findings.values() if not finding["ok"]] == [], done.stderr
    assert " free at /scratch of " in findings["disk"]["detail"]


def test_a_job_trains_compiled_and_its_bundles_are_signed(composed: Composed, client: Client, tmp_path: Path):
    digits.write(tmp_path / "digits.zip")
    dataset = client.datasets.push(tmp_path / "digits.zip", name="digits").wait(timeout_seconds=180)
    job = client.jobs.create(SPEC, dataset=dataset.id).wait(timeout_seconds=900)
    assert job.status == "succeeded", job.error
    codes = {event.data.get("code"): event.data.get("message") for event in job.events()}
    assert "compiled" in codes, codes
    assert list((composed.folder / "scratch-train" / "compiled" / "inductor").iterdir())
    for precision in ("fp32", "int8"):
        export = client.models.newest_export(job.id, precision=precision)
        folder = client.exports.pull(export, tmp_path / precision)  # checks the signature
        assert (folder / "signature.json").is_file()
    assert client.exports.signing_key() is not None


def test_secrets_of_webhooks_are_sealed(client: Client, postgres: int):
    client.webhooks.create("https://receiver.example/hook", events=["job.succeeded"])
    url = f"postgresql://patchswap:{DOTENV['POSTGRES_PASSWORD']}@127.0.0.1:{postgres}/patchswap"
    with psycopg.connect(url) as connection:
        (secret,) = connection.execute("SELECT secret FROM webhooks").fetchone()
    assert not secret.startswith("whsec_")


def test_a_second_start_leaves_keys_and_schema(composed: Composed):
    before = (composed.folder / "keys-workers" / "signing_key.pem").read_bytes()
    for name in ("keys", "migrate"):
        composed.run_once(name)
    assert (composed.folder / "keys-workers" / "signing_key.pem").read_bytes() == before


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_it_stops_when_it_is_told_to(composed: Composed, name: str):
    assert composed.stop(name) in {0, 128 + signal.SIGTERM}, composed.log(name).read_text()[-2000:]
