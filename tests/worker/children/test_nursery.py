"""What the nursery forks does its work as a process from scratch does, and never outlives us."""

from __future__ import annotations

import os
import signal
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import forget_settings
from tests.worker.children.test_child import finish
from tests.worker.processes import wait_for
from worker.children import nursery
from worker.children.child import Child, environment
from worker.children.nursery import Nursery

TELLER = """\
    import os, sys
    def preload():
        print("what a library prints when it is imported")
        sys.warm = True
    if __name__ == "__main__":
        words = "|".join([*sys.argv[1:], os.getcwd(), sys.stdin.read(), str(hasattr(sys, "warm"))])
        print('{"type": "working", "activity": "%s", "done": 1, "total": 1}' % words, flush=True)
        if "crash" in sys.argv:
            os.kill(os.getpid(), 9)
        sys.exit(int(sys.argv[1]))
"""


SLEEPER = """\
    import signal, subprocess, sys, time
    if __name__ == "__main__":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print('{"type": "working", "activity": "sleep", "done": %d, "total": 1}' % child.pid, flush=True)
        time.sleep(60)
"""


@pytest.fixture(autouse=True)
def warm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "teller.py").write_text(textwrap.dedent(TELLER))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(Path.cwd())]))
    monkeypatch.setenv("PATCHSWAP_WARM_TRAINER", "true")
    for name in ("DATABASE", "REDIS", "OBJECTS"):  # required, and nobody's here
        monkeypatch.setenv(f"PATCHSWAP_{name}_URL", "nowhere://")
    forget_settings()
    yield
    nursery.drop()
    forget_settings()


def running() -> Nursery:
    (one,) = nursery._running
    return one


def said(folder: Path, *words: str) -> Child:
    child = Child("teller", words, folder=folder, warm=True)
    child.heard = child.next_message(60).activity  # type: ignore[attr-defined] # for the test alone
    finish(child)
    child.kill()
    return child


def test_what_is_forked_says_the_same_as_from_scratch_and_ends_the_same(tmp_path: Path):
    cold = said(tmp_path, "0")
    wait_for(lambda: running().is_ready, seconds=60)
    warm, other = said(tmp_path, "0"), said(tmp_path, "3")
    assert (cold.heard, warm.heard) == (f"0|{tmp_path}||False", f"0|{tmp_path}||True")
    assert (cold.exit_code, warm.exit_code, other.exit_code) == (0, 0, 3)
    assert len({cold.pid, warm.pid, other.pid, running().pid}) == 4


def test_a_crash_ends_its_own_work_and_no_other(tmp_path: Path):
    said(tmp_path, "0")
    wait_for(lambda: running().is_ready, seconds=60)
    pid = running().pid
    assert said(tmp_path, "crash").exit_code == -9
    assert said(tmp_path, "0").heard.endswith("True")
    assert running().pid == pid


def test_all_of_its_group_is_killed(tmp_path: Path):
    (tmp_path / "teller.py").write_text(textwrap.dedent(SLEEPER))
    nursery.prepare("teller", environment())
    wait_for(lambda: running().is_ready, seconds=60)
    child = Child("teller", [], folder=tmp_path, warm=True)
    grandchild = psutil.Process(child.next_message(60).done)
    child.ask_to_stop()  # which it does not heed
    assert child.exit_code is None
    child.kill()
    assert child.exit_code == -9
    wait_for(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE, seconds=5)


def test_a_killed_nursery_is_replaced_and_meanwhile_work_is_done_from_scratch(tmp_path: Path):
    said(tmp_path, "0")
    wait_for(lambda: running().is_ready, seconds=60)
    os.kill(running().pid, signal.SIGKILL)
    wait_for(lambda: running().is_over, seconds=10)
    child = said(tmp_path, "0")
    assert (child.exit_code, child.heard) == (0, f"0|{tmp_path}||False")
    wait_for(lambda: running().is_ready, seconds=60)
    assert said(tmp_path, "0").heard.endswith("True")


def test_a_nursery_that_dies_takes_its_trainer_with_it(tmp_path: Path):
    (tmp_path / "teller.py").write_text(textwrap.dedent(SLEEPER))
    nursery.prepare("teller", environment())
    wait_for(lambda: running().is_ready, seconds=60)
    child = Child("teller", [], folder=tmp_path, warm=True)
    child.next_message(60)
    forked = psutil.Process(child.pid)
    os.kill(running().pid, signal.SIGKILL)
    wait_for(lambda: not forked.is_running(), seconds=10)
    assert child.exit_code == -9


def test_other_settings_are_not_done_by_one_that_was_started_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    said(tmp_path, "0")
    wait_for(lambda: running().is_ready, seconds=60)
    before = running().pid
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert said(tmp_path, "0").heard.endswith("False")
    assert not psutil.pid_exists(before)
