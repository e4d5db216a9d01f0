"""Uploads over a real api and a network that breaks."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest

from core.database.database import transaction
from core.datasets import uploads as core_uploads
from patchswap.calls import uploads
from patchswap.client import Client
from patchswap.errors import ApiError, ServiceUnreachable
from tests.servers.api import ApiServer
from tests.servers.proxy import BreakingProxy, Fault

PART = core_uploads.MIN_PART_BYTES
pytestmark = pytest.mark.usefixtures("quick_retries")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three parts, the last one short."""
    path = tmp_path / "images.zip"
    path.write_bytes(os.urandom(2 * PART + 12_345))
    return path


def stored_sha256(upload_id: str) -> str:
    with transaction() as session:
        upload = session.get_one(core_uploads.Upload, upload_id)
    digest = hashlib.sha256()
    for chunk in core_uploads.content(upload):
        digest.update(chunk)
    return digest.hexdigest()


def push(client: Client, path: Path) -> str:
    return uploads.push(client.transport, path, media_type="application/zip")


def sent_parts(proxy: BreakingProxy) -> list[int]:
    return [int(one.path.rpartition("/")[2]) for one in proxy.requests("PUT", "/parts/")]


def test_a_file_arrives_whole_with_its_progress_told(client: Client, file: Path, proxy: BreakingProxy):
    told: list[tuple[int, int]] = []
    upload_id = uploads.push(
        client.transport, file, media_type="application/zip", progress=lambda done, total: told.append((done, total))
    )
    assert stored_sha256(upload_id) == hashlib.sha256(file.read_bytes()).hexdigest()
    assert sent_parts(proxy) == [1, 2, 3]
    size = file.stat().st_size
    assert told[-1] == (size, size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_the_same_bytes_are_not_sent_again(client: Client, file: Path, proxy: BreakingProxy):
    push(client, file)
    proxy.seen.clear()
    second = push(client, file)
    assert sent_parts(proxy) == []
    assert stored_sha256(second) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_connection_that_breaks_within_a_part_costs_that_part_only(client: Client, file: Path, proxy: BreakingProxy):
    proxy.faults.append(Fault("PUT", "/parts/2$", "cut_request", after_bytes=PART // 2, times=2))
    proxy.faults.append(Fault("PUT", "/parts/3$", "drop_answer"))
    upload_id = push(client, file)
    assert sent_parts(proxy) == [1, 2, 2, 2, 3, 3]
    assert stored_sha256(upload_id) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_another_process_goes_on_where_one_gave_up(client: Client, file: Path, proxy: BreakingProxy, api_key: str):
    proxy.faults.append(Fault("PUT", "/parts/2$", "cut_request", after_bytes=100, times=6))
    with pytest.raises(ServiceUnreachable):
        push(client, file)
    proxy.seen.clear()
    with Client(proxy.url, api_key) as another:
        upload_id = push(another, file)
    assert sent_parts(proxy) == [2, 3]
    assert stored_sha256(upload_id) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_an_api_killed_in_the_middle_of_a_part_is_waited_for(
    client: Client, file: Path, proxy: BreakingProxy, api: ApiServer
):
    restarted = threading.Event()

    def restart_within_part_two(done: int, _: int) -> None:
        if done > PART + PART // 4 and not restarted.is_set():
            restarted.set()
            api.kill()
            api.start()

    upload_id = uploads.push(client.transport, file, media_type="application/zip", progress=restart_within_part_two)
    assert restarted.is_set()
    assert stored_sha256(upload_id) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_an_upload_that_was_given_up_is_begun_anew(client: Client, file: Path, proxy: BreakingProxy):
    proxy.faults.append(Fault("PUT", "/parts/1$", "cut_request", after_bytes=100, times=6))
    with pytest.raises(ServiceUnreachable):
        push(client, file)
    with transaction() as session:
        (upload,) = session.query(core_uploads.Upload).all()
        upload.status = "aborted"
        given_up = upload.id
    upload_id = push(client, file)
    assert upload_id != given_up
    assert stored_sha256(upload_id) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_file_that_changes_while_it_is_sent_is_refused(client: Client, file: Path):
    def change(done: int, _: int) -> None:
        if done > PART:
            with file.open("r+b") as opened:
                opened.seek(2 * PART + 5)
                opened.write(b"changed")

    with pytest.raises(ApiError, match="sha256"):
        uploads.push(client.transport, file, media_type="application/zip", progress=change)


def test_a_folder_is_pushed_as_a_dataset_and_a_second_time_without_its_bytes(
    client: Client, tmp_path: Path, proxy: BreakingProxy
):
    for name in ("cat/1.png", "dog/1.png"):
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(name.encode())
    first = client.datasets.push(tmp_path / "pets", splits={"val": 0, "test": 0.5})
    assert (first.name, first.status) == ("pets", "ingesting")
    assert len(sent_parts(proxy)) == 1
    second = client.datasets.push(tmp_path / "pets", name="again")
    assert len(sent_parts(proxy)) == 1
    assert [dataset.id for dataset in client.datasets.list()] == [second.id, first.id]
    assert client.datasets.find("again").id == second.id


def test_an_upload_that_another_process_completes_meanwhile_is_done(client: Client, file: Path, proxy: BreakingProxy):
    by_another: list[str] = []

    def complete_it_elsewhere(done: int, _: int) -> None:
        if done == PART and not by_another:
            by_another.append(push(client, file))

    mine = uploads.push(client.transport, file, media_type="application/zip", progress=complete_it_elsewhere)
    assert by_another == [mine]
    assert len(sent_parts(proxy)) > 3
    assert stored_sha256(mine) == hashlib.sha256(file.read_bytes()).hexdigest()
