"""One run of `bench/finetuning.py`, in this process: train, then look at validation and once at test."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from pydantic import BaseModel
from torch import nn

from bench import plain
from bench.finetuning_plan import PLAIN, Run, default, from_scratch
from bench.judged import predictions
from contract.files import WEIGHTS
from contract.pack.manifest import Split
from contract.results.evaluation import AnySplit
from contract.specs import ResolvedSpec, plan
from contract.specs.normalisation import normalisation_of
from trainer import tasks
from trainer.data.pack import Pack
from trainer.machine import device
from trainer.machine.stopping import StopRequest
from trainer.training import loop, weights
from trainer.training import run as running
from trainer.training.assignment import Assignment

ACCURACY = "top1_accuracy"
TIMED_SIDE_PX = 160
TIMED_ROUNDS, WARM_UP = 5, 1


class Record(BaseModel):
    key: str
    dataset: str
    arm: str
    seed: int
    digest: str
    epochs: int
    side_px: int
    images_seen: int
    cpu_seconds: float  # of the training alone; a busy machine stretches it less than the time by the clock
    val: float  # top-1 accuracy, 0 to 1
    test: float


class Timing(BaseModel):
    """CPU seconds of steps at 160 px, interleaved, decoding ahead included; medians over the rounds."""

    step_to_plain: float
    feed_share: float  # of a step: decoding, augmentation and normalisation
    seconds: float  # of our step
    images: int  # of a step


def perform(run: Run, pack: Pack) -> Record:
    started = time.process_time()
    model = _plain(run, pack) if run.arm == PLAIN else trained(run.spec, pack)
    seconds = time.process_time() - started
    steps = plan(run.spec, pack.manifest)
    return Record(
        key=run.key,
        dataset=run.dataset,
        arm=run.arm,
        seed=run.seed,
        digest=run.digest,
        epochs=run.spec.training.epochs,
        side_px=min(run.spec.height, run.spec.width),
        images_seen=steps.steps * steps.images_per_step,
        cpu_seconds=seconds,
        val=score(model, run.spec, pack, Split.VAL, ACCURACY),
        test=score(model, run.spec, pack, Split.TEST, ACCURACY),
    )


def timing(pack: Pack) -> Timing:
    """The default recipe's step against the plain script's, both on as many images of the same network."""
    spec = default(pack.manifest, seed=0, image_size=TIMED_SIDE_PX)
    ours = _assembled(spec, pack)
    images = ours.plan.images_per_step
    script = plain.steps(_beginning(spec, pack), _photographs(spec, pack), count=10**6, batch=images, seed=0)
    unseen = iter(range(TIMED_ROUNDS + WARM_UP, ours.plan.steps))  # steps whose images are not decoded yet
    times = _interleaved(
        {
            "ours": lambda: loop.train_step(ours),
            "plain": lambda: next(script),
            "feed": lambda: ours.feed.batch(next(unseen), ours.parts[0]),
        }
    )
    script.close()
    ratio = median(mine / theirs for mine, theirs in zip(times["ours"], times["plain"], strict=True))
    share = median(part / whole for part, whole in zip(times["feed"], times["ours"], strict=True))
    return Timing(step_to_plain=ratio, feed_share=share, seconds=median(times["ours"]), images=images)


def _interleaved(variants: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in variants}
    for index in range(TIMED_ROUNDS + WARM_UP):
        for name, work in variants.items():
            started = time.process_time()
            work()
            if index >= WARM_UP:
                times[name].append(time.process_time() - started)
    return times


def scratch_share(pack: Pack) -> float:
    """How many epochs of the recipe from scratch take as long as one of the default's: of two steps of each."""
    seconds = []
    for spec in (default(pack.manifest, seed=0), from_scratch(pack.manifest, seed=0, epochs=1)):
        run = _assembled(spec, pack)
        loop.train_step(run)
        started = time.process_time()
        loop.train_step(run)
        seconds.append((time.process_time() - started) / run.plan.images_per_step)
    return seconds[0] / seconds[1]


def _assembled(spec: ResolvedSpec, pack: Pack) -> running.Run:
    return running.assemble(Assignment(spec, pack, Path(), "main", device.choose()))


def trained(spec: ResolvedSpec, pack: Pack) -> nn.Module:
    with tempfile.TemporaryDirectory(prefix="patchswap-finetuning-") as scratch:
        out = Path(scratch)
        for _ in loop.train(spec, pack=pack, out=out, arm="main", device=device.choose(), stop=StopRequest()):
            pass
        return weights.load_model(spec, pack.manifest, out / "main" / WEIGHTS)


def _plain(run: Run, pack: Pack) -> nn.Module:
    spec, steps = run.spec, plan(run.spec, pack.manifest)
    model = _beginning(spec, pack)
    data = _photographs(spec, pack)
    for _ in plain.steps(model, data, count=steps.steps, batch=steps.images_per_step, seed=spec.seed):
        pass
    return model.eval()


def _beginning(spec: ResolvedSpec, pack: Pack) -> nn.Module:
    torch.manual_seed(spec.seed)
    network = Assignment(spec, pack, Path(), "main", device.choose()).fresh_network()
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's own annotations


def _photographs(spec: ResolvedSpec, pack: Pack) -> plain.Photographs:
    rows = pack.rows(Split.TRAIN)
    images = np.stack([pack.read(int(row), height=spec.height, width=spec.width) for row in rows])
    rule = normalisation_of(spec, pack.manifest)
    return plain.Photographs(images, pack.labels[rows], list(rule.mean), list(rule.std))


def score(model: nn.Module, spec: ResolvedSpec, pack: Pack, split: Split, figure: str) -> float:
    """A figure of the task's validation, such as top1_accuracy, on any split."""
    return tasks.choose(spec.task).validate(predictions(model, spec, pack, split))[f"val.{figure}"]


def test_figures(model: nn.Module, spec: ResolvedSpec, pack: Pack) -> AnySplit:
    """All that an evaluation says of the test images."""
    found = predictions(model, spec, pack, Split.TEST)
    return tasks.choose(spec.task).figures(found, split="test", spec=spec, manifest=pack.manifest)
