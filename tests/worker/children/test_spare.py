"""A process that waits with its imports done does its work as one from scratch does, and never outlives us."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import forget_settings
from tests.worker.children.test_child import finish
from tests.worker.processes import wait_for
from worker.children import spare
from worker.children.child import Child

TELLER = """\
    import os, pathlib, sys
    mark = pathlib.Path(__file__).with_name(f"warm-{os.getpid()}")
    def preload():
        print("what a library prints when it is imported")
        mark.touch()
    if __name__ == "__main__":
        words = "|".join([*sys.argv[1:], os.getcwd(), sys.stdin.read(), str(mark.exists())])
        print('{"type": "working", "activity": "%s", "done": 1, "total": 1}' % words, flush=True)
        if "crash" in sys.argv:
            os.kill(os.getpid(), 9)
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
    spare.drop()
    forget_settings()


def waiting() -> psutil.Process:
    (one,) = spare._waiting
    return psutil.Process(one.process.pid)


def until_warm(folder: Path) -> int:
    pid = waiting().pid
    wait_for((folder / f"warm-{pid}").exists, seconds=60)
    return pid


def said(folder: Path, *words: str) -> Child:
    child = Child("teller", words, folder=folder, warm=True)
    child.heard = child.next_message(60).activity  # type: ignore[attr-defined] # for the test alone
    finish(child)
    child.kill()
    return child


def test_the_second_is_done_by_the_one_that_waited_and_says_the_same(tmp_path: Path):
    cold = said(tmp_path, "hello")
    pid = until_warm(tmp_path)
    second = said(tmp_path, "hello")
    assert second.pid == pid != cold.pid
    assert (cold.heard, second.heard) == (f"hello|{tmp_path}||False", f"hello|{tmp_path}||True")
    assert (cold.exit_code, second.exit_code) == (0, 0)
    assert waiting().pid not in (pid, cold.pid)


def test_a_crash_ends_its_own_work_and_no_other(tmp_path: Path):
    said(tmp_path, "hello")
    pid = until_warm(tmp_path)
    crashed = said(tmp_path, "crash")
    assert (crashed.pid, crashed.exit_code) == (pid, -9)
    until_warm(tmp_path)
    assert said(tmp_path, "again").heard.endswith("True")


def test_one_that_was_killed_while_it_waited_is_replaced_by_one_from_scratch(tmp_path: Path):
    said(tmp_path, "hello")
    killed = waiting()
    killed.kill()
    wait_for(lambda: killed.status() == psutil.STATUS_ZOMBIE, seconds=10)
    child = said(tmp_path, "hello")
    assert (child.exit_code, child.heard) == (0, f"hello|{tmp_path}||False")


def test_other_settings_are_not_done_by_one_that_was_started_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    said(tmp_path, "hello")
    pid = until_warm(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert said(tmp_path, "hello").heard.endswith("False")
    assert not psutil.pid_exists(pid)


def test_it_dies_with_its_parent(tmp_path: Path):
    source = """
import sys, time
from pathlib import Path
from worker.children import spare
from worker.children.child import environment
spare.prepare("teller", environment())
print(spare._waiting[0].process.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE) as parent:
        orphan = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    wait_for(lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE, seconds=5)
