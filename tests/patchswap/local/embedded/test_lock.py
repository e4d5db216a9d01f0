"""One holder a data directory, named to whoever comes second."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from patchswap.local.embedded import lock
from patchswap.local.embedded.refusal import CannotStart

HOLDER = (
    "import sys, time; from pathlib import Path; from patchswap.local.embedded import lock\n"
    "with lock.hold(Path(sys.argv[1]), 'http://127.0.0.1:1'): print('held', flush=True); time.sleep(600)"
)


def test_the_second_is_told_who_holds_it_until_the_first_is_gone(tmp_path: Path):
    path = tmp_path / "up.lock"
    first = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline() == "held\n"
    with pytest.raises(CannotStart, match=rf"in use by process {first.pid} \(http://127\.0\.0\.1:1\)"):
        lock.hold(path, "http://127.0.0.1:2").__enter__()
    first.send_signal(signal.SIGKILL)
    first.communicate()
    with lock.hold(path, "http://127.0.0.1:2"):
        assert str(os.getpid()) in path.read_text()


def test_a_holder_that_has_not_written_yet_is_still_a_holder(tmp_path: Path):
    path = tmp_path / "up.lock"
    with lock.hold(path, "http://127.0.0.1:1"):
        path.write_text("")
        with pytest.raises(CannotStart, match="in use by another patchswap up"):
            lock.hold(path, "http://127.0.0.1:2").__enter__()
