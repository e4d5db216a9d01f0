"""The doorbell: a Celery message that says "try to claim this". Losing one costs seconds, never correctness."""

import logging
import socket
from functools import lru_cache
from typing import Any, Literal

import redis
from celery import Celery
from kombu import Queue
from kombu.exceptions import OperationalError
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.settings import settings

logger = logging.getLogger(__name__)

KEY_PREFIX = "patchswap:"
RING_SECONDS = 1
# Kombu's lock while it sends unacknowledged messages again, 300 s by default: a process that stopped in it lets others
# do so after this. Two at once do no harm: each message is restored in a transaction that watches it.
RESTORE_LOCK_SECONDS = 15
FREE_DISK = "free_disk"  # what a worker can be asked over the queue: `worker.telemetry.panel`
# A Redis that vanished without a word is noticed while nobody asks it anything, as Postgres is (`core.database`).
_KEEPALIVE_TERMS = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 2, "TCP_USER_TIMEOUT": 15_000}
KEEPALIVE = {  # by the number that the system calls them; macOS lacks two
    getattr(socket, name): value for name, value in _KEEPALIVE_TERMS.items() if hasattr(socket, name)
}
Bell = Literal[
    "worker.train",
    "worker.ingest",
    "worker.export",
    "worker.profile",
    "worker.predict",
    "worker.weights",
    "worker.deliver",
]
QUEUES: dict[str, str] = {
    "worker.train": "train",
    "worker.ingest": "short",
    "worker.export": "short",
    "worker.profile": "short",  # where no device was asked for
    "worker.predict": "short",
    "worker.weights": "short",
    "worker.deliver": "short",
}


@lru_cache
def celery_app(*, patience_seconds: int = 10) -> Celery:
    """Celery set for messages that may be lost or repeated; its soft shutdown is not used, see `worker.app`.

    `patience_seconds` is how long one answer of Redis may take.
    """
    app = Celery("patchswap", broker=settings().redis_url, set_as_current=False)  # the bell is no worker's app
    app.conf.update(
        task_serializer="json",
        result_serializer="json",
        event_serializer="json",
        accept_content=["json"],
        result_accept_content=["json"],
        task_ignore_result=True,
        result_backend=None,
        task_store_errors_even_if_ignored=False,
        task_create_missing_queues=False,
        task_queues=[Queue(name, routing_key=name) for name in _queues()],
        task_default_queue="short",
        task_acks_late=False,
        task_reject_on_worker_lost=False,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_max_tasks_per_child=None,
        task_time_limit=None,
        task_soft_time_limit=None,
        task_publish_retry=True,
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 1.0},
        broker_connection_retry=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=5,
        broker_pool_limit=10,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_transport_options={
            "visibility_timeout": 3600,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": RESTORE_LOCK_SECONDS,
            # Half-open connections are noticed one by one, each after up to socket_timeout and health_check_interval
            # together: with 30 and 25 s a worker heard nothing for 91 s (the nemesis, F18).
            "socket_timeout": patience_seconds,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "socket_keepalive_options": KEEPALIVE,
            "health_check_interval": 10,
            "retry_on_timeout": True,
            "global_keyprefix": KEY_PREFIX,
            "client_name": "patchswap",
        },
        worker_send_task_events=False,
        worker_enable_remote_control=True,
        worker_hijack_root_logger=False,
    )
    return app


def _queues() -> list[str]:
    own = settings().device_name
    return sorted({*QUEUES.values(), *([of_device(own)] if own else [])})


def of_device(name: str) -> str:
    """The queue that workers of a device listen to."""
    return f"device.{name}"


def ring(bell: Bell, row_id: str, *, queue: str | None = None) -> bool:
    """Send the message. False when the broker is away: the row is committed, so the sweeper will ring again.

    Impatient, for a customer may be waiting: a half-open connection held up a submit for 20 s and more.
    """
    queue = queue or QUEUES[bell]
    try:
        app = celery_app(patience_seconds=RING_SECONDS)
        if queue not in app.amqp.queues:  # a device's: none is known before it is asked for
            app.amqp.queues.add(Queue(queue, routing_key=queue))
        app.send_task(bell, args=[row_id], queue=queue)
    except (OperationalError, redis.RedisError, OSError) as error:
        logger.warning("broker away, %s %s waits for the sweeper: %s", bell, row_id, error)
        return False
    return True


@lru_cache
def broker() -> "redis.Redis":
    url = settings().redis_url.replace("redis+socket://", "unix://")
    # One more try, for a connection that broke meanwhile; the library's own three take up to ten seconds.
    patience = {"socket_timeout": 2, "socket_connect_timeout": 2, "retry": Retry(NoBackoff(), 1)}
    return redis.Redis.from_url(url, **patience, **keepalive_of(url))


def keepalive_of(url: str) -> dict[str, Any]:
    """Nothing for a unix socket, whose peer cannot vanish."""
    return {} if url.startswith("unix:") else {"socket_keepalive": True, "socket_keepalive_options": KEEPALIVE}


def depth(queue: str) -> int:
    """Messages waiting in a queue. Raises redis.RedisError when the broker is away."""
    return int(broker().llen(KEY_PREFIX + queue))
