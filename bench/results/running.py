"""One run, in this process: train, then measure. A trial is measured on validation only, by the trainer itself."""

import json
import shutil
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import torch

from bench.results.places import pack_folder, teacher_folder
from bench.results.protocol import Run
from bench.results.records import Figures, Record
from contract.child.messages import Arm
from contract.files import EVALUATION
from trainer import errors
from trainer.data.pack import Pack, open_pack
from trainer.evaluation import evaluate
from trainer.machine import device, stopping
from trainer.machine.stopping import StopRequest
from trainer.training.loop import train

_ARM: Arm = "main"
DIVERGED = "loss_nan"  # a result: this setting does not train


def prepare() -> None:
    """What holds for a whole worker process."""
    stopping.die_with_parent()
    torch.set_num_threads(1)
    device.choose()


def perform(run: Run, folder: Path) -> Record:
    """Train and measure a run, and keep its weights where they may be a teacher's."""
    with tempfile.TemporaryDirectory(prefix="patchswap-results-") as scratch:
        out = Path(scratch)
        started = time.process_time()
        try:
            _train(run, folder, out)
        except errors.TrainerError as error:
            if error.error.code != DIVERGED:
                raise
            return _record(run, cpu_seconds=time.process_time() - started, failure=error.error.code)
        seconds = time.process_time() - started
        record = _measured(run, folder, out, seconds)
        if run.is_control:
            _keep(run, folder, out)
        return record


def _train(run: Run, folder: Path, out: Path) -> None:
    options: dict[str, Any] = {}
    if run.teacher:
        options["teacher"] = teacher_folder(folder, run.teacher)
    stop, pack = StopRequest(), _pack(folder, run)
    for _ in train(run.spec, pack=pack, out=out, arm=_ARM, device=device.choose(), stop=stop, **options):
        pass


def _measured(run: Run, folder: Path, out: Path, seconds: float) -> Record:
    trained = json.loads((out / _ARM / "train.json").read_bytes())
    last = trained["metrics"]
    validation = Figures(top1_accuracy=last["val.top1_accuracy"], nll=last["val.nll"])
    test = None if run.is_trial else _tested(run, folder, out)
    return _record(run, cpu_seconds=seconds, images_seen=trained["images_seen"], validation=validation, test=test)


def _tested(run: Run, folder: Path, out: Path) -> Figures:
    for _ in evaluate(run.spec, pack=_pack(folder, run), out=out, arm=_ARM, device=device.choose()):
        pass
    found = json.loads((out / _ARM / EVALUATION).read_bytes())["splits"]["test"]
    return Figures(top1_accuracy=found["top1_accuracy"], nll=found["nll"], ece=found["ece"])


def _keep(run: Run, folder: Path, out: Path) -> None:
    """Whole or not at all: the folder appears under its name once all is in it."""
    kept = teacher_folder(folder, run.key)
    unfinished = kept.with_name(f".{kept.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(out / _ARM, unfinished, ignore=shutil.ignore_patterns("checkpoints"))
    shutil.rmtree(kept, ignore_errors=True)
    unfinished.rename(kept)


def _record(run: Run, **measured: Any) -> Record:
    fields: dict[str, Any] = {"images_seen": 0, "validation": None, "test": None} | measured
    return Record(
        key=run.key,
        dataset=run.dataset,
        method=run.method,
        seed=run.seed,
        settings=run.settings,
        digest=run.digest,
        **fields,
    )


def _pack(folder: Path, run: Run) -> Pack:
    return _opened(pack_folder(folder, run.dataset, run.seed), run.digest)


@cache
def _opened(folder: Path, digest: str) -> Pack:  # noqa: ARG001 - rebuilt packs are opened anew
    return open_pack(folder)
