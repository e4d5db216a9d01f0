"""One attempt: signed, quickly over, and to no address that was not checked, whatever a name says a moment later."""

from __future__ import annotations

import itertools
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import pytest

from core.webhooks.addresses import is_allowed
from tests.core.webhooks.test_addresses import FORBIDDEN, SPELLINGS
from tests.servers.receiver import Manner, Receiver
from worker.tasks import sending

PUBLIC = "127.0.0.2"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"type":"ping","timestamp":"2026-11-24T00:00:00Z","data":{}}'


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    server.secrets.append(SECRET)
    yield server
    server.down()


def send(url: str, *, seconds: float = 2, **more) -> sending.Answer:
    return sending.send(url, [SECRET], "whd_1", BODY, seconds=seconds, **more)


def test_message_is_signed_as_the_standard_says_and_names_itself(private, receiver: Receiver):
    answer = send(receiver.url)
    assert (answer.status, answer.text, answer.accepted) == (200, "ok", True)
    (message,) = receiver.messages
    assert (message.id, message.type, message.genuine) == ("whd_1", "ping", True)
    assert message.headers["content-type"] == "application/json"
    assert message.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert message.headers["user-agent"].startswith("patchswap/")


def test_message_carries_a_signature_of_each_secret(private, receiver: Receiver):
    older = "whsec_" + "B" * 32
    for known in (SECRET, older):
        receiver.secrets[:] = [known]
        sending.send(receiver.url, [SECRET, older], "whd_1", BODY, seconds=2)
    assert [message.genuine for message in receiver.messages] == [True, True]
    receiver.secrets[:] = ["whsec_" + "C" * 32]
    sending.send(receiver.url, [SECRET, older], "whd_1", BODY, seconds=2)
    assert not receiver.messages[-1].genuine


def test_signature_is_that_of_the_standards_own_example():
    """The test vector of standard-webhooks/spec, which every library of it has."""
    signer = sending.Signer("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, tz=UTC)
    signed = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("status", [204, 301, 400, 410, 500])
def test_status_is_told_and_only_200_to_299_is_accepted(private, receiver: Receiver, status: int):
    receiver.manner = Manner(
        status=status, headers={"Location": f"http://127.0.0.1:{receiver.port}/elsewhere"}, body=b""
    )
    answer = send(receiver.url)
    assert (answer.status, answer.accepted) == (status, status == 204)
    assert len(receiver.messages) == 1  # a redirect is followed by nobody


@pytest.mark.parametrize("cut", ["silent", "half"])
def test_answer_without_a_status_is_none(private, receiver: Receiver, cut: str):
    receiver.manner = Manner(cut=cut)
    answer = send(receiver.url)
    assert answer.status is None
    assert "RemoteProtocolError" in answer.text or "ReadError" in answer.text


def test_status_counts_though_the_body_is_cut(private, receiver: Receiver):
    receiver.manner = Manner(cut="body", body=b"thank")
    assert (send(receiver.url).status, send(receiver.url).text) == (200, "thank")


def test_body_is_read_to_a_limit_and_kept_to_another(private, receiver: Receiver):
    receiver.manner = Manner(body=b"\0a" * 50_000_000)
    begun = time.monotonic()
    answer = send(receiver.url)
    assert answer.text == "\N{REPLACEMENT CHARACTER}a" * (sending.KEPT_CHARACTERS // 2)
    assert time.monotonic() - begun < 1.5


def test_slow_receiver_has_so_many_seconds(private, receiver: Receiver):
    receiver.manner = Manner(after_seconds=3)
    answer = send(receiver.url, seconds=0.5)
    assert (answer.status, answer.text) == (None, "no answer within 0.5 s")
    assert answer.seconds < 1.5


def test_receiver_that_drips_its_head_has_no_more(private):
    """A byte at a time keeps every timeout between two bytes from running out."""
    with Dripping() as server:
        answer = send(f"http://127.0.0.1:{server.port}/", seconds=0.6)
    assert answer.text == "no answer within 0.6 s"
    assert answer.seconds < 1.5


def test_slow_look_up_has_no_more(private, receiver: Receiver):
    answer = send(receiver.url, seconds=0.3, resolve=lambda *_: time.sleep(2))
    assert answer.text == "no answer within 0.3 s"
    assert answer.seconds < 1.5


def test_receiver_that_is_down_is_told(private, receiver: Receiver):
    receiver.down()
    assert "ConnectError" in send(receiver.url).text


def test_next_address_is_tried_where_one_takes_no_connection(private, receiver: Receiver):
    answer = send(receiver.url.replace("127.0.0.1", "two.test"), resolve=lambda *_: ["::1", "127.0.0.1"])
    assert answer.status == 200
    assert receiver.messages[0].headers["host"] == f"two.test:{receiver.port}"


@pytest.mark.parametrize(
    "host", [*SPELLINGS, *(f"[{each}]" if ":" in each else each for each in FORBIDDEN if "%" not in each), "localhost"]
)
def test_nothing_reaches_this_machine_by_any_name(strict, receiver: Receiver, host: str):
    """Straight to the sender, as if a url had got past the api."""
    answer = send(f"http://{host}:{receiver.port}/hook", seconds=1)
    assert answer.status is None
    assert receiver.messages == []
    assert "AddressRefused" in answer.text or "gaierror" in answer.text or "InvalidURL" in answer.text


@pytest.fixture
def public(strict, receiver: Receiver, monkeypatch) -> Iterator[Receiver]:
    """A receiver on the port of the other, at an address that this test takes for a public one."""
    monkeypatch.setattr(sending, "is_allowed", lambda address: address == PUBLIC or is_allowed(address))
    server = Receiver(host=PUBLIC, port=receiver.port)
    yield server
    server.down()


@pytest.mark.parametrize("answers", [[[PUBLIC], ["127.0.0.1"]], [["127.0.0.1"], [PUBLIC]], [[PUBLIC], ["::1"]]])
def test_name_that_changes_its_mind_is_asked_once(receiver: Receiver, public: Receiver, answers: list, monkeypatch):
    """DNS rebinding: the address that was checked is the one that is connected to."""
    told, asked = itertools.cycle(answers), []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(told)

    def system_resolver(host: str, *_: object, **__: object) -> None:
        raise AssertionError(f"{host} was looked up a second time")

    monkeypatch.setattr(socket, "getaddrinfo", numeric_only(system_resolver))
    for _ in range(4):
        send(f"http://rebinding.test:{receiver.port}/hook", resolve=resolve)
    assert asked == ["rebinding.test"] * 4
    assert (len(public.messages), len(receiver.messages)) == (2, 0)


def numeric_only(otherwise):
    """Addresses need no look-up, though they come this way too."""
    real = socket.getaddrinfo

    def getaddrinfo(host, *arguments, **named):
        numeric = str(host).replace(".", "").isdecimal() or ":" in str(host)
        return real(host, *arguments, **named) if numeric else otherwise(host)

    return getaddrinfo


def test_name_with_one_forbidden_address_is_refused_whole(public: Receiver):
    answer = send(public.url.replace(PUBLIC, "both.test"), resolve=lambda *_: [PUBLIC, "127.0.0.1"])
    assert answer.text == "AddressRefused: both.test leads to 127.0.0.1, which is no public address"
    assert public.messages == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://127.0.0.2:6379/_FLUSHALL", "x", "http://", "https://"])
def test_what_is_no_http_is_sent_nowhere(public: Receiver, url: str):
    assert send(url).status is None


def test_proxies_of_the_environment_see_nothing(receiver: Receiver, public: Receiver, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{receiver.port}")
    assert send(public.url).status == 200
    assert receiver.messages == []


def test_certificate_is_asked_for_the_name_though_the_address_is_connected_to(private, tmp_path: Path, monkeypatch):
    certificate, key = certificate_of("hooks.test", tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = Receiver(tls=context)
    server.secrets.append(SECRET)
    url = f"https://hooks.test:{server.port}/hook"
    try:
        assert "CERTIFICATE_VERIFY_FAILED" in send(url, resolve=lambda *_: ["127.0.0.1"]).text
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        sending._tls.cache_clear()
        assert send(url, resolve=lambda *_: ["127.0.0.1"]).status == 200
        other = send(url.replace("hooks.test", "other.test"), resolve=lambda *_: ["127.0.0.1"])
        assert "Hostname mismatch" in other.text
    finally:
        server.down()
        sending._tls.cache_clear()
    assert [message.headers["host"] for message in server.messages] == [f"hooks.test:{server.port}"]


def certificate_of(name: str, folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "1",
    ]
    told = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", certificate]
    subprocess.run([*command, *told], check=True, capture_output=True)
    return certificate, key


class Dripping:
    """Sends the head of an answer that never ends, a byte at a time."""

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def _serve(self) -> None:
        try:
            connection, _ = self._socket.accept()
            for byte in itertools.chain(b"HTTP/1.1 200 OK\r\nX: ", itertools.repeat(120)):
                connection.sendall(bytes([byte]))
                time.sleep(0.02)
        except OSError:
            return

    def __exit__(self, *_: object) -> None:
        self._socket.close()
