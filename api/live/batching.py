"""Many requests, one query: look-ups that wait together are answered by the next read.

A look-up only joins a read that starts after it arrived, so an answer is never older than its request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Batcher(Generic[Key, Value]):
    """One read at a time; whoever comes meanwhile is in the next one."""

    def __init__(self, read: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Value]]]) -> None:
        self._read = read
        self._waiting: dict[Key, list[asyncio.Future[Value | None]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def load(self, key: Key) -> Value | None:
        """What the read gives for the key; None where it gives nothing. Raises what the read raises."""
        future: asyncio.Future[Value | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        if self._reading is None:
            self._reading = asyncio.create_task(self._answer_all())
        return await future

    async def _answer_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            await self._answer(batch)
        self._reading = None

    async def _answer(self, batch: dict[Key, list[asyncio.Future[Value | None]]]) -> None:
        try:
            found = await self._read(list(batch))
        except Exception as error:  # noqa: BLE001 - it belongs to those who wait, whatever it is
            for future in _open(batch):
                future.set_exception(error)
            return
        for key, futures in batch.items():
            value = found.get(key)
            for future in futures:
                if not future.done():  # its request may be gone
                    future.set_result(value)


def _open(batch: dict[Key, list[asyncio.Future[Value | None]]]) -> list[asyncio.Future[Value | None]]:
    return [future for futures in batch.values() for future in futures if not future.done()]
