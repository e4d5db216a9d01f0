"""`python -m api`: the service behind one port, by uvicorn. Ends open streams at SIGTERM, and then itself."""

from __future__ import annotations

import argparse
import gc
import sys
from types import FrameType

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.wire import telemetry
from api.wire.protocol import LimitedProtocol
from contract.allocator import keep_freed_memory
from core.webhooks import secrets

GRACE_SECONDS = 10  # for requests that are being served; streams end within a tick


class Server(uvicorn.Server):
    """uvicorn waits for open connections, and a stream of events is open until its job ends: so streams are told."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        for name in ("tail", "tenant_tail"):
            tail = getattr(self._app.state, name, None)
            if tail is not None:
                tail.closing = True
        super().handle_exit(sig, frame)


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the patchswap API.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    keep_freed_memory(16 * 2**20, largest_bytes=8 * 2**20)  # chunks of a body are 256 KB
    telemetry.configure_logging()
    try:
        secrets.require_usable()
    except secrets.UnusableKeys as error:
        sys.exit(f"python -m api: {error}")
    app = create_app()
    gc.freeze()  # what was imported lives as long as the process: a full collection need not walk it
    config = uvicorn.Config(
        app,
        host=arguments.host,
        port=arguments.port,
        loop="auto",
        http=LimitedProtocol,
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    Server(config, app).run()


if __name__ == "__main__":
    main()
