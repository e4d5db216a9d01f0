"""Thumbnails that ingest left beside a pack. Neighbours are read at once: a bucket takes as long for one as for 16."""

import struct
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from functools import lru_cache
from itertools import pairwise
from threading import Lock
from typing import NamedTuple

from contract.files import PACK_THUMBNAILS
from contract.pack.thumbnails import OFFSET_BYTES
from core.datasets import samples
from core.datasets.inspections import OLDER
from core.errors import NotFound, PackDamaged
from core.store import storage

AT_ONCE = 16
KEPT_BLOCKS = 32  # of 200 KB, as a rule; a process keeps some megabytes
OFFSETS_AT_ONCE = 512
OFFSET_BLOCKS = 256  # 5 MB


class Block(NamedTuple):
    """`AT_ONCE` thumbnails, or fewer at the end of the pack."""

    key: str
    number: int
    total: int  # of the whole file


def thumbnail(pack: samples.Pack, prefix: str, index: int) -> bytes | None:
    """The small copy of an image, a JPEG; None where the image itself is small. Raises NotFound."""
    count = pack.manifest.samples
    if pack.manifest.encoding != "encoded" or index >= count:
        return None
    number, place = divmod(index, AT_ONCE)
    try:
        return _kept.get(Block(prefix + PACK_THUMBNAILS, number, count))[place] or None
    except NotFound as error:
        raise NotFound(f"There are no thumbnails. {OLDER}") from error


class Kept:
    """Blocks read lately. Who asks for one that is being read waits for it, and fails with it."""

    def __init__(self, read: Callable[[Block], list[bytes]]) -> None:
        self._read = read
        self._found: OrderedDict[Block, Future[list[bytes]]] = OrderedDict()
        self._lock = Lock()

    def get(self, block: Block) -> list[bytes]:
        with self._lock:
            known = self._found.get(block)
            future = self._found.setdefault(block, Future())
            self._found.move_to_end(block)
            while len(self._found) > KEPT_BLOCKS:
                self._found.popitem(last=False)
        if known is None:
            self._fill(block, future)
        return future.result()

    def _fill(self, block: Block, future: Future[list[bytes]]) -> None:
        try:
            future.set_result(self._read(block))
        except BaseException as error:
            with self._lock:
                self._found.pop(block, None)
            future.set_exception(error)
            raise


def _read(block: Block) -> list[bytes]:
    first = block.number * AT_ONCE
    last = min(first + AT_ONCE, block.total)
    ends = [_offset(block.key, index, block.total) for index in range(first, last + 1)]
    content = _between(block.key, ends[0], ends[-1])
    if len(content) != ends[-1] - ends[0]:
        raise PackDamaged
    return [content[start - ends[0] : end - ends[0]] for start, end in pairwise(ends)]


def _offset(key: str, index: int, count: int) -> int:
    """Of the thumbnail, or of the end of the last one."""
    number = min(index, count - 1) // OFFSETS_AT_ONCE
    return _offsets(key, number, count)[index - number * OFFSETS_AT_ONCE]


@lru_cache(maxsize=OFFSET_BLOCKS)
def _offsets(key: str, block: int, count: int) -> tuple[int, ...]:
    """Kept, since a pack never changes: from a bucket each request costs as much as the picture."""
    first = block * OFFSETS_AT_ONCE
    last = min(first + OFFSETS_AT_ONCE, count)
    found = _between(key, first * OFFSET_BYTES, (last + 1) * OFFSET_BYTES)
    if len(found) != (last + 1 - first) * OFFSET_BYTES:
        raise PackDamaged
    return struct.unpack(f"<{last + 1 - first}Q", found)


def _between(key: str, start: int, end: int) -> bytes:
    return b"".join(storage.read(key, start=start, end=end)) if end > start else b""


_kept = Kept(_read)
