"""An upload over two processes of the api, one of which is killed between its parts and within one."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.datasets import uploads
from tests.api.serving import Caller, caller
from tests.api.test_upload_digests import begin, complete, kept, send
from tests.servers.api import ApiServer

PART = uploads.MIN_PART_BYTES


@pytest.fixture
def apis(database: str, tmp_path: Path) -> Iterator[list[ApiServer]]:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        found.append(ApiServer(tmp_path / name))
        found[-1].start()
    yield found
    for api in found:
        api.stop()


def send_half(api: ApiServer, who: Caller, upload: dict, content: bytes, number: int) -> None:
    head = f"PUT /v1/uploads/{upload['id']}/parts/{number} HTTP/1.1\r\nHost: 127.0.0.1:{api.port}\r\n"
    head += f"Authorization: Bearer {who.key}\r\nContent-Length: {PART}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", api.port)) as connection:
        connection.sendall(head.encode() + content[(number - 1) * PART :][: PART // 2])
        api.kill()


def test_the_hash_goes_on_in_another_process_and_in_one_that_was_killed(apis: list[ApiServer]):
    one, two = (caller(api.url, "ours") for api in apis)
    content = os.urandom(4 * PART + 5)
    upload = begin(one, content)
    send(one, upload, content, 1)
    send(two, upload, content, 2)
    apis[0].kill()
    parts = two.get(f"/v1/uploads/{upload['id']}").json()["parts"]
    assert [part["number"] for part in parts if part["received"]] == [1, 2]
    apis[0].start()
    send_half(apis[0], one, upload, content, 3)
    send(two, upload, content, 3)
    apis[0].start()
    send(one, upload, content, 4, 5)
    assert kept(upload) == [1, 2, 3, 4, 5]
    done = complete(two, upload, sha256=hashlib.sha256(content).hexdigest())
    assert (done.status_code, done.json()["status"]) == (200, "complete")
