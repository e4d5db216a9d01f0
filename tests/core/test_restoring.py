"""Messages that nobody acknowledged are sent again, also where the process that was about to do so has stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from core import queue
from core.settings import settings
from tests.servers.wire import Wire

ROOT = Path(__file__).parents[2]
RESTORE = """
from core import queue
with queue.celery_app(patience_seconds=120).connection_for_read() as bell:
    bell.default_channel.qos.restore_visible(interval=1)
"""
INDEX, LOCK = queue.KEY_PREFIX + "unacked_index", queue.KEY_PREFIX + "unacked_mutex"


def take_a_message_and_forget_it() -> None:
    """As a worker that was lost long ago had it."""
    assert queue.ring("worker.export", "exp_1")
    with queue.celery_app().connection_for_read() as bell:
        channel = bell.default_channel
        channel.qos.restore_at_shutdown = False
        assert channel.basic_get("short") is not None
        broker = queue.broker()
        ((tag, _),) = broker.zrange(INDEX, 0, -1, withscores=True)
        broker.zadd(INDEX, {tag: 1})


def restore() -> int:
    """One try of a living process; gives how many messages wait then."""
    with queue.celery_app().connection_for_read() as bell:
        bell.default_channel.qos.restore_visible(interval=1)
    return queue.depth("short")


def test_process_that_stopped_while_restoring_keeps_others_from_it_for_seconds(environment):
    take_a_message_and_forget_it()
    assert queue.depth("short") == 0
    url = settings().redis_url
    port = int(url.rsplit(":", 1)[1].partition("/")[0])
    with closing(Wire(port)) as wire:
        trap = wire.stop_at(b"unacked_mutex", b"ZRANGE")
        variables = {"PATCHSWAP_REDIS_URL": url.replace(str(port), str(wire.port)), "PYTHONPATH": str(ROOT)}
        with subprocess.Popen([sys.executable, "-P", "-c", RESTORE], env=os.environ | variables) as stopped:
            try:
                assert trap.caught.wait(60)
                stopped.send_signal(signal.SIGSTOP)
                begun = time.monotonic()
                assert 0 < queue.broker().ttl(LOCK) <= queue.RESTORE_LOCK_SECONDS
                assert restore() == 0
                while restore() == 0:
                    assert time.monotonic() < begun + queue.RESTORE_LOCK_SECONDS + 10
                    time.sleep(0.5)
                stopped.send_signal(signal.SIGCONT)
                wire.heal()
                assert stopped.wait(30) == 0
            finally:
                stopped.kill()
    assert queue.depth("short") == 1  # once, though two were at it
