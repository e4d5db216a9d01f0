"""The trainer's published figures, each a ratio measured in one run with its variants interleaved.

`python bench/trainer.py [--json FILE]` prints a table in Markdown. What is compared alternates within every round, so a
noisy machine disturbs both sides; medians are over the rounds. The swap is timed on one thread, training on all.
"""

# ruff: noqa: E402 - imports follow the repaired path

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

# A script's own folder comes first on the path, where `trainer` would be this file.
sys.path[0] = str(Path(__file__).parents[1])

import numpy as np
import torch

from bench import straightforward
from bench.figures import processor
from contract.pack.manifest import Split
from contract.specs import PatchSwapSpec, Plan, parse, resolve
from tests.data import packs
from trainer import models
from trainer.data import sampling
from trainer.data.pack import Pack, open_pack
from trainer.machine import device
from trainer.methods.method import Draw
from trainer.tasks.classification.methods.patch_swap import PatchSwap
from trainer.training import loop, run
from trainer.training.assignment import Assignment

Row = tuple[str, str, str, str]  # what, measured, goal, reached
SWAP_CASES = ((32, 8, 256), (32, 4, 256), (224, 32, 64), (224, 16, 64))  # side, patch, images
SWAP_ROUNDS = 200
STEP_ROUNDS = 40
PAIRS = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    chosen = device.choose()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows = [row for case in SWAP_CASES for row in swap_rows(*case)] + [pairing_row()]
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        packs.shapes(Path(folder), counts=(2048, 0, 8))
        pack = open_pack(Path(folder))
        rows += step_rows(pack, chosen)
        rows.append(script_row(pack, chosen))
        rows.append(checkpoint_row(pack, chosen, Path(folder) / "out"))
    print(as_markdown(rows, threads))
    if arguments.json:
        figures = [dict(zip(("what", "measured", "goal", "reached"), row, strict=True)) for row in rows]
        arguments.json.write_text(json.dumps({"machine": machine(threads), "figures": figures}, indent=2))


def swap_rows(side: int, patch: int, images: int) -> list[Row]:
    """Drawing and swapping patches in uint8 with the default settings, against a float copy and against loops."""
    random = np.random.default_rng(0)
    batch = torch.from_numpy(random.integers(0, 256, (images, 3, side, side), dtype=np.uint8))
    floats = batch.float()
    target = torch.empty_like(floats)
    objective = PatchSwap(PatchSwapSpec(patch_size=patch))
    loop_batch = batch.clone()
    rounds = SWAP_ROUNDS if side == 32 else SWAP_ROUNDS // 4
    draw = Draw(random, images // 2, slice(None), progress=0.0)
    swap, copy = lambda: objective.prepare(batch, None, draw), lambda: target.copy_(floats)
    beside_copy = interleaved({"swap": swap, "copy": copy}, rounds=rounds)
    beside_loop = interleaved({"swap": swap, "loop": lambda: loop_swap(loop_batch, patch, random)}, rounds=rounds // 10)
    to_copy = median(beside_copy["swap"]) / median(beside_copy["copy"])
    to_loop = median(beside_loop["loop"]) / median(beside_loop["swap"])
    each = ", ".join(f"{name} {median(values) / images * 1e9:,.0f}" for name, values in beside_copy.items())
    case, limit = f"{side} px, patch {patch}", 2.0 if side == 32 else 1.0
    found = [judged(f"swap / float copy, {case} (ns an image: {each})", to_copy, limit, at_most=True)]
    if (side, patch) == (32, 4):
        found.append(judged(f"patch loop / swap, {case}", to_loop, 60.0, at_most=False))
    return found


def loop_swap(images: torch.Tensor, patch: int, random: np.random.Generator) -> None:
    """The swap as a script would write it: for each pair, for each chosen patch."""
    first, second = images.chunk(2)
    columns = images.shape[-1] // patch
    patches = columns * (images.shape[-2] // patch)
    for a, b in zip(first, second, strict=True):
        if random.random() >= PatchSwapSpec().swap_probability:
            continue
        for index in random.permutation(patches)[: random.integers(1, patches)]:
            top, left = divmod(int(index), columns)
            window = (slice(None), slice(top * patch, (top + 1) * patch), slice(left * patch, (left + 1) * patch))
            kept = a[window].clone()
            a[window] = b[window]
            b[window] = kept


def pairing_row() -> Row:
    """An epoch's order and same-class partners of a million images in a thousand classes."""
    labels = np.random.default_rng(0).integers(0, 1000, 1_000_000)
    plan = Plan(groups=128, members=2, steps_per_epoch=len(labels) // 128, epochs=10)
    sampler = sampling.Sampler(seed=0, plan=plan, method=PatchSwapSpec(), index=sampling.ClassIndex.of(labels))
    milliseconds = []
    for epoch in range(7):
        start = time.thread_time()  # one thread's own, so that what else the machine does is left out
        sampler.epoch(epoch)
        milliseconds.append((time.thread_time() - start) * 1e3)
    what = "order and same-class partners of an epoch of 1e6 images, ms of CPU time"
    return judged(what, median(milliseconds), 150.0, at_most=True)


def step_rows(pack: Pack, chosen: torch.device) -> list[Row]:
    """ResNet-20 at 32 px: patch swap on n pairs against plain training on 2n images, and what the input costs."""
    runs = {name: assemble(pack, name, chosen) for name in ("patch_swap", "cross_entropy")}
    swapping, step = runs["patch_swap"], iter(range(10**9))
    times = interleaved(
        {
            "patch_swap": lambda: finished(swapping),
            "cross_entropy": lambda: finished(runs["cross_entropy"]),
            "input": lambda: swapping.feed.batch(next(step) % 30, swapping.parts[0]),
        },
        rounds=STEP_ROUNDS,
    )
    ratio = median(ours / plain for ours, plain in zip(times["patch_swap"], times["cross_entropy"], strict=True))
    share = median(part / whole for part, whole in zip(times["input"], times["patch_swap"], strict=True))
    rates = ", ".join(f"{name} {2 * PAIRS / median(times[name]):,.0f}" for name in runs)
    return [
        judged(
            f"step on {PAIRS} pairs / plain step on {2 * PAIRS} images (images/s: {rates})", ratio, 1.03, at_most=True
        ),
        judged("input pipeline / step, ResNet-20, 32 px", share, 0.05, at_most=True),
    ]


def script_row(pack: Pack, chosen: torch.device) -> Row:
    """The trainer's rate against that of a straightforward script: ResNet-20 at 32 px, as many images a step."""
    ours = assemble(pack, "patch_swap", chosen)
    rows = pack.rows(Split.TRAIN)
    images = np.concatenate(list(pack.raw_chunks()))[rows]
    manifest = pack.manifest
    model = models.build(ours.spec.model, num_classes=len(manifest.classes), channels=manifest.channels).train()
    theirs = straightforward.steps(
        model,
        straightforward.Pairs(images, pack.labels[rows], manifest.mean, manifest.std),
        pairs=PAIRS,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4),
    )
    times = interleaved({"trainer": lambda: finished(ours), "script": lambda: next(theirs)}, rounds=STEP_ROUNDS)
    theirs.close()
    rates = ", ".join(f"{name} {2 * PAIRS / (sum(values) / len(values)):,.0f}" for name, values in times.items())
    # Means, not medians: a loader that falls behind is slow in some steps only.
    ratio = sum(times["script"]) / sum(times["trainer"])
    return judged(f"images/s, trainer / straightforward script ({rates})", ratio, 1.3, at_most=False)


def checkpoint_row(pack: Pack, chosen: torch.device, out: Path) -> Row:
    """What saving costs of the minute between two checkpoints: ResNet-18, 11 million parameters and their momenta."""
    one = assemble(pack, "patch_swap", chosen, architecture="resnet18")
    one.out = out
    finished(one)
    seconds = []
    for _ in range(7):
        start = time.perf_counter()
        run.save(one)
        seconds.append(time.perf_counter() - start)
    every = one.spec.training.checkpoint_every_seconds
    what = f"a checkpoint of ResNet-18 ({median(seconds):.2f} s) / {every:g} s between two"
    return judged(what, median(seconds) / every, 0.01, at_most=True)


def assemble(pack: Pack, method: str, chosen: torch.device, architecture: str = "resnet20") -> run.Run:
    training_part = {"epochs": 100, "pairs_per_batch": PAIRS}
    body = {
        "dataset": "x",
        "model": {"architecture": architecture},
        "method": {"name": method},
        "training": training_part,
    }
    spec = resolve(parse(body), pack.manifest)[0]
    return run.assemble(Assignment(spec, pack, Path(), "main", chosen))


def finished(one: run.Run) -> None:
    loop.train_step(one)
    if one.device.type == "cuda":
        torch.cuda.synchronize()


def interleaved(variants: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, list[float]]:
    """Seconds of each variant in each round; the order turns from round to round, and two rounds warm up."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    names = list(variants)
    for index in range(rounds + 2):
        for name in names[index % len(names) :] + names[: index % len(names)]:
            start = time.perf_counter()
            variants[name]()
            if index >= 2:
                times[name].append(time.perf_counter() - start)
    return times


def judged(what: str, value: float, limit: float, *, at_most: bool) -> Row:
    reached = value <= limit if at_most else value >= limit
    return what, f"{value:,.3g}", f"{'<=' if at_most else '>='} {limit:g}", "yes" if reached else "no"


def as_markdown(rows: list[Row], threads: int) -> str:
    lines = [machine(threads), "", "| figure | measured | goal | reached |", "| --- | --- | --- | --- |"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def machine(threads: int) -> str:
    accelerator = torch.cuda.get_device_name() if torch.cuda.is_available() else "no CUDA device"
    versions = f"torch {torch.__version__}, Python {platform.python_version()}"
    return f"{processor()}, {threads} threads for training, {accelerator}, {versions}"


if __name__ == "__main__":
    main()
