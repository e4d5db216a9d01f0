"""The real trainer, forked: the same weights as from scratch, and all verbs of a job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.child.messages import Done
from tests.conftest import forget_settings
from tests.data import packs
from tests.trainer.conftest import body
from tests.trainer.runs import ROOT, write_spec
from tests.worker.processes import wait_for
from worker.children import nursery
from worker.children.child import Child, environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # OpenBLAS stops its threads for a fork, and shows them otherwise
    monkeypatch.setenv("PATCHSWAP_WARM_TRAINER", "true")
    for name in ("DATABASE", "REDIS", "OBJECTS"):  # required, and nobody's here
        monkeypatch.setenv(f"PATCHSWAP_{name}_URL", "nowhere://")
    forget_settings()
    nursery.prepare("trainer", environment())
    wait_for(lambda: nursery._running[0].is_ready, seconds=900)
    yield
    nursery.drop()
    forget_settings()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="Linux tells the threads of a process")
def test_nothing_that_is_imported_starts_a_thread_that_a_fork_would_miss(ready: None):
    names = [path.read_text().strip() for path in Path(f"/proc/{nursery._running[0].pid}/task").glob("*/comm")]
    assert sorted(set(names) - {"jemalloc_bg_thd"}) == ["python"]  # jemalloc starts its own again in a fork
    assert names.count("python") == 1


def run(folder: Path, out: Path, verb: str, *options: str, warm: bool) -> None:
    arguments = [verb, folder / "spec.json", "--pack", folder / "pack", "--out", out, *options]
    child = Child("trainer", arguments, folder=folder, warm=warm)
    last = None
    while not child.is_over:
        last = child.next_message(1) or last
    child.kill()
    assert (child.exit_code, type(last)) == (0, Done), child.last_words
    assert not warm or "RuntimeWarning" not in child.log.decode()


def test_forked_trainer_gives_the_weights_that_one_from_scratch_gives(ready: None, tmp_path: Path):
    packs.digits(tmp_path / "pack", train=48, val=20, test=30)
    write_spec(tmp_path, body(exports=[{"format": "onnx", "precision": "fp32"}]))
    outs = {warm: tmp_path / f"out-{warm}" for warm in (True, False)}
    for warm, out in outs.items():
        out.mkdir()
        run(tmp_path, out, "train", warm=warm)
    first, second = ((out / "main" / "model.safetensors").read_bytes() for out in outs.values())
    assert first == second
    run(tmp_path, outs[True], "evaluate", warm=True)
    run(tmp_path, outs[True], "export", "--export-dir", str(tmp_path / "export"), warm=True)
    assert (tmp_path / "export" / "bundle.zip").is_file()
