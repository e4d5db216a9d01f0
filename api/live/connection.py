"""The api's bare connection to Postgres for what must be fast or held open; all else uses `core.database`."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row
from sqlalchemy import make_url

from core.database.database import client_options, server_options
from core.errors import Unavailable
from core.settings import settings

QUERY_TIMEOUT_SECONDS = 5.0
_AWAY = (psycopg.OperationalError, psycopg.errors.TransactionTimeout, TimeoutError)


class Reader:
    """One autocommit connection, made when first needed and again when it broke. One query at a time."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._connection: psycopg.AsyncConnection[DictRow] | None = None
        self._turn = asyncio.Lock()

    async def rows(self, query: str, **parameters: Any) -> list[DictRow]:
        """Raises Unavailable when Postgres does not answer, also on a new connection."""
        async with self._turn:
            if self._connection is not None:
                try:
                    return await self._ask(query, parameters)
                except _AWAY:
                    await self._drop()  # a restarted Postgres leaves a dead connection behind; a new one may do
            try:
                return await self._ask(query, parameters)
            except _AWAY as error:
                await self._drop()
                raise Unavailable("The database does not answer. Try again in a few seconds.") from error

    async def close(self) -> None:
        async with self._turn:
            await self._drop()

    async def _ask(self, query: str, parameters: dict[str, Any]) -> list[DictRow]:
        async with asyncio.timeout(QUERY_TIMEOUT_SECONDS):
            if self._connection is None:
                self._connection = await connect(self._name)
            cursor = await self._connection.execute(query.encode(), parameters)
            return await cursor.fetchall()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


async def connect(name: str) -> psycopg.AsyncConnection[DictRow]:
    url = make_url(settings().database_url).set(drivername="postgresql")
    conninfo = make_conninfo(
        url.render_as_string(hide_password=False),
        application_name=name,
        options=server_options("read"),
        **client_options(connect_seconds=3),
    )
    return await psycopg.AsyncConnection.connect(conninfo, autocommit=True, row_factory=dict_row)
