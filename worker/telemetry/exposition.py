"""A worker's figures for Prometheus, of all its processes together, on an address of its own.

Tasks run in a forked process, so each process counts in files of one folder (prometheus_client's multiprocess mode) and
the parent, which lives as long as the worker, serves their sum. Without `metrics_address` a process counts for itself
and nobody is told. What the ledger knows better (queues, jobs, lost leases of the dead) is told by the api.
"""

import os
import shutil

import psutil

from core.settings import settings


def prepare() -> None:
    """Names the folder, which prometheus_client reads when it is first imported: so before any of what is below."""
    if settings().metrics_address:
        root = settings().scratch_dir / "metrics"
        folder = root / str(os.getpid())
        for left in root.glob("*"):
            if left == folder or not psutil.pid_exists(int(left.name)):  # of a worker that is no more
                shutil.rmtree(left, ignore_errors=True)
        folder.mkdir(parents=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def serve() -> None:
    """From a thread of this process, until it ends."""
    if not settings().metrics_address:
        return
    from prometheus_client import CollectorRegistry, multiprocess, start_http_server  # noqa: PLC0415 - see `prepare`

    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # it has no annotations
    host, _, port = settings().metrics_address.rpartition(":")
    start_http_server(int(port), host.strip("[]") or "0.0.0.0", registry=registry)  # noqa: S104 - `:9100` asks for it
