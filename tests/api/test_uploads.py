"""Uploads: parts in any order, as often as need be, checked as a whole; on a folder and on S3."""

from __future__ import annotations

import hashlib
import os
import socket
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from core.datasets import uploads
from core.settings import settings
from core.store import multipart, storage
from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller
from tests.conftest import forget_settings

MIB = 2**20


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "MIN_PART_BYTES", MIB)


def announce(who: Caller, content: bytes, **more) -> httpx.Response:
    sha256 = hashlib.sha256(content).hexdigest()
    return who.post("/v1/uploads", {"bytes": len(content), "sha256": sha256, "media_type": "application/zip"} | more)


def send(who: Caller, part: dict, content: bytes) -> httpx.Response:
    if part["url"].startswith(str(who.http.base_url)):
        return who.put(part["url"], content=content, headers=part["headers"])
    return httpx.put(part["url"], content=content, headers=part["headers"], trust_env=False)


def part_of(content: bytes, upload: dict, number: int) -> bytes:
    return content[(number - 1) * upload["part_size"] : number * upload["part_size"]]


def send_all(who: Caller, content: bytes) -> dict:
    upload = announce(who, content).json()
    for part in upload["parts"]:
        assert send(who, part, part_of(content, upload, part["number"])).status_code in (200, 204)
    return upload


@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
def test_file_arrives_in_parts_in_any_order_with_repetitions(ours: Caller):
    content = os.urandom(2 * MIB + 5)
    answer = announce(ours, content)
    assert answer.status_code == 201
    upload = answer.json()
    assert (upload["status"], upload["part_size"], len(upload["parts"])) == ("open", MIB, 3)
    assert all(set(part) == {"number", "url", "headers", "received"} for part in upload["parts"])
    for number in (3, 1, 1):
        send(ours, upload["parts"][number - 1], part_of(content, upload, number))
    path = f"/v1/uploads/{upload['id']}"
    assert [part["received"] for part in ours.get(path).json()["parts"]] == [True, False, True]
    early = ours.post(f"{path}/complete", {})
    assert (early.status_code, early.json()["code"], early.json()["missing"]) == (409, "upload_incomplete", [2])
    send(ours, upload["parts"][1], part_of(content, upload, 2))
    done = ours.post(f"{path}/complete", {})
    assert (done.status_code, done.json()["status"]) == (200, "complete")
    assert ours.post(f"{path}/complete", {}).json()["status"] == "complete"
    stored = b"".join(storage.get_bytes(f"uploads/{upload['id']}/{number:05d}") for number in (1, 2, 3))
    assert stored == content


@pytest.mark.parametrize("objects_url", ["swift"], indirect=True)
def test_presigned_urls_need_no_key_of_ours_and_fit_one_object(ours: Caller):
    upload = announce(ours, os.urandom(10)).json()
    url = upload["parts"][0]["url"]
    assert "psk_" not in url
    assert urlsplit(url).path.endswith(f"uploads/{upload['id']}/00001")
    other = url.replace("00001", "00002")
    assert httpx.put(other, content=b"x", trust_env=False).status_code == 403


@pytest.mark.parametrize("objects_url", ["swift"], indirect=True)
def test_clients_are_given_the_name_by_which_they_reach_the_store(ours: Caller, monkeypatch: pytest.MonkeyPatch):
    """A bucket's server has one name among containers and another outside; a signature holds for one name alone."""
    inside = settings().s3_endpoint
    public = inside.replace("127.0.0.1", "localhost")
    monkeypatch.setenv("PATCHSWAP_S3_PUBLIC_ENDPOINT", public)
    forget_settings()
    content = os.urandom(100)
    upload = announce(ours, content).json()
    url = upload["parts"][0]["url"]
    assert url.startswith(f"{public}/")
    assert httpx.put(url, content=content, trust_env=False).status_code == 200
    assert httpx.put(url.replace(public, inside), content=content, trust_env=False).status_code == 403
    assert ours.post(f"/v1/uploads/{upload['id']}/complete").status_code == 200
    signed = storage.presign("GET", f"uploads/{upload['id']}/00001")
    assert signed is not None
    assert signed.startswith(f"{public}/")
    assert httpx.get(signed, trust_env=False).content == content


@pytest.mark.parametrize("objects_url", ["swift"], indirect=True)
def test_only_clients_go_by_the_public_name(environment, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATCHSWAP_S3_PUBLIC_ENDPOINT", "http://objects.invalid")
    forget_settings()
    storage.put_bytes("key", b"content")
    assert storage.get_bytes("key") == b"content"
    assert multipart.abort_older_than("", timedelta(0)) == 0
    assert storage.presign("GET", "key").startswith("http://objects.invalid/")


@pytest.mark.parametrize("objects_url", ["swift"], indirect=True)
def test_where_clients_do_not_reach_the_store_all_goes_through_the_api(
    ours: Caller, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
):
    _, _, export = made.published_job(version)
    path = f"/v1/exports/{export.id}/download"
    assert ours.get(path).status_code == 302
    monkeypatch.setenv("PATCHSWAP_DOWNLOADS", "stream")
    forget_settings()
    assert ours.get(path).content == made.BUNDLE
    assert ours.get(path, headers={"Range": "bytes=0-3"}).content == made.BUNDLE[:4]
    content = os.urandom(100)
    upload = announce(ours, content).json()
    assert urlsplit(upload["parts"][0]["url"]).path == f"/v1/uploads/{upload['id']}/parts/1"
    send(ours, upload["parts"][0], content)
    assert ours.post(f"/v1/uploads/{upload['id']}/complete").status_code == 200


def test_part_of_another_length_does_not_outlive_the_completion(ours: Caller):
    """As one put by a url that could not fix it, where the store's key is a cloud role's."""
    upload = announce(ours, b"0123456789").json()
    storage.put_bytes(f"uploads/{upload['id']}/00001", b"x" * 1000)
    assert ours.get(f"/v1/uploads/{upload['id']}").json()["parts"][0]["received"] is False
    assert ours.post(f"/v1/uploads/{upload['id']}/complete").json()["code"] == "upload_incomplete"
    assert storage.sizes(f"uploads/{upload['id']}/") == {}


@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
def test_our_own_url_serves_every_store(ours: Caller):
    content = os.urandom(MIB)
    upload = announce(ours, content).json()
    assert ours.put(f"/v1/uploads/{upload['id']}/parts/1", content=content).status_code == 204
    assert ours.post(f"/v1/uploads/{upload['id']}/complete").status_code == 200


def test_same_bytes_need_not_be_sent_twice_by_one_tenant(ours: Caller, theirs: Caller):
    content = os.urandom(100)
    upload = send_all(ours, content)
    ours.post(f"/v1/uploads/{upload['id']}/complete")
    again = announce(ours, content).json()
    assert (again["status"], again["deduplicated"]) == ("complete", True)
    assert all(part["received"] for part in again["parts"])
    assert announce(theirs, content).json()["deduplicated"] is False


def test_other_bytes_than_announced_are_refused_at_the_end(ours: Caller):
    content = os.urandom(100)
    upload = announce(ours, content).json()
    send(ours, upload["parts"][0], os.urandom(100))
    answer = ours.post(f"/v1/uploads/{upload['id']}/complete")
    assert (answer.status_code, answer.json()["code"]) == (422, "checksum_mismatch")
    send(ours, upload["parts"][0], content)
    assert ours.post(f"/v1/uploads/{upload['id']}/complete").status_code == 200


@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
@pytest.mark.parametrize("length", [0, MIB - 1, MIB + 1, 3 * MIB])
@pytest.mark.parametrize("chunked", [True, False])
def test_part_of_wrong_length_is_refused_and_leaves_nothing(ours: Caller, length: int, chunked: bool):
    upload = announce(ours, os.urandom(2 * MIB)).json()
    body = os.urandom(length)
    path = f"/v1/uploads/{upload['id']}/parts/1"
    answer = ours.put(path, content=iter([body]) if chunked else body)
    assert (answer.status_code, answer.json()["code"]) == (422, "wrong_length")
    assert storage.sizes(f"uploads/{upload['id']}/") == {}


def test_connection_that_breaks_within_a_part_leaves_nothing(ours: Caller):
    upload = announce(ours, os.urandom(2 * MIB)).json()
    base = urlsplit(str(ours.http.base_url))
    head = f"PUT /v1/uploads/{upload['id']}/parts/1 HTTP/1.1\r\nHost: {base.netloc}\r\n"
    head += f"Authorization: Bearer {ours.key}\r\nContent-Length: {MIB}\r\n\r\n"
    with socket.create_connection((base.hostname, base.port)) as connection:
        connection.sendall(head.encode() + os.urandom(MIB // 2))
    for _ in range(50):
        if not storage.sizes(f"uploads/{upload['id']}/"):
            break
    assert ours.get(f"/v1/uploads/{upload['id']}").json()["parts"][0]["received"] is False
    assert ours.put(f"/v1/uploads/{upload['id']}/parts/1", content=os.urandom(MIB)).status_code == 204


def test_complete_and_ended_uploads_take_no_more_parts(ours: Caller, database: str):
    content = os.urandom(100)
    upload = send_all(ours, content)
    path = f"/v1/uploads/{upload['id']}"
    ours.post(f"{path}/complete")
    assert ours.put(f"{path}/parts/1", content=content).status_code == 409
    other = announce(ours, os.urandom(50)).json()
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        connection.execute("UPDATE uploads SET expires_at = now() - interval '1 s' WHERE id = %s", [other["id"]])
    late = ours.put(f"/v1/uploads/{other['id']}/parts/1", content=b"x" * 50)
    assert (late.status_code, late.json()["code"]) == (410, "upload_expired")
    assert ours.post(f"/v1/uploads/{other['id']}/complete").status_code == 410


def test_deleted_upload_is_ended_and_its_parts_are_gone(ours: Caller):
    upload = send_all(ours, os.urandom(100))
    path = f"/v1/uploads/{upload['id']}"
    refused = ours.delete(path, headers={"If-Match": '"x"'})
    assert refused.status_code == 412
    tag = ours.get(path).headers["ETag"]
    assert ours.delete(path, headers={"If-Match": tag}).status_code == 204
    assert ours.get(path).json()["status"] == "aborted"
    assert ours.put(f"{path}/parts/1", content=b"x" * 100).status_code == 410


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"bytes": 0}, "/bytes"),
        ({"bytes": -1}, "/bytes"),
        ({"sha256": "x"}, "/sha256"),
        ({"media_type": "none"}, "/media_type"),
        ({"media_type": "a/b\r\nX: y"}, "/media_type"),
        ({"tenant_id": "t"}, "/tenant_id"),
    ],
)
def test_fault_in_an_announcement_is_422_with_its_place(ours: Caller, change: dict, pointer: str):
    answer = announce(ours, b"x", **change)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_too_large_an_announcement_is_413(ours: Caller):
    assert announce(ours, b"x", bytes=2**53).status_code == 413


def test_part_beyond_the_last_is_refused(ours: Caller):
    upload = announce(ours, b"x").json()
    assert ours.put(f"/v1/uploads/{upload['id']}/parts/2", content=b"x").status_code == 422
    assert ours.put(f"/v1/uploads/{upload['id']}/parts/0", content=b"x").status_code == 422
