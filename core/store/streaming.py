"""Objects to and from open connections: asynchronous, in pieces, in memory that does not grow with the object."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import obstore

from core.errors import Invalid
from core.store import storage, tags

# Below 1 MiB the hand-over to other threads shows, above it only memory grows.
PIECE_BYTES = 2**20


class WrongLength(Invalid):
    """The body does not have the length of the part. Send exactly the bytes of the part."""


async def put(key: str, chunks: AsyncIterator[bytes], *, size: int, see: Callable[[bytes], None] | None = None) -> str:
    """Store a stream of exactly `size` bytes, or nothing; gives the object's tag, "" where the store tells none.

    `see` is called with each of the bytes in order, in a thread, beside the reception of the next ones. Raises
    WrongLength or StoreUnavailable.
    """
    pieces = _pieces(chunks, size)
    with storage.store_errors(key):
        if storage.is_local():
            return await _put_file(tags.path_of(key), pieces, see)
        put = await obstore.put_async(storage.store(), key, _joined(pieces, see), max_concurrency=2)
        return put["e_tag"] or ""


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


async def _put_file(path: Path, pieces: AsyncIterator[list[bytes]], see: Callable[[bytes], None] | None) -> str:
    """Four times the rate of obstore's own writer, which takes fresh memory for all it writes."""
    partial = path.with_name(f"{path.name}.partial-{secrets.token_hex(4)}")  # listed, so it goes with its upload
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with partial.open("xb") as file:

            def take(piece: list[bytes]) -> None:
                file.writelines(piece)
                if see:
                    for chunk in piece:
                        see(chunk)

            await _in_turn(pieces, take)
            file.flush()
            tag = tags.of_file(os.fstat(file.fileno()))
        partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return tag


async def _in_turn(pieces: AsyncIterator[list[bytes]], take: Callable[[list[bytes]], None]) -> None:
    """A thread takes each piece while the next one arrives. None is being taken any more when this ends, however."""
    taking: asyncio.Future[None] | None = None
    loop = asyncio.get_running_loop()
    try:
        async for piece in pieces:
            await _ended(taking)
            taking = loop.run_in_executor(None, take, piece)
        await _ended(taking)
    finally:
        if taking is not None:
            await asyncio.wait({taking})


async def _ended(taking: asyncio.Future[None] | None) -> None:
    if taking is not None:
        await asyncio.wait({taking})  # unlike `await`, a cancellation does not let go of the thread
        taking.result()


async def _joined(pieces: AsyncIterator[list[bytes]], see: Callable[[bytes], None] | None) -> AsyncIterator[bytes]:
    """Each piece is seen while the store takes it."""
    loop = asyncio.get_running_loop()
    async for piece in pieces:
        whole = b"".join(piece)
        seeing = loop.run_in_executor(None, see, whole) if see else None
        yield whole
        await _ended(seeing)


async def _pieces(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[list[bytes]]:
    """The chunks by the MiB, uncopied. Raising in here makes the store give the object up."""
    piece: list[bytes] = []
    arrived = held = 0
    async for chunk in chunks:
        arrived += len(chunk)
        if arrived > size:
            raise WrongLength(f"The body is longer than the {size} bytes of the part. Send exactly the part.")
        piece.append(chunk)
        held += len(chunk)
        if held >= PIECE_BYTES:
            yield piece
            piece, held = [], 0
    if arrived != size:
        raise WrongLength(f"The body ended after {arrived} of the part's {size} bytes. Send the part again.")
    if piece:
        yield piece
