"""A wire passes, stands still, refuses, cuts, and loses the answer to a word."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.servers.wire import Wire


@pytest.fixture
def wire() -> Iterator[Wire]:
    """In front of a server that sends back what it hears."""
    server = socket.create_server(("127.0.0.1", 0))

    def echo(peer: socket.socket) -> None:
        with peer:
            try:
                while data := peer.recv(1000):
                    peer.sendall(data)
            except OSError:
                return

    def serve() -> None:
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(peer,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    wire = Wire(server.getsockname()[1])
    yield wire
    wire.close()
    server.close()


def connect(wire: Wire) -> socket.socket:
    return socket.create_connection(("127.0.0.1", wire.port), timeout=2)


def say(peer: socket.socket, word: bytes) -> bytes:
    peer.sendall(word)
    return peer.recv(1000)


def test_whole_wire_passes_what_is_said(wire: Wire):
    with connect(wire) as peer:
        assert say(peer, b"hello") == b"hello"


def test_stalled_wire_answers_nothing_until_it_is_healed(wire: Wire):
    with connect(wire) as peer:
        assert say(peer, b"one") == b"one"
        wire.mode = "stall"
        with pytest.raises(TimeoutError):
            say(peer, b"two")
        wire.heal()
        assert peer.recv(1000) == b"two"


@pytest.mark.parametrize("how", ["refuse", "cut"])
def test_broken_wire_resets_the_connection(wire: Wire, how: str):
    with connect(wire) as peer:
        assert say(peer, b"one") == b"one"
        if how == "cut":
            assert wire.cut() == 1
        else:
            wire.mode = "refuse"
        with pytest.raises(ConnectionResetError):
            say(peer, b"two")


def test_answer_to_a_word_is_lost_and_the_connection_cut(wire: Wire):
    wire.cut_on(b"COMMIT")
    with connect(wire) as peer:
        assert say(peer, b"SELECT") == b"SELECT"
        with pytest.raises(ConnectionResetError):
            say(peer, b"COMMIT")
    assert wire.words_heard == 1
    with connect(wire) as peer:
        assert say(peer, b"COMMIT") == b"COMMIT"


def test_client_is_held_in_the_middle_of_what_it_says_and_others_are_not(wire: Wire):
    trap = wire.stop_at(b"begin", b"end")
    with connect(wire) as first, connect(wire) as other:
        assert say(first, b"an end before") == b"an end before"
        assert say(first, b"begin") == b"begin"
        with pytest.raises(TimeoutError):
            say(first, b"; the end of it")
        assert trap.caught.is_set()
        assert trap.client_port == first.getsockname()[1]
        assert say(other, b"begin and end") == b"begin and end"
        wire.heal()
        heard = b""
        while len(heard) < len(b"; the end of it"):
            heard += first.recv(1000)
        assert heard == b"; the end of it"
