"""The sha256 of an upload: told at either end, taken while the parts arrive, true whatever happened between them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.database.database import transaction
from core.datasets import upload_digests, uploads
from core.store import running_sha256, storage
from core.tables import UploadPart
from tests.api.serving import Caller
from tests.api.test_uploads import MIB, part_of

EVERYWHERE = pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
pytestmark = pytest.mark.usefixtures("small_parts")


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MIN_PART_BYTES", MIB)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Last components of the objects that were read from the store."""
    found: list[str] = []
    read = storage.read

    def noting(key: str, **more):
        found.append(key.rpartition("/")[2])
        return read(key, **more)

    monkeypatch.setattr(storage, "read", noting)
    return found


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def begin(who: Caller, content: bytes, **more: str) -> dict:
    answer = who.post("/v1/uploads", {"bytes": len(content), **more})
    assert answer.status_code == 201
    return answer.json()


def send(who: Caller, upload: dict, content: bytes, *numbers: int) -> None:
    """Through the api, wherever the objects lie."""
    for number in numbers:
        path = f"/v1/uploads/{upload['id']}/parts/{number}"
        assert who.put(path, content=part_of(content, upload, number)).status_code == 204


def complete(who: Caller, upload: dict, **body: str):
    return who.post(f"/v1/uploads/{upload['id']}/complete", body)


def kept(upload: dict) -> list[int]:
    with transaction() as session:
        return sorted(row.number for row in session.query(UploadPart).filter_by(upload_id=upload["id"]))


@EVERYWHERE
@pytest.mark.parametrize("announced", [True, False])
def test_parts_in_order_are_not_read_again(ours: Caller, reads: list[str], announced: bool):
    content = os.urandom(2 * MIB + 5)
    told = {"sha256": sha256(content)}
    upload = begin(ours, content, **(told if announced else {}))
    assert upload["sha256"] == (told["sha256"] if announced else None)
    send(ours, upload, content, 1, 2, 3)
    done = complete(ours, upload, **({} if announced else told))
    assert (done.status_code, done.json()["status"], done.json()["sha256"]) == (200, "complete", told["sha256"])
    assert reads == []
    assert kept(upload) == []


def test_a_complete_upload_is_recognised_by_the_sha256_that_came_last(ours: Caller):
    content = os.urandom(100)
    upload = begin(ours, content)
    send(ours, upload, content, 1)
    assert complete(ours, upload, sha256=sha256(content)).status_code == 200
    assert begin(ours, content, sha256=sha256(content))["deduplicated"] is True
    assert begin(ours, content)["deduplicated"] is False


def test_an_upload_whose_sha256_nobody_told_is_not_completed(ours: Caller):
    content = os.urandom(100)
    upload = begin(ours, content)
    send(ours, upload, content, 1)
    for answer in (complete(ours, upload), ours.post(f"/v1/uploads/{upload['id']}/complete")):
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/sha256"
    assert ours.get(f"/v1/uploads/{upload['id']}").json()["status"] == "open"


def test_two_sha256_that_differ_are_refused(ours: Caller):
    content = os.urandom(100)
    upload = begin(ours, content, sha256=sha256(content))
    send(ours, upload, content, 1)
    other = complete(ours, upload, sha256=sha256(b"other"))
    assert (other.status_code, other.json()["code"]) == (422, "checksum_mismatch")
    assert complete(ours, upload, sha256=sha256(content)).status_code == 200
    assert complete(ours, upload, sha256=sha256(content)).status_code == 200
    assert complete(ours, upload, sha256=sha256(b"other")).json()["code"] == "checksum_mismatch"


@EVERYWHERE
def test_a_wrong_byte_is_told_at_the_end_and_mended_by_its_part(ours: Caller):
    content = os.urandom(3 * MIB)
    wrong = content[: MIB + 7] + bytes([content[MIB + 7] ^ 1]) + content[MIB + 8 :]
    upload = begin(ours, content)
    send(ours, upload, wrong, 1, 2, 3)
    refused = complete(ours, upload, sha256=sha256(content))
    assert (refused.status_code, refused.json()["code"]) == (422, "checksum_mismatch")
    assert ours.get(f"/v1/uploads/{upload['id']}").json()["status"] == "open"
    send(ours, upload, content, 2)
    assert complete(ours, upload, sha256=sha256(content)).status_code == 200


@EVERYWHERE
def test_a_part_that_is_sent_again_with_other_bytes_counts_from_then_on(ours: Caller, reads: list[str]):
    first, content = os.urandom(3 * MIB), os.urandom(3 * MIB)
    upload = begin(ours, content)
    send(ours, upload, first, 1, 2)
    send(ours, upload, content, 3, 2, 1)
    assert complete(ours, upload, sha256=sha256(first)).status_code == 422
    reads.clear()
    assert complete(ours, upload, sha256=sha256(content)).status_code == 200
    assert reads == []  # the attempt before had kept the states of what it read


@pytest.mark.parametrize(
    ("order", "again"),
    [
        ((1, 2, 4, 3), ["00004"]),
        ((2, 1, 3, 4), ["00002", "00003", "00004"]),
        ((1, 2, 3, 4, 4), []),
        ((1, 2, 3, 4, 2, 3), ["00004"]),
    ],
)
def test_only_what_came_out_of_order_is_read_again(ours: Caller, reads: list[str], order: list[int], again: list[str]):
    content = os.urandom(4 * MIB)
    upload = begin(ours, content)
    send(ours, upload, content, *order)
    assert complete(ours, upload, sha256=sha256(content)).status_code == 200
    assert reads == again


@EVERYWHERE
def test_parts_that_arrive_side_by_side_are_the_file(ours: Caller):
    content = os.urandom(8 * MIB + 1)
    upload = begin(ours, content)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: send(ours, upload, content, number), range(1, 10)))
    assert complete(ours, upload, sha256=sha256(content)).status_code == 200


def test_one_part_sent_by_two_at_once_is_the_one_that_the_store_holds(ours: Caller):
    for _ in range(5):
        contents = [os.urandom(MIB), os.urandom(MIB)]
        upload = begin(ours, contents[0])
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda content, upload=upload: send(ours, upload, content, 1), contents))
        stored = storage.get_bytes(f"uploads/{upload['id']}/00001")
        other = next(each for each in contents if each != stored)
        assert complete(ours, upload, sha256=sha256(other)).status_code == 422
        assert complete(ours, upload, sha256=sha256(stored)).status_code == 200


def by_the_store(key: str, content: bytes) -> None:
    """As through a presigned url: no process of ours saw the bytes."""
    storage.put_bytes(key, content)


@EVERYWHERE
def test_bytes_that_went_by_the_api_are_read_in_the_end(ours: Caller, reads: list[str]):
    content, first = os.urandom(3 * MIB), os.urandom(MIB)
    upload = begin(ours, content)
    send(ours, upload, first + content[MIB:], 1, 2, 3)
    by_the_store(f"uploads/{upload['id']}/00001", content[:MIB])
    assert complete(ours, upload, sha256=sha256(content)).status_code == 200
    assert reads == ["00001", "00002", "00003"]


def test_states_that_lie_refuse_nobody(ours: Caller):
    content = os.urandom(2 * MIB)
    upload = begin(ours, content)
    send(ours, upload, content, 1, 2)
    with transaction() as session:
        session.query(UploadPart).update({"state": running_sha256.RunningSha256().state})
    assert complete(ours, upload, sha256=sha256(content)).status_code == 200


def test_a_complete_that_was_cut_off_goes_on_where_it_was(ours: Caller, reads: list[str]):
    content = os.urandom(4 * MIB)
    upload = begin(ours, content)
    send(ours, upload, content, 4, 3, 2, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upload_digests, "keep", failing_after(2, upload_digests.keep))
        assert complete(ours, upload, sha256=sha256(content)).status_code == 500
    reads.clear()
    assert complete(ours, upload, sha256=sha256(content)).status_code == 200
    assert reads == ["00004"]


def failing_after(times: int, act: Callable) -> Callable:
    calls = iter(range(times))

    def failing(*arguments):
        if next(calls, None) is None:
            raise RuntimeError("killed here")
        return act(*arguments)

    return failing


def test_without_states_all_is_read_and_the_same_is_true(
    ours: Caller, reads: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(upload_digests, "is_available", lambda: False)
    content = os.urandom(2 * MIB)
    upload = begin(ours, content)
    send(ours, upload, content, 1, 2)
    assert kept(upload) == []
    assert complete(ours, upload, sha256=sha256(b"other")).status_code == 422
    reads.clear()
    assert complete(ours, upload, sha256=sha256(content)).status_code == 200
    assert reads == ["00001", "00002"]


def test_a_deleted_upload_keeps_no_states(ours: Caller):
    content = os.urandom(2 * MIB)
    upload = begin(ours, content)
    send(ours, upload, content, 1)
    assert kept(upload) == [1]
    assert ours.delete(f"/v1/uploads/{upload['id']}").status_code == 204
    assert kept(upload) == []
