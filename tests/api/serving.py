"""The real application under uvicorn, in a thread of the test process."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
import uvicorn

from api.app import create_app
from api.wire.protocol import LimitedProtocol
from core.accounts.keys import SCOPES, create, ensure_tenant
from core.database.database import transaction


class Server:
    """One api on a spare port, for the length of a `with`."""

    def __enter__(self) -> Self:
        config = uvicorn.Config(
            create_app(),
            port=0,
            http=LimitedProtocol,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started:
            assert self._thread.is_alive(), "the api did not start"
            assert time.monotonic() < deadline, "the api did not start in time"
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(20)


@dataclass
class Caller:
    """A tenant with a key; `get`, `post` ... are httpx's, with the key."""

    tenant_id: str
    key: str
    http: httpx.Client = field(repr=False)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.http.get(path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.http.post(path, json=body, **more) if body is not None else self.http.post(path, **more)

    def put(self, path: str, **more: Any) -> httpx.Response:
        return self.http.put(path, **more)

    def delete(self, path: str, **more: Any) -> httpx.Response:
        return self.http.delete(path, **more)


def caller(url: str, tenant: str, scopes: tuple[str, ...] = SCOPES) -> Caller:
    with transaction() as session:
        row = ensure_tenant(session, tenant)
        _, secret = create(session, row.id, name="tests", scopes=scopes)
    headers = {"Authorization": f"Bearer {secret}"}
    return Caller(row.id, secret, httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False))
