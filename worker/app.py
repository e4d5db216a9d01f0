"""The Celery app of a worker: seven tasks, and what happens when its processes start and stop.

SIGTERM is Celery's warm shutdown: nothing new is taken, and the running task hears of it at once through
`worker.liveness.shutdown`, stores a checkpoint and gives its job back. Celery's own soft shutdown is of no use here:
it tells nobody before its time is over, and always takes all of it (celery 5.7,
`celery.apps.worker._shutdown_handler`).
"""

import logging
import os
import subprocess
import sys
import threading
import time
from typing import Any

from celery import bootsteps
from celery.signals import (
    setup_logging,
    task_postrun,
    task_prerun,
    worker_process_init,
    worker_ready,
    worker_shutting_down,
)

from contract.child.confinement import die_with
from core.queue import celery_app
from core.settings import settings
from worker.children import nursery
from worker.children.child import environment
from worker.liveness import consumer_state, shutdown
from worker.tasks.delivery import run_delivery
from worker.tasks.job import run_job
from worker.tasks.turn import run_next
from worker.telemetry import exposition, logs, panel

logger = logging.getLogger(__name__)
app = celery_app()
# After the grace the task has ended its child by force; what still runs then hangs.
_EXIT_MARGIN_SECONDS = 10.0
_TURN_SECONDS = 1.0
ANSWERS = (panel.free_disk,)  # to `core.doctor`; Celery knows them once they are imported
_pulse = consumer_state.fresh()  # before the fork of the process that runs tasks
# These tasks may be run again at any time: the claim decides.
_SHORT: dict[str, Any] = {"acks_late": True, "retry_on_worker_lost": True, "max_retries": 3, "default_retry_delay": 5}


@app.task(name="worker.train")
def train(job_id: str) -> None:
    with shutdown.at_sigterm():
        run_job(job_id)


@app.task(name="worker.ingest", **_SHORT)
def ingest(version_id: str) -> None:
    with shutdown.at_sigterm():
        run_next("ingest", version_id)


@app.task(name="worker.export", **_SHORT)
def export(export_id: str) -> None:
    with shutdown.at_sigterm():
        run_next("export", export_id)


@app.task(name="worker.profile", **_SHORT)
def profile(profile_id: str) -> None:
    with shutdown.at_sigterm():
        run_next("profile", profile_id)


@app.task(name="worker.predict", **_SHORT)
def predict(prediction_id: str) -> None:
    with shutdown.at_sigterm():
        run_next("predict", prediction_id)


@app.task(name="worker.weights", **_SHORT)
def weights(weights_id: str) -> None:
    with shutdown.at_sigterm():
        run_next("weights", weights_id)


@app.task(name="worker.deliver", **_SHORT)
def deliver(delivery_id: str) -> None:
    with shutdown.at_sigterm():
        run_delivery(delivery_id)


@setup_logging.connect
def _start_log(**_: object) -> None:
    logs.start()


@worker_ready.connect
def _start_sweeper(sender: Any, **_: object) -> None:
    """In a process of its own: neither Postgres' connections nor obstore's threads survive the forks of this one."""
    (name,) = sender.app.amqp.queues.consume_from
    threading.Thread(target=_keep_sweeping, args=(name,), name="sweeper", daemon=True).start()


@worker_ready.connect
def _tell_figures(**_: object) -> None:
    exposition.serve()


def _keep_sweeping(queue_name: str) -> None:
    shown = _pulse.descriptor
    while not shutdown.requested():
        command = [sys.executable, "-P", "-m", "worker", "sweep", "--parent", str(os.getpid())]
        watch = ["--pulse", str(shown), "--queue", queue_name]
        ended = subprocess.run([*command, *watch], stdin=subprocess.DEVNULL, pass_fds=(shown,), check=False)
        logger.warning("the sweeper ended with status %d; starting it again", ended.returncode)
        time.sleep(settings().sweep_seconds)


class ShowTurns(bootsteps.StartStopStep):  # type: ignore[misc] # Celery has no types
    """The consumer's event loop shows that it goes round. It does not while it waits for a broker that is away."""

    requires = ("celery.worker.components:Timer",)

    def start(self, parent: Any) -> None:
        parent.timer.call_repeatedly(_TURN_SECONDS, _pulse.turn)


app.steps["worker"].add(ShowTurns)


@task_prerun.connect
def _show_task(**_: object) -> None:
    _pulse.begin_task()


@task_postrun.connect
def _show_end_of_task(**_: object) -> None:
    _pulse.end_task()


@worker_process_init.connect
def _tie_to_parent(**_: object) -> None:
    """The process that runs tasks dies with the worker, and its trainer with it."""
    die_with(os.getppid())


@worker_process_init.connect
def _warm_up(**_: object) -> None:
    """A worker that trains has a nursery from the start; others from their first export on."""
    if settings().warm_trainer and _trains():
        nursery.prepare(settings().trainer_module, environment())


def _trains() -> bool:
    return "train" in app.amqp.queues.consume_from


@worker_shutting_down.connect
def _stop_task(**_: object) -> None:
    shutdown.request()
    last_resort = threading.Timer(settings().grace_seconds + _EXIT_MARGIN_SECONDS, os._exit, args=(1,))
    last_resort.daemon = True
    last_resort.start()
