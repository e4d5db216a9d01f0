"""A hash that is taken up again gives what `hashlib` gives of the whole."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.store import running_sha256
from core.store.running_sha256 import RunningSha256


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_a_state_taken_up_after_each_piece_gives_the_hash_of_all(pieces: list[bytes]):
    state = None
    for piece in pieces:
        running = RunningSha256(state)
        running.update(piece)
        state = running.state
    assert RunningSha256(state).hexdigest() == hashlib.sha256(b"".join(pieces)).hexdigest()


def test_the_length_is_counted_beyond_32_bits():
    """2 ** 29 bytes are 2 ** 32 bits, the first that the lower word of the length does not hold."""
    zeros, plain, running = bytes(2**20), hashlib.sha256(), RunningSha256()
    for _ in range(2**9):
        plain.update(zeros)
        running.update(zeros)
    running = RunningSha256(running.state)
    plain.update(b"end")
    running.update(b"end")
    assert running.hexdigest() == plain.hexdigest()


def test_asking_for_the_digest_ends_nothing():
    running = RunningSha256()
    running.update(b"a")
    assert running.hexdigest() == running.hexdigest() == hashlib.sha256(b"a").hexdigest()
    running.update(b"b")
    assert running.hexdigest() == hashlib.sha256(b"ab").hexdigest()


@pytest.mark.parametrize("state", [b"", bytes(39), bytes(41)])
def test_what_is_no_state_is_refused(state: bytes):
    with pytest.raises(ValueError, match="state of SHA-256"):
        RunningSha256(state)


def test_this_python_can_keep_states():
    assert running_sha256.is_available()
