"""A child process: what it says is read without waiting, and it never outlives us."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from contract.child.messages import Working
from tests.worker.processes import wait_for
from worker.children.child import Child, GarbageOutput, describe_exit


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Runs a few lines of Python as the child."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    children = []

    def run(source: str) -> Child:
        (tmp_path / "speaker.py").write_text(textwrap.dedent(source))
        children.append(Child("speaker", [], folder=tmp_path))
        return children[-1]

    yield run
    for child in children:
        child.kill()


def finish(child: Child) -> None:
    while not child.is_over:
        child.next_message(0.1)


SAY = """\
    import os, sys, time
    def say(done):
        print('{"type": "working", "activity": "a", "done": %d, "total": 9}' % done, flush=True)
"""


def test_messages_come_in_order_and_silence_is_none(start):
    child = start(SAY + "    say(1); say(2); time.sleep(60)")
    assert [child.next_message(20).done, child.next_message(20).done] == [1, 2]
    assert child.next_message(0.05) is None
    assert not child.is_over


def test_what_was_said_before_the_end_is_heard_after_it(start):
    child = start(SAY + "    [say(n) for n in range(2000)]; os._exit(5)")
    wait_for(lambda: child.exit_code is not None)
    heard = []
    while not child.is_over:
        message = child.next_message(0.1)
        heard += [message] if message else []
    assert [message.done for message in heard] == list(range(2000))
    assert isinstance(heard[0], Working)
    assert child.exit_code == 5


def test_line_that_is_no_message_is_refused(start):
    child = start("print('Epoch 1')")
    with pytest.raises(GarbageOutput, match="Epoch 1"):
        child.next_message(20)


def test_endless_line_does_not_fill_the_memory(start):
    child = start("import sys\nwhile True: sys.stdout.write('x' * 65536)")
    with pytest.raises(GarbageOutput):
        child.next_message(20)


def test_end_of_stderr_is_kept(start):
    child = start("import sys\nfor n in range(200_000): print(n, file=sys.stderr)")
    finish(child)
    assert child.last_words == "199999"
    assert len(child.log) <= 256 * 1024


def test_child_does_not_see_the_services_settings(start, monkeypatch):
    monkeypatch.setenv("PATCHSWAP_DATABASE_URL", "postgresql://secret")
    child = start("import os, sys\nprint(sorted(n for n in os.environ if 'PATCHSWAP' in n), file=sys.stderr)")
    finish(child)
    assert child.last_words == "['PATCHSWAP_DIE_WITH_PARENT']"


def test_kill_ends_what_the_child_started_too(start):
    child = start(SAY + "    import subprocess\n    p = subprocess.Popen(['sleep', '60']); say(p.pid); time.sleep(60)")
    grandchild = psutil.Process(child.next_message(20).done)
    child.kill()
    wait_for(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE, seconds=2)


def test_child_dies_with_its_parent(tmp_path, monkeypatch):
    (tmp_path / "sleeper.py").write_text("import time\ntime.sleep(60)")
    source = f"""
import sys, time
from pathlib import Path
from worker.children.child import Child
print(Child("sleeper", [], folder=Path({str(tmp_path)!r})).pid, flush=True)
time.sleep(60)
"""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(Path.cwd())]))
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE) as parent:
        orphan = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    time.sleep(0.2)
    wait_for(lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE, seconds=2)


@pytest.mark.parametrize(
    ("code", "words"), [(7, "exit code 7"), (-9, "signal SIGKILL"), (-11, "signal SIGSEGV"), (-99, "signal 99")]
)
def test_ends_are_named(code, words):
    assert describe_exit(code) == words
