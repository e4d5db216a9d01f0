"""One run, in this process: train, then look once at the test split."""

import json
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from bench.judged import predictions
from bench.scenes.plan import Run
from bench.scenes.records import Record
from contract.child.messages import Arm
from contract.files import WEIGHTS
from contract.pack.manifest import Split
from contract.specs import ResolvedSpec
from trainer import tasks
from trainer.data.pack import Pack, open_pack
from trainer.machine import device
from trainer.machine.stopping import StopRequest
from trainer.training import weights
from trainer.training.loop import train

_ARM: Arm = "main"


def perform(run: Run, packs: Path, networks: Path) -> Record:
    """Train, the classifier first where there is one and it is not there yet, and measure.

    `packs` holds a folder for each digest; classifiers are kept in `networks`, by their key.
    """
    before = _classifier(run.classifier, packs, networks) if run.classifier else None
    pack = open_pack(packs / run.digest)
    with tempfile.TemporaryDirectory(prefix="patchswap-scenes-") as scratch:
        folder, seconds = _train(run, pack, Path(scratch), before)
        trained = json.loads((folder / "train.json").read_bytes())
        test = _figures(run.spec, pack, weights.load_model(run.spec, pack.manifest, folder / WEIGHTS))
    earlier = json.loads((before / "train.json").read_bytes()) if before else {}
    return Record(
        key=run.key,
        arm=run.arm,
        seed=run.seed,
        digest=run.digest,
        images_seen=trained["images_seen"],
        images_seen_before=earlier.get("images_seen", 0),
        cpu_seconds=seconds,
        cpu_seconds_before=float((before / "cpu_seconds").read_text()) if before else 0.0,
        test=test,
        untrained=untrained(run.spec, pack),
    )


def untrained(spec: ResolvedSpec, pack: Pack) -> dict[str, float]:
    """What the spec's network has on the test split before its first step."""
    torch.manual_seed(spec.seed)
    return _figures(spec, pack, tasks.choose(spec.task).build_model(spec, pack.manifest).eval())


def _classifier(run: Run, packs: Path, networks: Path) -> Path:
    """Its folder, which appears under its name once all is in it."""
    kept = networks / run.key
    if kept.exists():
        return kept
    with tempfile.TemporaryDirectory(prefix="patchswap-scenes-") as scratch:
        folder, seconds = _train(run, open_pack(packs / run.digest), Path(scratch), None)
        (folder / "cpu_seconds").write_text(str(seconds))
        shutil.rmtree(folder / "checkpoints")
        unfinished = Path(tempfile.mkdtemp(prefix=".", dir=networks))
        shutil.copytree(folder, unfinished, dirs_exist_ok=True)
        with suppress(OSError):  # two tasks may want the same classifier, and then it is the same
            unfinished.rename(kept)
        shutil.rmtree(unfinished, ignore_errors=True)
    return kept


def _train(run: Run, pack: Pack, out: Path, before: Path | None) -> tuple[Path, float]:
    """The folder of what was trained, and the CPU seconds it took."""
    started = time.process_time()
    options: dict[str, Any] = {"backbone": before} if before else {}
    for _ in train(run.spec, pack=pack, out=out, arm=_ARM, device=device.choose(), stop=StopRequest(), **options):
        pass
    return out / _ARM, time.process_time() - started


def _figures(spec: ResolvedSpec, pack: Pack, model: torch.nn.Module) -> dict[str, float]:
    """Of the test split, as validation has them of its own."""
    found = predictions(model, spec, pack, Split.TEST)
    values = tasks.choose(spec.task).validate(found)
    return {name.removeprefix("val."): value for name, value in values.items()}
