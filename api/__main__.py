"""`python -m api`: the service behind one port, by uvicorn."""

from __future__ import annotations

import argparse

import uvicorn

from api import telemetry
from api.app import create_app


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the patchswap API.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    telemetry.configure_logging()
    uvicorn.run(
        create_app(),
        host=arguments.host,
        port=arguments.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    main()
