"""`python -m worker train|short`: a Celery worker for one of the two queues, one task at a time."""

import argparse
import os

from core.settings import settings


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    parser.add_argument("queue", choices=("train", "short"), help="train: jobs; short: ingest and exports")
    queue = parser.parse_args().queue
    # Remapped, SIGTERM would wait for the running task's end before telling it to end; see worker.app.
    os.environ.pop("REMAP_SIGTERM", None)
    from worker.app import app  # noqa: PLC0415 - Celery reads the variable when it is imported

    name = f"{queue}-{os.getpid()}@{settings().worker_name}"
    flags = ["--queues", queue, "--concurrency", "1", "--without-gossip", "--without-mingle", "--hostname", name]
    app.worker_main(["worker", "--pool", "prefork", "--loglevel", "INFO", *flags])


if __name__ == "__main__":
    main()
