"""The wheel, installed outside the checkout with each extra, and used: `make wheel-test`.

Not collected by `make test`: it installs 3 GB in five environments, in some minutes.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchswap.version import VERSION
from tests.shipping import environments
from tests.shipping.environments import Environment
from tests.shipping.test_wheel import ROOMS

pytestmark = pytest.mark.timeout(1500)
SPEC = {
    "recipe": "resnet20_short",
    "training": {"epochs": 1},
    "exports": [{"format": "onnx", "precision": "fp32"}, {"format": "onnx", "precision": "int8"}],
}


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory):
    made: dict[str, Environment] = {}

    def with_extra(extra: str) -> Environment:
        """`client` has none."""
        if extra not in made:
            folder = tmp_path_factory.mktemp(extra) / "venv"
            made[extra] = environments.make(folder, wheel, None if extra == "client" else extra)
            print(
                f"\n[{extra}] {len(made[extra].packages())} packages, {made[extra].megabytes():.0f} MB, "
                f"{made[extra].seconds:.0f} s to install"
            )
        return made[extra]

    return with_extra


EXTRAS = ["client", "device", "server", "worker", "up", "all"]


@pytest.mark.parametrize("extra", EXTRAS)
def test_it_installs_one_name_and_the_command_line_works(environment, extra: str):
    there = environment(extra)
    assert there.installed("patchswap", *ROOMS) == {"patchswap": True} | dict.fromkeys(ROOMS, False)
    assert there.run(there.python, "-c", "import patchswap; patchswap.Client").returncode == 0
    assert "Usage: patchswap" in there.run(there.patchswap, "--help").stdout
    assert there.run(there.patchswap, "version").stdout == f"patchswap {VERSION}\n"


def test_the_client_is_small_and_quick(environment):
    there = environment("client")
    started_at = time.monotonic()
    for _ in range(5):
        assert there.run(there.patchswap, "--help").returncode == 0
    seconds = (time.monotonic() - started_at) / 5
    print(f"\npatchswap --help: {seconds:.2f} s; {', '.join(sorted(there.packages()))}")
    assert len(there.packages()) <= 6 + 19
    assert there.megabytes() < 60


@pytest.mark.parametrize(
    ("extra", "command", "needed"),
    [
        ("client", ["up"], "up"),
        ("client", ["doctor"], "server"),
        ("client", ["worker", "--device", "pi"], "device"),
        ("server", ["up"], "up"),
        ("worker", ["up"], "up"),
    ],
)
def test_a_command_says_which_extra_it_lacks(environment, extra: str, command: list[str], needed: str):
    there = environment(extra)
    done = there.run(there.patchswap, *command)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert f"`patchswap {command[0]}` needs the extra [{needed}]" in done.stderr
    assert f"pip install 'patchswap[{needed}]'" in done.stderr


# Every module of the rooms, as a process of the service finds them. Not `portable.infer`: what it imports
# lies beside it in a bundle.
IMPORT_ALL = """
import importlib, os, pkgutil, sys
os.environ |= {"PATCHSWAP_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none",
    "PATCHSWAP_REDIS_URL": "redis://127.0.0.1:1/0", "PATCHSWAP_OBJECTS_URL": "file:///nonexistent"}
count = 0
for room in sys.argv[1:]:
    found = importlib.import_module(room)
    for module in pkgutil.walk_packages(found.__path__, prefix=f"{room}."):
        left_out = module.name.endswith(("__main__", "migrations.env")) or module.name == "portable.infer"
        if not left_out and ".versions." not in module.name:
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as missing:  # a format beside ONNX has an extra of its own
                if ".formats." not in module.name and ".runtimes." not in module.name:
                    raise
                print(module.name, "needs", missing.name, file=sys.stderr)
            else:
                count += 1
print(count)
"""


@pytest.mark.parametrize(
    ("extra", "rooms"),
    [
        ("server", ("api", "contract", "core", "migrations", "portable")),
        ("worker", ("contract", "core", "ingest", "migrations", "portable", "trainer", "worker")),
    ],
)
def test_an_extra_brings_all_that_its_rooms_import(environment, extra: str, rooms: tuple[str, ...]):
    there = environment(extra)
    folder = there.run(there.python, "-m", "patchswap.local.service").stdout.strip()
    done = there.run(there.python, "-P", "-c", IMPORT_ALL, *rooms, PYTHONPATH=folder)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 80


class Service:
    """`patchswap up` of an environment, and the folder of its data."""

    def __init__(self, there: Environment, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [str(there.patchswap), "up", "--data-dir", str(folder), "--port", str(port)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/", env=environments.clean()
        )
        line = self.process.stdout.readline()
        assert line.startswith("ready "), self.process.stderr.read()

    def stop(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=90)
        return self.process.returncode, said


@pytest.fixture(scope="module")
def service(environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    started = Service(environment("up"), tmp_path_factory.mktemp("data"))
    yield started
    if started.process.poll() is None:
        started.stop()


def test_up_of_the_wheel_trains_a_job_that_the_client_alone_asked_for(environment, service: Service, tmp_path: Path):
    client, demo = environment("client"), environment("all")
    archive, spec = tmp_path / "digits.zip", tmp_path / "spec.json"
    write = "import sys; from pathlib import Path; from patchswap.demo import digits; digits.write(Path(sys.argv[1]))"
    assert demo.run(demo.python, "-c", write, archive).returncode == 0
    spec.write_text(json.dumps(SPEC))

    def patchswap(*arguments: str | Path) -> str:
        done = client.run(client.patchswap, *arguments, PATCHSWAP_DATA_DIR=str(service.folder))
        assert done.returncode == 0, done.stderr
        return done.stdout

    patchswap("datasets", "push", archive, "--name", "digits")
    job = json.loads(patchswap("train", "--dataset", "digits", "--spec", spec, "--watch", "--json").splitlines()[-1])[
        "job"
    ]
    assert job["status"] == "succeeded"
    for precision in ("fp32", "int8"):
        folder = tmp_path / precision
        patchswap("pull", job["id"], "--precision", precision, "--to", folder)
        assert f"{folder} is as signed by key" in patchswap("verify", folder)
        proof = demo.run(demo.python, folder / "verify.py")
        assert proof.returncode == 0, proof.stdout + proof.stderr
    report = tmp_path / "report.html"
    patchswap("report", job["id"], "--output", report)
    assert "<html" in report.read_text()


def test_doctor_of_the_server_extra_finds_that_service_sound(environment, service: Service):
    there = environment("server")
    done = there.run(there.patchswap, "doctor", "--data-dir", service.folder, "--json")
    assert [finding for finding in json.loads(done.stdout) if not finding["ok"]] == [], done.stderr
    assert done.returncode == 0


def test_device_of_the_device_extra_joins_it_over_http(environment, service: Service):
    there = environment("device")
    worker = subprocess.Popen(
        [str(there.patchswap), "worker", "--device", "pi"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
        env=environments.clean() | {"PATCHSWAP_DATA_DIR": str(service.folder)},
    )
    try:
        assert "pi: ready to measure" in worker.stdout.readline()
        shown = ""
        while "pi " not in shown:
            done = there.run(there.patchswap, "devices", PATCHSWAP_DATA_DIR=str(service.folder))
            assert done.returncode == 0, done.stderr
            shown = done.stdout
            assert worker.poll() is None
    finally:
        worker.send_signal(signal.SIGTERM)
        said, _ = worker.communicate(timeout=60)
    assert (worker.returncode, said.splitlines()[-1]) == (0, "stopped")


def test_up_of_the_wheel_stops_in_order(service: Service):
    status, said = service.stop()
    assert status == 0, said


def test_sdist_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path):
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "xf", str(sdist), "-C", str(unpacked), "--strip-components=1"], check=True)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=unpacked)
    assert done.returncode == 0, done.stderr
    (rebuilt,) = (tmp_path / "dist").iterdir()
    assert rebuilt.read_bytes() == wheel.read_bytes()
