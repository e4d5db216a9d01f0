"""Objects to and from open connections: asynchronous, in pieces, in memory that does not grow with the object."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import obstore
from obstore.store import LocalStore

from core.errors import Invalid
from core.store import storage

# Below 1 MiB the hand-over to other threads shows, above it only memory grows.
PIECE_BYTES = 2**20


class WrongLength(Invalid):
    """The body has not as many bytes as the part. Send exactly the part's bytes."""


async def put(key: str, chunks: AsyncIterator[bytes], *, size: int) -> None:
    """Store a stream of exactly `size` bytes, or nothing. Raises WrongLength or StoreUnavailable."""
    pieces = _pieces(chunks, size)
    with storage.store_errors(key):
        store = storage.store()
        if isinstance(store, LocalStore):
            await _put_file(Path(str(store.prefix)) / key, pieces)
        else:
            await obstore.put_async(store, key, _joined(pieces), max_concurrency=2)


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


async def read_joined(parts: Sequence[tuple[str, int]], *, start: int, end: int) -> AsyncIterator[memoryview]:
    """The same of objects that follow each other, each with its size."""
    begins = 0
    for key, size in parts:
        first, last = max(start - begins, 0), min(end - begins, size)
        if first < last:
            async for chunk in read(key, start=first, end=last):
                yield chunk
        begins += size


async def _put_file(path: Path, pieces: AsyncIterator[list[bytes]]) -> None:
    """Four times the rate of obstore's own writer, which takes fresh memory for all it writes."""
    partial = path.with_name(f"{path.name}.partial-{secrets.token_hex(4)}")  # listed, so it goes with its upload
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with partial.open("xb") as file:
            async for piece in pieces:
                await asyncio.to_thread(file.writelines, piece)
        partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


async def _joined(pieces: AsyncIterator[list[bytes]]) -> AsyncIterator[bytes]:
    async for piece in pieces:
        yield b"".join(piece)


async def _pieces(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[list[bytes]]:
    """The chunks by the MiB, uncopied. Raising in here makes the store give the object up."""
    piece: list[bytes] = []
    arrived = held = 0
    async for chunk in chunks:
        arrived += len(chunk)
        if arrived > size:
            raise WrongLength(f"the body is longer than the {size} bytes of the part")
        piece.append(chunk)
        held += len(chunk)
        if held >= PIECE_BYTES:
            yield piece
            piece, held = [], 0
    if arrived != size:
        raise WrongLength(f"the body ended after {arrived} of the part's {size} bytes")
    if piece:
        yield piece
