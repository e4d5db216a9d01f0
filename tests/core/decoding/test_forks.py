"""The process that forks decoders: quick, replaced when it is gone, and clean after any number of images."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from core.decoding.forks import Forks
from core.decoding.request import Request
from tests.worker.processes import wait_for

SIDE = 64
READY = 2  # decoders that wait for the next images
WANTED = Request(SIDE, SIDE, 3, "stretch", None)


@pytest.fixture
def forks() -> Iterator[Forks]:
    started = Forks()
    yield started
    started.close()


def png(value: int) -> bytes:
    out = BytesIO()
    Image.fromarray(np.full((SIDE, SIDE, 3), value, np.uint8)).save(out, "PNG")
    return out.getvalue()


def decode(forks: Forks, content: bytes) -> bytes | None:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        file.seek(0)
        return forks.answer(WANTED, file, wall_seconds=30)


def expected(value: int) -> bytes:
    return b"%d %d\n" % (SIDE, SIDE) + bytes([value]) * (SIDE * SIDE * 3)


def process(forks: Forks) -> int:
    assert forks._process is not None
    return forks._process.pid


def test_many_threads_get_their_own_images(forks: Forks):
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda value: decode(forks, png(value)), range(64)))
    assert found == [expected(value) for value in range(64)]


def test_a_killed_process_is_replaced_within_the_request(forks: Forks):
    assert decode(forks, png(1)) == expected(1)
    first = process(forks)
    os.kill(first, signal.SIGKILL)
    forks._process.wait()
    assert decode(forks, png(2)) == expected(2)
    assert process(forks) != first


def test_a_process_that_dies_with_a_request_in_its_hands_is_replaced_within_it(forks: Forks):
    assert decode(forks, png(1)) == expected(1)
    first = process(forks)
    os.kill(first, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(decode, forks, png(2))
        time.sleep(0.3)  # until it was asked
        os.kill(first, signal.SIGKILL)
        assert answer.result(30) == expected(2)
    assert process(forks) != first


def test_a_stopped_process_is_no_answer_in_time_and_the_next_request_has_one(forks: Forks):
    assert decode(forks, png(1)) == expected(1)
    os.kill(process(forks), signal.SIGSTOP)
    with tempfile.TemporaryFile() as file:
        assert forks.answer(WANTED, file, wall_seconds=0.2) == b""
    os.kill(process(forks), signal.SIGCONT)
    assert decode(forks, png(2)) == expected(2)


def test_a_decoder_that_was_killed_while_it_waited_is_passed_over(forks: Forks):
    assert decode(forks, png(1)) == expected(1)
    waiting = children(forks)
    for decoder in waiting:
        os.kill(decoder, signal.SIGKILL)
    wait_for(lambda: not any(map(psutil.pid_exists, waiting)), seconds=30)
    assert decode(forks, png(2)) == expected(2)


def test_a_decoder_that_waits_ends_with_the_process_that_forked_it(forks: Forks):
    assert decode(forks, png(1)) == expected(1)
    waiting = children(forks)
    forks.close()
    wait_for(lambda: not any(map(psutil.pid_exists, waiting)), seconds=30)


def test_a_decoder_sees_one_request_and_no_other_decoder(forks: Forks):
    assert decode(forks, png(1)) == expected(1)
    wait_for(lambda: len(children(forks)) == READY, seconds=30)  # the one that answered is gone
    # one that was forked just now has still to close what it inherited
    wait_for(lambda: [len(sockets(waiting)) for waiting in children(forks)] == [1] * READY, seconds=30)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="Linux tells what a process has open")
def test_nothing_is_left_of_an_image(forks: Forks):
    decode(forks, png(0))
    before = left_open(forks)
    for value in range(30):
        decode(forks, png(value) if value % 3 else b"no image")
    for now, then in zip(left_open(forks), before, strict=True):
        assert now < then + 10  # other threads of the tests open and close files meanwhile
    assert b"PATCHSWAP_" not in Path(f"/proc/{process(forks)}/environ").read_bytes()
    wait_for(lambda: len(children(forks)) == READY, seconds=30)  # the last are on their way out


def children(forks: Forks) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process(forks)}/task/{process(forks)}/children").read_text().split()]


def sockets(pid: int) -> list[str]:
    links = [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]
    return [link for link in links if link.startswith("socket:")]


def left_open(forks: Forks) -> tuple[int, int]:
    return len(os.listdir("/proc/self/fd")), len(os.listdir(f"/proc/{process(forks)}/fd"))  # noqa: PTH208
