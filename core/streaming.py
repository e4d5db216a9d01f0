"""Objects to and from open connections: asynchronous, in pieces, in memory that does not grow with the object."""

from collections.abc import AsyncIterator
from typing import Any

import obstore

from core import storage
from core.errors import Invalid

# Pieces of 1 MiB: below it the hand-over to the store's threads shows, above it only memory grows.
PIECE_BYTES = 2**20
PUT_BYTES = 4 * 2**20  # what the store writes at once
PUT_CONCURRENCY = 2


class WrongLength(Invalid):
    """The body has not as many bytes as the part. Send exactly the part's bytes."""


async def put(key: str, chunks: AsyncIterator[bytes], *, size: int) -> None:
    """Store a stream of exactly `size` bytes, or nothing. Raises WrongLength or StoreUnavailable."""
    with storage.store_errors(key):
        await obstore.put_async(
            storage.store(), key, _pieces(chunks, size), chunk_size=PUT_BYTES, max_concurrency=PUT_CONCURRENCY
        )


async def read(key: str, *, start: int, end: int) -> AsyncIterator[memoryview]:
    """The bytes from `start` up to `end`."""
    with storage.store_errors(key):
        if storage.is_local():  # as in `storage.read`
            for offset in range(start, end, PIECE_BYTES):
                stop = min(end, offset + PIECE_BYTES)
                yield memoryview(await obstore.get_range_async(storage.store(), key, start=offset, end=stop))
            return
        options: Any = {"range": (start, end)}
        found = await obstore.get_async(storage.store(), key, options=options)
        async for chunk in found.stream(min_chunk_size=PIECE_BYTES):
            yield memoryview(chunk)


async def _pieces(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """The same bytes in larger pieces. Raising in here makes the store give the object up."""
    piece = bytearray()
    arrived = 0
    async for chunk in chunks:
        arrived += len(chunk)
        if arrived > size:
            raise WrongLength(f"the body is longer than the {size} bytes of the part")
        piece += chunk
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    if arrived != size:
        raise WrongLength(f"the body ended after {arrived} of the part's {size} bytes")
    if piece or not size:
        yield bytes(piece)
