"""A process with a clock of its own: its wall clock jumps, its waiting does not."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.servers.clock import Clock

PROGRAM = """
import sys, time
from datetime import datetime, timezone
for _ in sys.stdin:
    begun = time.monotonic()
    time.sleep(0.1)
    print(time.time(), datetime.now(timezone.utc).timestamp(), time.monotonic() - begun, flush=True)
"""


def test_wall_clock_is_set_while_the_process_runs_and_sleep_is_as_long_as_ever(tmp_path):
    clock = Clock(tmp_path, "mine")
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **clock.variables},
    )
    for seconds in (0, 3600, -3600):
        clock.set(seconds)
        process.stdin.write("now\n")
        process.stdin.flush()
        told, dated, slept = map(float, process.stdout.readline().split())
        here = float(subprocess.run(["date", "+%s.%N"], check=True, capture_output=True, text=True).stdout)
        assert abs(told - here - seconds) < 30
        assert abs(dated - told) < 1
        assert 0.1 <= slept < 30
    process.communicate()
