"""`patchswap up` as a user has it: one command, a service that survives its parts, nothing left behind."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.servers.up import CHILDREN, COMMAND, Up, eventually, running_of


@pytest.fixture(scope="module")
def service(servers_folder: Path) -> Iterator[Up]:
    up = Up(servers_folder / "up")
    up.wait_until_ready()
    yield up
    up.process.kill()
    up.process.communicate()
    eventually(lambda: not running_of(up.data_dir), seconds=10)


def test_ready_means_that_requests_with_the_written_key_are_answered(service: Up):
    assert service.is_ready()
    assert service.client["url"] == service.url
    assert service.key_is_accepted()
    assert (service.data_dir / "client.json").stat().st_mode & 0o777 == 0o600


def test_nothing_but_the_api_listens_on_the_network(service: Up):
    listening = {
        connection.laddr
        for process in running_of(service.data_dir)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {(address.ip, address.port) for address in listening} == {("127.0.0.1", service.port)}


def test_doctor_finds_nothing_wrong_with_it(service: Up):
    def examined() -> subprocess.CompletedProcess[str]:
        command = [COMMAND, "doctor", "--data-dir", service.data_dir]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    assert eventually(lambda: examined().returncode == 0, seconds=60), examined()  # workers may still be starting
    assert examined().stdout.count("ok     ") >= 10


def test_doctor_of_a_directory_without_a_service_says_so(tmp_path: Path):
    command = [COMMAND, "doctor", "--data-dir", tmp_path]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "No service was started" in done.stderr


def test_a_second_up_on_the_same_directory_names_the_holder_and_ends(service: Up):
    status, said = Up(service.data_dir).end()
    assert status == 1
    assert said.count("\n") == 1
    assert f"in use by process {service.process.pid} ({service.url})" in said
    assert service.is_ready()


def test_a_port_in_use_is_refused_in_one_line(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = Up(tmp_path, port=port).end()
    assert (status, said.count("\n")) == (1, 1)
    assert f"Cannot listen on 127.0.0.1 port {port}: Address already in use. Choose another --port." in said


def test_a_directory_that_cannot_be_written_is_refused_in_one_line():
    status, said = Up(Path("/proc/patchswap")).end()
    assert (status, said.count("\n")) == (1, 1)
    assert "Cannot write to the data directory /proc/patchswap" in said


@pytest.mark.parametrize("name", CHILDREN)
def test_a_killed_part_comes_back_and_the_service_is_ready_again(service: Up, name: str):
    before = service.child(name)
    before.kill()
    assert eventually(lambda: service.child(name) not in {None, before}, seconds=30)
    assert eventually(service.is_ready, seconds=60)
    assert service.key_is_accepted()


@pytest.mark.slow
def test_after_kill_9_of_the_supervisor_nothing_runs_on_and_a_new_up_has_the_same_data(data_dir: Path):
    data_dir = data_dir / "a name with spaces, a comma, and é"
    first = Up(data_dir)
    first.wait_until_ready()
    key = first.client["api_key"]
    first.process.kill()
    first.process.communicate()
    assert eventually(lambda: not running_of(data_dir), seconds=10)

    second = Up(data_dir, port=first.port)
    second.wait_until_ready()
    assert second.client["api_key"] == key
    assert second.key_is_accepted()
    assert second.stop() == 0
    assert running_of(data_dir) == []
    assert list(data_dir.parent.iterdir()) == [data_dir]


@pytest.mark.slow
def test_up_right_after_kill_9_of_everything_starts_cleanly(data_dir: Path):
    data_dir = data_dir / ("long" * 40)  # no socket's path fits in there
    first = Up(data_dir)
    first.wait_until_ready()
    key = first.client["api_key"]
    first.process.kill()
    for process in running_of(data_dir):
        process.kill()
    second = Up(data_dir)
    first.process.communicate()
    second.wait_until_ready()
    assert second.client == {"url": second.url, "api_key": key}
    assert second.stop() == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_start_stops_what_was_started(data_dir: Path, how: signal.Signals):
    up = Up(data_dir)
    assert eventually((data_dir / "postgres" / "postmaster.pid").exists, seconds=20)
    up.process.send_signal(how)
    status, said = up.end()
    assert status == 0
    assert "ready" not in said
    assert running_of(data_dir) == []


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["client.json", "postgres"])
def test_a_key_is_made_anew_where_the_file_or_the_database_is_lost(data_dir: Path, lost: str):
    first = Up(data_dir)
    first.wait_until_ready()
    key = first.client["api_key"]
    assert first.stop() == 0
    (data_dir / lost).rename(data_dir / "lost")
    second = Up(data_dir)
    second.wait_until_ready()
    assert second.client["api_key"] != key
    assert second.key_is_accepted()
    assert second.stop() == 0
