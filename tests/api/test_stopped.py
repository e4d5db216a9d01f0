"""An api that stops in a transaction holds up the other apis' customers for the length of a transaction at most."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from core.database.database import longest_seconds
from tests.api.serving import Caller, caller
from tests.servers import stopping
from tests.servers.api import ApiServer
from tests.servers.stopping import Stopping
from tests.worker import seed

KEY = {"Idempotency-Key": "once"}
CONTENT = b"an archive" * 100


@pytest.fixture
def other(database: str, tmp_path: Path) -> Iterator[Caller]:
    """Of an api that goes on."""
    server = ApiServer(tmp_path)
    server.start()
    yield caller(server.url, "tests")
    server.stop()


def uploaded(who: Caller) -> str:
    asked = {"bytes": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest(), "media_type": "application/zip"}
    upload = who.post("/v1/uploads", asked).json()
    assert who.put(f"/v1/uploads/{upload['id']}/parts/1", content=CONTENT).status_code == 204
    return str(upload["id"])


def first_answer(who: Caller, path: str, body: object = None) -> tuple[httpx.Response, float]:
    """Repeated as the client does, while the ledger is away and the first request in flight; and how long it took."""
    begun = time.monotonic()
    while (answer := who.post(path, body, headers=KEY)).status_code in (503, 409):
        assert time.monotonic() - begun < 60
        time.sleep(0.5)
    return answer, time.monotonic() - begun


@pytest.mark.parametrize("place", ["IN_SUBMIT", pytest.param("IN_COMPLETE", marks=pytest.mark.slow)])
def test_customer_is_answered_by_another_api_while_one_stops(other: Caller, tmp_path: Path, place: str):
    with ExitStack() as ends:
        at = ends.enter_context(Stopping(getattr(stopping, place)))
        (tmp_path / "stopping").mkdir()
        server = ApiServer(tmp_path / "stopping", variables=at.variables)
        server.start()
        ends.callback(server.kill)
        stopped = caller(server.url, "tests")
        path, body = f"/v1/uploads/{uploaded(other)}/complete", None
        if place == "IN_SUBMIT":
            path, body = "/v1/jobs", {"dataset": seed.version(other.tenant_id).id}
        threading.Thread(target=ask_in_vain, args=(stopped, path, body), daemon=True).start()
        at.wait(server.pid)
        answer, seconds = first_answer(other, path, body)
    assert answer.is_success
    assert seconds <= longest_seconds("request") + 5


def ask_in_vain(who: Caller, path: str, body: object) -> None:
    try:
        who.post(path, body, headers=KEY)
    except httpx.HTTPError:
        return  # its api was killed at the end
