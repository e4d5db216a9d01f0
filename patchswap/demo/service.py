"""`patchswap up` as a child process of the demo: started on a spare port, stopped by SIGTERM."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from patchswap.errors import ServiceUnreachable
from patchswap.local import service as installed

_STOP_SECONDS = 90.0
# So small a net gains nothing from a second thread, and where other programs want the cores too, two threads wait
# for each other: 137 images/s with two, 1,556 with one, beside a load of 4 on 2 cores.
_ONE_THREAD = {"OMP_NUM_THREADS": "1"}


@contextmanager
def running(data_dir: Path, *, one_thread: bool) -> Iterator[None]:
    """A service with its data in `data_dir`, ready to be used; its credentials are in `data_dir`/client.json."""
    log = data_dir / "up.log"
    with log.open("wb") as errors:
        service = subprocess.Popen(
            installed.command("patchswap", "up", "--data-dir", str(data_dir), "--port", str(_spare_port())),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # Ctrl-C is for the demo, which then stops the service in order
            env=os.environ | (_ONE_THREAD if one_thread else {}),
        )
    try:
        _wait_until_ready(service, log)
        yield
    finally:
        _stop(service)


def _wait_until_ready(service: subprocess.Popen[str], log: Path) -> None:
    assert service.stdout is not None  # noqa: S101 - it is a pipe
    for line in service.stdout:
        if line.startswith("ready "):
            return
    lines = log.read_text(errors="replace").strip().splitlines()
    raise ServiceUnreachable(f"The service did not start: {lines[-1] if lines else 'no message'} (see {log}).")


def _stop(service: subprocess.Popen[str]) -> None:
    if service.poll() is None:
        service.send_signal(signal.SIGTERM)
    try:
        service.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        service.kill()
        service.wait()


def _spare_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
