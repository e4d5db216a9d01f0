"""What somebody sends who means harm: refused early, as a problem, at little cost to everybody else."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from core.store import storage
from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller
from tests.api.test_uploads import announce

MIB = 2**20
# What a row has and no customer may write.
COLUMNS = [
    "id",
    "tenant",
    "tenant_id",
    "is_admin",
    "fence",
    "status",
    "attempts",
    "model_id",
    "created_at",
    "object_key",
]


class Wire:
    """A connection on which anything can be sent."""

    def __init__(self, who: Caller) -> None:
        self.host = urlsplit(str(who.http.base_url))
        self.key = who.key
        self.socket = socket.create_connection((self.host.hostname, self.host.port), timeout=30)

    def head(self, method: str = "POST", path: str = "/v1/jobs") -> bytes:
        return f"{method} {path} HTTP/1.1\r\nHost: {self.host.netloc}\r\nAuthorization: Bearer {self.key}\r\n".encode()

    def flood(self, chunks: Iterator[bytes], *, most: int) -> int:
        """Sends until an answer comes; gives how many bytes it took."""
        sent, rest = 0, b""
        self.socket.setblocking(False)
        while sent < most:
            try:
                if self.socket.recv(1, socket.MSG_PEEK):
                    break
            except ConnectionError:
                break
            except BlockingIOError:
                pass
            try:
                rest = rest or next(chunks)
                done = self.socket.send(rest)
                sent, rest = sent + done, rest[done:]
            except ConnectionError:
                break
            except BlockingIOError:
                time.sleep(0.001)
        self.socket.settimeout(30)
        return sent

    def status(self) -> int:
        """0 where the connection was cut so soon that the answer got lost: what was still on its way resets it."""
        try:
            answer = self.socket.recv(65536)
        except ConnectionResetError:
            return 0
        finally:
            self.socket.close()
        assert b"application/problem+json" in answer
        return int(answer.split()[1])


def repeated(chunk: bytes) -> Iterator[bytes]:
    while True:
        yield chunk


def test_gigabyte_of_json_is_413_before_it_is_sent(ours: Caller):
    wire = Wire(ours)
    wire.socket.sendall(wire.head() + b"Content-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n")
    assert wire.flood(repeated(b" " * 65536), most=512 * MIB) < 64 * MIB
    assert wire.status() == 413


def test_endless_json_in_chunks_is_413(ours: Caller):
    wire = Wire(ours)
    wire.socket.sendall(wire.head() + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    assert wire.flood(repeated(chunk), most=512 * MIB) < 64 * MIB
    assert wire.status() == 413


@pytest.mark.parametrize(
    "endless",
    [
        [b"X: ", b"x" * 4096],
        [b"", b"X-Header: x\r\n"],
        [b"X: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x" * 4096],
    ],
    ids=["one header", "many headers", "an extension of a chunk"],
)
def test_head_without_an_end_is_431(ours: Caller, endless: list[bytes]):
    wire = Wire(ours)
    wire.socket.sendall(wire.head() + endless[0])
    assert wire.flood(repeated(endless[1]), most=512 * MIB) < 64 * MIB
    assert wire.status() in (431, 0)


def test_url_without_an_end_is_431(ours: Caller):
    wire = Wire(ours)
    wire.socket.sendall(b"GET /")
    assert wire.flood(repeated(b"x" * 4096), most=512 * MIB) < 64 * MIB
    assert wire.status() in (431, 0)


def test_what_is_no_http_is_400(ours: Caller):
    wire = Wire(ours)
    wire.socket.sendall(b"\x16\x03\x01 hello\r\n\r\n")
    assert wire.status() == 400


def test_long_requests_within_the_limits_are_served_on_one_connection(ours: Caller, version: DatasetVersion):
    for _ in range(3):
        padding = {f"X-{number}": "x" * 500 for number in range(60)}
        body = {"dataset": version.id, "labels": {str(number): "x" * 255 for number in range(64)}}
        assert ours.post("/v1/jobs/validate", body, headers=padding).status_code == 200
        assert (
            ours.post("/v1/jobs", content=b" " * MIB, headers={"Content-Type": "application/json"}).status_code == 400
        )


def test_ten_thousand_parts_of_a_form_are_refused_unread(ours: Caller):
    form = {f"file{number}": b"x" for number in range(10_000)}
    assert ours.post("/v1/jobs", files=form).status_code in (413, 415)
    boundary = {"Content-Type": "multipart/form-data; boundary=" + "x" * 10_000}
    assert ours.post("/v1/jobs", content=b"x", headers=boundary).status_code == 415


def test_hundred_thousand_ranges_are_refused(ours: Caller, version: DatasetVersion):
    _, _, export = made.published_job(version)
    path = f"/v1/exports/{export.id}/download"
    for count, statuses in ((2, (416,)), (10_000, (416,)), (100_000, (431,))):
        answer = ours.get(path, headers={"Range": "bytes=" + ",".join(["0-0"] * count)})
        assert answer.status_code in statuses


def operations_with_bodies(document: dict) -> Iterator[tuple[str, str, str, dict]]:
    """Operation, method, path with ids that were never given, and a body that would do."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is None:
                continue
            names = {
                p["name"]: p["schema"].get("examples", p.get("examples", [1]))[0]
                for p in operation.get("parameters", [])
            }
            yield operation["operationId"], method, path.format(**names), example(document, content)


def example(document: dict, content: dict) -> dict:
    schema = content["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    named = [one["value"] for one in content.get("examples", {}).values()]
    return (named or schema.get("examples") or [{}])[0]


def nested(body: dict, pointer: str = "") -> Iterator[tuple[dict, str]]:
    """Every object of a body; those whose names are the customer's own are left out."""
    yield body, pointer
    for name, value in body.items():
        if isinstance(value, dict) and name not in ("labels", "space"):
            yield from nested(value, f"{pointer}/{name}")


def test_no_body_takes_what_only_the_service_writes(ours: Caller, version: DatasetVersion, database: str):
    job = made.ended_job(version)
    document = ours.get("/openapi.json").json()
    real = {"dataset": version.id, "upload_id": version.upload_id}
    seen = 0
    for operation, method, path, plain in operations_with_bodies(document):
        plain |= {name: value for name, value in real.items() if name in plain}
        url = path.replace(path.split("/")[3], job.id) if path.startswith("/v1/jobs/job_") else path
        for index in range(len(list(nested(plain)))):
            for column in COLUMNS:
                body = json.loads(json.dumps(plain))
                target, pointer = list(nested(body))[index]
                if column in target:
                    continue
                target[column] = 1
                answer = ours.http.request(method, url, json=body)
                assert answer.status_code == 422, (operation, pointer, column, answer.text)
                assert f"{pointer}/{column}" in [e["pointer"] for e in answer.json()["errors"]], (operation, column)
                seen += 1
    assert seen >= 80
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (1,)


def flipped(text: str, times: int) -> Iterator[str]:
    drawn = random.Random(0)
    for _ in range(times):
        file = bytearray(text.encode())
        file[drawn.randrange(len(file))] ^= 1 << drawn.randrange(7)
        if all(33 <= byte < 127 for byte in file) and file.decode() != text:
            yield file.decode()


def test_cursor_that_was_tampered_with_is_refused_or_a_mere_position(ours: Caller, theirs: Caller, version):
    foreign = [made.ended_job(version).id for _ in range(3)]
    assert {item["id"] for item in ours.get("/v1/jobs").json()["data"]} == set(foreign)
    statuses = set()
    for cursor in flipped(foreign[1], 300):
        answer = theirs.get("/v1/jobs", params={"after": cursor})
        statuses.add(answer.status_code)
        assert answer.status_code in (200, 422), answer.text
        assert answer.json().get("data", []) == []
    assert statuses == {200, 422}


def test_entity_tag_that_was_tampered_with_matches_nothing(ours: Caller, version: DatasetVersion):
    job = made.ended_job(version)
    path = f"/v1/jobs/{job.id}"
    tag = ours.get(path).headers["ETag"]
    for wrong in flipped(tag.strip('"'), 300):
        assert ours.get(path, headers={"If-None-Match": f'"{wrong}"'}).status_code == 200
        assert ours.delete(path, headers={"If-Match": f'"{wrong}"'}).status_code == 412
    assert ours.delete(path, headers={"If-Match": tag}).status_code == 204


@pytest.mark.parametrize("objects_url", ["swift"], indirect=True)
def test_presigned_url_opens_one_object_by_one_method_for_its_time(
    ours: Caller, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
):
    content = b"0123456789"
    url = announce(ours, content).json()["parts"][0]["url"]
    upload_id = url.split("/uploads/")[1].split("/")[0]
    _, _, export = made.published_job(version)
    download = ours.get(f"/v1/exports/{export.id}/download").headers["Location"]
    assert httpx.get(download, trust_env=False).content == made.BUNDLE
    expires = "X-Amz-Expires=900"
    assert expires in url
    refused = [
        ("GET", url),
        ("DELETE", url),
        ("PUT", download),
        ("DELETE", download),
        ("PUT", url.replace("/00001", "/00002")),
        ("PUT", url.replace(upload_id, version.upload_id)),
        ("GET", download.replace(".zip", ".zip.")),
        ("PUT", url.replace(expires, "X-Amz-Expires=86400")),
        ("PUT", url[:-1] + ("0" if url[-1] != "0" else "1")),
        ("PUT", url.partition("?")[0]),
        ("PUT", url.replace("content-length%3Bhost", "host")),
    ]
    for method, attempt in refused:
        answer = httpx.request(method, attempt, content=content if method == "PUT" else None, trust_env=False)
        assert answer.status_code in (400, 401, 403), (method, attempt)
    for length in (0, len(content) - 1, len(content) + 1, 2**20):
        assert httpx.put(url, content=b"x" * length, trust_env=False).status_code == 403, length
    endless = httpx.put(url, content=iter([content]), trust_env=False)  # without a length
    assert endless.status_code in (403, 411)
    assert storage.sizes(f"uploads/{upload_id}/") == {}
    monkeypatch.setattr(storage, "PRESIGNED_TTL", storage.timedelta(seconds=1))
    late = ours.get(f"/v1/uploads/{upload_id}").json()["parts"][0]["url"]
    time.sleep(2.5)
    assert httpx.put(late, content=content, trust_env=False).status_code == 403
    assert httpx.put(url, content=content, trust_env=False).status_code == 200
