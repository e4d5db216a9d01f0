"""Blocks of thumbnails that are kept: read once, whoever asks, and again where reading failed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from core.datasets.thumbnails import KEPT_BLOCKS, Block, Kept
from core.errors import StoreUnavailable

ASKING = 6


def test_those_who_ask_at_once_share_one_reading():
    go, read = Event(), []

    def slowly(block: Block) -> list[bytes]:
        read.append(block)
        assert go.wait(10)
        return [b"small"]

    kept = Kept(slowly)
    with ThreadPoolExecutor(ASKING) as pool:
        asked = [pool.submit(kept.get, Block("key", 0, 16)) for _ in range(ASKING)]
        go.set()
        assert [one.result(10) for one in asked] == [[b"small"]] * ASKING
    assert len(read) == 1


def test_a_failure_is_told_and_not_kept():
    answers: list[Exception | list[bytes]] = [StoreUnavailable("away"), [b"small"]]

    def read(_: Block) -> list[bytes]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    kept = Kept(read)
    with pytest.raises(StoreUnavailable):
        kept.get(Block("key", 0, 16))
    assert kept.get(Block("key", 0, 16)) == [b"small"]
    assert kept.get(Block("key", 0, 16)) == [b"small"]


def test_the_oldest_use_goes_first():
    read: list[int] = []

    def note(block: Block) -> list[bytes]:
        read.append(block.number)
        return []

    kept = Kept(note)
    for number in (*range(KEPT_BLOCKS), 0, KEPT_BLOCKS, 0, 1):
        kept.get(Block("key", number, 10_000))
    assert read == [*range(KEPT_BLOCKS), KEPT_BLOCKS, 1]
