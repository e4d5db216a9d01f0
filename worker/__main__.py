"""`python -m worker train|short|device|sweep`: a Celery worker for one queue, or the sweeper alone.

A worker runs one task at a time and starts a sweeper of its own.
"""

import argparse
import os
import sys
from importlib.metadata import version

from contract.child.confinement import die_with
from core import signing
from core.queue import of_device
from core.settings import settings
from core.webhooks import secrets
from worker.housekeeping import sweeper
from worker.liveness import watchdog
from worker.liveness.consumer_state import Pulse
from worker.telemetry import exposition, hardware, logs

_WHAT = "train: jobs; short: ingest and exports; device: measuring under PATCHSWAP_DEVICE_NAME"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    parser.add_argument("what", choices=("train", "short", "device", "sweep"), help=_WHAT)
    parser.add_argument("--parent", type=int, help="of sweep: end when the process of this number does")
    parser.add_argument("--pulse", type=int, help="of sweep: the descriptor by which to watch that process too")
    parser.add_argument("--queue", help="of sweep: what that process takes messages from")
    arguments = parser.parse_args()
    if arguments.what == "sweep":
        if arguments.parent is not None:
            die_with(arguments.parent)
        logs.start()
        if arguments.pulse is not None:
            watchdog.start(arguments.parent, Pulse(arguments.pulse), arguments.queue)
        sweeper.run_forever(_beside(arguments.queue, arguments.parent))
    elif arguments.what == "device":
        if not settings().device_name:
            parser.error("say which device this is: PATCHSWAP_DEVICE_NAME=raspberry-pi-5, for example")
        work(of_device(settings().device_name))
    else:
        work(arguments.what)


def work(queue: str) -> None:
    """Take one task of a queue after the other, until SIGTERM."""
    # Remapped, SIGTERM would wait for the running task's end before telling it to end; see worker.app.
    os.environ.pop("REMAP_SIGTERM", None)
    _require_usable_keys()
    exposition.prepare()
    from worker.app import app  # noqa: PLC0415 - Celery reads the variable when it is imported

    flags = ["--queues", queue, "--concurrency", "1", "--without-gossip", "--without-mingle"]
    flags += ["--hostname", _name(queue, os.getpid())]
    app.worker_main(["--quiet", "worker", "--pool", "prefork", "--loglevel", "INFO", *flags])


def _name(queue: str, process: int) -> str:
    return f"{queue}-{process}@{settings().worker_name}"


def _beside(queue: str | None, process: int | None) -> sweeper.Beside | None:
    if queue is None or process is None:
        return None
    return sweeper.Beside(_name(queue, process), queue, hardware.described(), version("patchswap"))


def _require_usable_keys() -> None:
    """Now, and not when the first job is to be published or told."""
    try:
        signing.private_key()
        secrets.require_usable()
    except (signing.UnusableKey, secrets.UnusableKeys) as error:
        sys.exit(f"python -m worker: {error}")


if __name__ == "__main__":
    main()
