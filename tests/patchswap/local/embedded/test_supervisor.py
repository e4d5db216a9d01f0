"""The supervisor restarts what dies, stops in order, and takes its children with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from patchswap.local.embedded import supervisor as module
from patchswap.local.embedded.child import Part
from patchswap.local.embedded.refusal import CannotStart
from patchswap.local.embedded.supervisor import Stopped, Supervisor

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
POLITE_PROGRAM = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print(f"stopped {time.monotonic()}", flush=True), sys.exit(0)))
print("started", flush=True)
time.sleep(600)
"""
POLITE = [sys.executable, "-c", POLITE_PROGRAM]
STUBBORN_PROGRAM = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""
STUBBORN = [sys.executable, "-c", STUBBORN_PROGRAM]
PARENT_PROGRAM = """
import subprocess, time
print(subprocess.Popen(["sleep", "600"]).pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def supervisor(tmp_path: Path):
    supervisor = Supervisor(logs=tmp_path, environment=dict(os.environ))
    yield supervisor
    supervisor.request_stop()
    supervisor.request_stop()
    supervisor.stop()


def logged(tmp_path: Path, name: str, text: str, *, times: int = 1, seconds: float = 10) -> bool:
    return eventually(lambda: (tmp_path / f"{name}.log").read_text().count(text) >= times, seconds=seconds)


def eventually(holds, *, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_part_that_keeps_dying_is_started_again_after_growing_pauses(supervisor, tmp_path, capsys):
    supervisor.start(Part("mayfly", [sys.executable, "-c", "print('born', flush=True); raise SystemExit(7)"]))
    threading.Timer(2.5, supervisor.request_stop).start()
    supervisor.watch()
    said = capsys.readouterr().err
    assert "mayfly ended with status 7; starting it again in 0.5 s" in said
    assert "in 1 s" in said
    assert (tmp_path / "mayfly.log").read_text().count("born") in {2, 3}


def test_a_killed_part_comes_back_with_what_it_had_started_gone(supervisor, tmp_path):
    supervisor.start(Part("parent", [sys.executable, "-c", PARENT_PROGRAM]))
    assert logged(tmp_path, "parent", "\n")
    grandchild = int((tmp_path / "parent.log").read_text())
    os.kill(psutil.Process(grandchild).ppid(), signal.SIGKILL)
    threading.Timer(2, supervisor.request_stop).start()
    supervisor.watch()
    assert (tmp_path / "parent.log").read_text().count("\n") == 2
    assert not psutil.pid_exists(grandchild) or psutil.Process(grandchild).status() == psutil.STATUS_ZOMBIE


def test_parts_stop_in_the_reverse_order_of_their_start(supervisor, tmp_path):
    for name in ("first", "second"):
        supervisor.start(Part(name, POLITE))
        assert logged(tmp_path, name, "started")
    supervisor.stop()
    stopped = {name: float((tmp_path / f"{name}.log").read_text().split()[-1]) for name in ("first", "second")}
    assert stopped["second"] < stopped["first"]


def test_a_part_that_does_not_stop_in_its_grace_is_killed(supervisor, tmp_path, capsys):
    supervisor.start(Part("stubborn", STUBBORN, grace_seconds=0.3))
    assert logged(tmp_path, "stubborn", "deaf")
    supervisor.stop()
    assert "stubborn did not stop in time and is killed" in capsys.readouterr().err


def test_a_second_request_to_stop_does_not_wait_for_the_grace(supervisor, tmp_path):
    supervisor.start(Part("stubborn", STUBBORN, grace_seconds=60))
    assert logged(tmp_path, "stubborn", "deaf")
    supervisor.request_stop()
    supervisor.request_stop()
    started = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - started < 5


def test_waiting_ends_with_the_last_line_of_a_part_that_died(supervisor):
    supervisor.start(Part("broken", [sys.executable, "-c", "raise SystemExit('no disk')"]))
    with pytest.raises(CannotStart, match="broken ended with status 1: no disk"):
        supervisor.wait_until(lambda: False, what="the api", seconds=10)


def test_waiting_ends_when_a_signal_asks_to_stop(supervisor):
    supervisor.start(Part("sleeper", SLEEPER))
    threading.Timer(0.2, supervisor.request_stop).start()
    with pytest.raises(Stopped):
        supervisor.wait_until(lambda: False, what="the api", seconds=10)


def test_waiting_ends_when_time_runs_out(supervisor):
    with pytest.raises(CannotStart, match=r"the api was not ready after 0\.2 s"):
        supervisor.wait_until(lambda: False, what="the api", seconds=0.2)


def test_a_step_that_fails_says_its_last_line(supervisor):
    assert supervisor.run_once("fine", [sys.executable, "-c", "print('42')"]) == "42\n"
    with pytest.raises(CannotStart, match=r"migrations ended with status 1: table is gone \(see .*migrations\.log\)"):
        supervisor.run_once("migrations", [sys.executable, "-c", "raise SystemExit('table is gone')"])


def test_a_log_beyond_its_size_is_moved_aside(supervisor, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_LOG_BYTES", 1000)
    monkeypatch.setattr(module, "_LOG_CHECK_SECONDS", 0.1)
    chatter = "import time\nfor line in range(600): print('x' * 100, flush=True); time.sleep(0.01)\ntime.sleep(600)"
    supervisor.start(Part("chatter", [sys.executable, "-c", chatter]))
    threading.Timer(2, supervisor.request_stop).start()
    supervisor.watch()
    assert (tmp_path / "chatter.log.1").stat().st_size > 1000
    assert (tmp_path / "chatter.log").stat().st_size < 20_000


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_children_die_with_a_supervisor_that_is_killed(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from patchswap.local.embedded.child import Part\n"
        "from patchswap.local.embedded.supervisor import Supervisor\n"
        f"supervisor = Supervisor(logs=Path({str(tmp_path)!r}), environment={{}})\n"
        f"supervisor.start(Part('sleeper', {SLEEPER!r}))\n"
        "print(supervisor._waves[0][0].pid, flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    child = psutil.Process(int(process.stdout.readline()))
    process.kill()
    process.communicate()
    assert eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, seconds=2)
