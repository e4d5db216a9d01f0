"""Around every request: an id, one log line, one measurement, and the last resort against unexpected errors."""

from __future__ import annotations

import logging
import re
import time
import uuid

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import context
from api.wire import telemetry
from api.wire.errors import UnknownHost, problem_of
from core.settings import settings

logger = logging.getLogger("api.access")
CLIENT_LEFT = 499  # before its request was whole: for the log and the figures, there is nobody to answer
_PROBES = frozenset({"/healthz", "/readyz"})
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")


class Surroundings:
    """Pure ASGI: BaseHTTPMiddleware would cost a task and two queues a request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        context.attach(scope, context.Context(request_id, scope["method"], scope["path"]))
        started = time.perf_counter()
        status = 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            _require_known_host(scope)
            await self.app(scope, receive, send_named)
        except ClientDisconnect:
            status = status or CLIENT_LEFT
        except Exception as error:  # the last resort: nothing leaves this service but problems
            if status:
                raise
            await problem_of(error).response(scope)(scope, receive, send_named)
        finally:
            telemetry.observe(scope, status, time.perf_counter() - started)


def _require_known_host(scope: Scope) -> None:
    """Against DNS rebinding: a page that points its own name at 127.0.0.1 sends that name. Raises UnknownHost.

    Probes of an orchestrator send whatever address they use, and learn nothing that is anybody's secret.
    """
    allowed = settings().allowed_hosts
    if not allowed or scope["path"] in _PROBES:
        return
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    if host.rpartition(":")[0] not in allowed.split(",") and host not in allowed.split(","):
        raise UnknownHost


def _request_id(scope: Scope) -> str:
    """The client's own, where it sent a sane one, so that its logs and ours can be joined."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return str(value.decode())
    return uuid.uuid4().hex
