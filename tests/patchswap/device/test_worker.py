"""`patchswap worker` as a process that can reach the api and nothing else: at work, stopped, parted, killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from core.accounts import keys
from core.database.database import transaction
from core.exports import devices, profiles
from core.store import storage
from core.tables import Export, Profile
from patchswap.credentials import Credentials
from patchswap.device import claims
from patchswap.transport import Transport
from tests.api import made
from tests.conftest import forget_settings
from tests.patchswap.device.bundles import bundle
from tests.servers import processes
from tests.servers.api import ApiServer
from tests.servers.namespace import Namespace, may_be_made
from tests.servers.proxy import BreakingProxy, Fault
from tests.servers.wire import Wire
from tests.worker import seed
from tests.worker.processes import wait_for

PI = "raspberry-pi-5"
LEASE_SECONDS = 8
SLOW = {"size_px": 224, "filters": 64}  # some seconds to measure


@pytest.fixture
def api(
    database: str, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ApiServer]:
    monkeypatch.setenv("PATCHSWAP_LEASE_SECONDS", str(LEASE_SECONDS))
    monkeypatch.setenv("PATCHSWAP_HEARTBEAT_SECONDS", "0.5")
    forget_settings()
    server = ApiServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def sweeping(api: ApiServer) -> Iterator[None]:
    """What every worker of the deployment does beside its work: silent claims are taken back."""
    over = threading.Event()

    def sweep() -> None:
        while not over.wait(0.2):
            with transaction() as session:
                seed.take_back_silent(session)

    thread = threading.Thread(target=sweep)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.fixture
def tenant_id(api: ApiServer) -> str:
    return seed.tenant()


@pytest.fixture
def key(tenant_id: str) -> str:
    with transaction() as session:
        return keys.create(session, tenant_id, name="pi", scopes=["device"])[1]


def make_export(tenant_id: str, content: bytes) -> Export:
    _, _, export = made.published_job(seed.version(tenant_id))
    with transaction() as session:
        row = session.get_one(Export, export.id)
        stored = storage.put_bytes(f"exports/{export.id}/1/bundle.zip", content)
        row.object_key, row.bytes, row.sha256 = stored.key, stored.bytes, stored.sha256
    return row


def ask(export: Export) -> str:
    with transaction() as session:
        found = profiles.submit(session, export.tenant_id, export.model_id, export_id=export.id, device=PI)
    return found.id


def read(profile_id: str) -> Profile:
    with transaction() as session:
        return session.get_one(Profile, profile_id)


@dataclass
class Device:
    process: subprocess.Popen
    log: Path

    def said(self) -> str:
        return self.log.read_text()

    def tree(self) -> list[psutil.Process]:
        first = psutil.Process(self.process.pid)
        return [first, *first.children(recursive=True)]

    def stop(self) -> None:
        """All its processes, as a suspended machine."""
        for process in self.tree():
            process.suspend()

    def go_on(self) -> None:
        for process in reversed(self.tree()):
            with suppress(psutil.NoSuchProcess):  # ended by one that went on before it
                process.resume()


@pytest.fixture
def start(api: ApiServer, key: str, tmp_path: Path) -> Iterator[Callable[..., Device]]:
    """Starts a device that knows an address and a key: no other variable of ours, no file of ours."""
    started: list[Device] = []

    def start(url: str = "", *, through: tuple[str, ...] = (), name: str = PI) -> Device:
        log, home = tmp_path / f"device-{len(started)}.log", tmp_path / f"home-{len(started)}"
        (home / "tmp").mkdir(parents=True)
        variables = {"HOME": str(home), "TMPDIR": str(home / "tmp"), "PATH": os.environ["PATH"]}
        variables |= {"PATCHSWAP_URL": url or api.url, "PATCHSWAP_API_KEY": key}
        variables |= {"PYTHONPATH": str(Path(__file__).parents[3]), "OMP_NUM_THREADS": "1"}
        command = ["env", "-i", *(f"{n}={v}" for n, v in variables.items()), sys.executable, "-P", "-m", "patchswap"]
        started.append(Device(processes.start([*through, *command, "worker", "--device", name], log=log), log))
        return started[-1]

    yield start
    for device in started:
        if device.process.poll() is None:
            device.go_on()
            processes.end(device.process, signal.SIGTERM)


def wait_until_known(tenant_id: str) -> None:
    def known() -> bool:
        with transaction() as session:
            return PI in [device.name for device in devices.seen(session, tenant_id)]

    wait_for(known, seconds=60)


def wait_measuring(profile_id: str, fence: int, device: Device) -> None:
    """Until this device has claimed it and its child runs."""
    wait_for(lambda: read(profile_id).status == "running" and read(profile_id).fence == fence, seconds=60)
    wait_for(lambda: len(device.tree()) > 1, seconds=60)


def test_device_measures_what_it_is_asked_and_gives_up_nothing_of_the_house(start, tenant_id: str, tmp_path: Path):
    device = start()
    wait_until_known(tenant_id)
    good, broken = make_export(tenant_id, bundle()), make_export(tenant_id, bundle(format="coreml"))
    first, second = ask(good), ask(broken)
    wait_for(lambda: read(first).status == "succeeded", seconds=120)
    assert read(first).measured["golden_holds"] is True
    assert read(first).measured["runtime"].startswith("onnxruntime ")
    wait_for(lambda: read(second).status == "failed", seconds=60)
    assert read(second).error["code"] == "missing_dependency"
    device.process.send_signal(signal.SIGTERM)
    assert device.process.wait(20) == 0
    assert device.said().splitlines()[-1] == "stopped"
    assert list((tmp_path / "home-0" / "tmp").glob("patchswap-*")) == []


def test_sigterm_gives_the_claim_back_and_another_measures(start, tenant_id: str, sweeping, tmp_path: Path):
    device = start()
    wait_until_known(tenant_id)
    profile_id = ask(make_export(tenant_id, bundle(**SLOW)))
    wait_measuring(profile_id, 1, device)
    device.process.send_signal(signal.SIGTERM)
    assert device.process.wait(20) == 0
    assert (read(profile_id).status, read(profile_id).attempts) == ("queued", 0)
    assert list((tmp_path / "home-0" / "tmp").glob("patchswap-*")) == []
    start()
    wait_for(lambda: read(profile_id).status == "succeeded", seconds=120)
    assert read(profile_id).fence == 2


@pytest.mark.slow
def test_stopped_device_loses_its_claim_and_its_late_report_is_refused(start, tenant_id: str, sweeping):
    device = start()
    wait_until_known(tenant_id)
    profile_id = ask(make_export(tenant_id, bundle(**SLOW)))
    wait_measuring(profile_id, 1, device)
    device.stop()
    stopped_at = time.monotonic()
    wait_for(lambda: read(profile_id).status == "queued", seconds=LEASE_SECONDS + 10)
    other = start()
    wait_measuring(profile_id, 2, other)
    print(f"\nclaimed by the other {time.monotonic() - stopped_at:.1f} s after the stop, lease {LEASE_SECONDS} s")
    device.go_on()
    wait_for(lambda: "dropped" in device.said(), seconds=30)
    wait_for(lambda: read(profile_id).status == "succeeded", seconds=120)
    assert read(profile_id).fence == 2
    assert f"{profile_id}: dropped" not in other.said()


def test_killed_device_leaves_no_process_and_the_file_is_measured_again(start, tenant_id: str, sweeping):
    device = start()
    wait_until_known(tenant_id)
    profile_id = ask(make_export(tenant_id, bundle(**SLOW)))
    wait_measuring(profile_id, 1, device)
    _, *children = device.tree()
    device.process.kill()
    device.process.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    start()
    wait_for(lambda: read(profile_id).status == "succeeded", seconds=120)
    assert (read(profile_id).fence, read(profile_id).attempts) == (2, 2)


@pytest.mark.parametrize("mode", ["stall", pytest.param("refuse", marks=pytest.mark.slow)])
def test_parted_device_drops_its_claim_by_itself_and_comes_back(start, tenant_id, sweeping, api: ApiServer, mode: str):
    with closing(Wire(api.port)) as wire:
        device = start(f"http://127.0.0.1:{wire.port}")
        wait_until_known(tenant_id)
        profile_id = ask(make_export(tenant_id, bundle(**SLOW)))
        wait_measuring(profile_id, 1, device)
        for measuring in device.tree()[1:]:
            measuring.suspend()  # so that the measurement cannot end by itself before the lease does
        wire.mode = mode
        wait_for(lambda: read(profile_id).status == "queued", seconds=LEASE_SECONDS + 10)
        wait_for(lambda: len(device.tree()) == 1, seconds=30)  # it fenced itself: nothing measures there
        assert "so the claim is over" in device.said()
        start()
        wait_for(lambda: read(profile_id).status == "succeeded", seconds=120)
        assert read(profile_id).fence == 2
        wire.heal()
        again = ask(make_export(tenant_id, bundle()))
        wait_for(lambda: read(again).status == "succeeded", seconds=120)


@pytest.mark.skipif(not may_be_made(), reason="networks of their own: root and iproute2, on Linux")
@pytest.mark.slow
def test_network_that_reaches_the_api_alone_is_enough(start, tenant_id: str, sweeping, api: ApiServer):
    """Its only way out is a wire to the api; then every packet there is lost, while it measures."""
    network = Namespace(f"device-{os.getpid()}", addresses=1)
    (address,) = network.addresses
    try:
        with closing(Wire(api.port, host=address)) as wire:
            url = f"http://{address}:{wire.port}"
            device = start(url, through=tuple(network.command))
            wait_until_known(tenant_id)
            profile_id = ask(make_export(tenant_id, bundle(**SLOW)))
            wait_measuring(profile_id, 1, device)
            network.lose(address, "both")
            wait_for(lambda: read(profile_id).status == "queued", seconds=LEASE_SECONDS + 10)
            network.find(address)
            wait_for(lambda: read(profile_id).status == "succeeded", seconds=120)
            assert read(profile_id).fence == 2
    finally:
        network.close()


def test_lost_answers_cost_no_claim_and_no_second_measurement(tenant_id: str, key: str, api: ApiServer):
    """Each call reaches the service, and its answer does not reach the device."""
    with transaction() as session:
        devices.beat_of_tenant(session, tenant_id, PI, "pi")
    profile_id = ask(make_export(tenant_id, bundle()))
    with closing(BreakingProxy(api.url)) as proxy:
        transport = Transport(Credentials(proxy.url, key))
        proxy.faults = [Fault("POST", path, "drop_answer") for path in ("/claims", "/report")]
        held = claims.claim(transport, PI, "pi")
        assert isinstance(held, claims.Claim)
        assert (held.profile_id, held.fence, read(profile_id).fence) == (profile_id, 1, 1)
        claims.report(transport, held, {"error": {"code": "runtime_failed", "message": "no"}})
        assert [fault.times for fault in proxy.faults] == [0, 0]
    done = read(profile_id)
    assert (done.status, done.attempts, done.error["code"]) == ("failed", 1, "runtime_failed")


def test_key_of_another_scope_is_refused_in_one_line_with_the_remedy(start, tenant_id: str, api: ApiServer):
    with transaction() as session:
        other = keys.create(session, tenant_id, name="reader", scopes=["read", "write", "admin"])[1]
    command = [sys.executable, "-P", "-m", "patchswap", "worker", "--device", PI]
    variables = {"PATCHSWAP_URL": api.url, "PATCHSWAP_API_KEY": other}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ | variables)
    assert done.returncode == 1
    assert "lacks the scope device" in done.stderr
    assert "patchswap keys create NAME --scope device" in done.stderr
