"""The demo's table, from what the service answered."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from patchswap.cli.output import size, table
from patchswap.demo import verdict
from patchswap.demo.verdict import Figures
from patchswap.resources import Export

WIDTH = 78


def setting(spec: Mapping[str, Any], evaluation: Mapping[str, Any], *, train_per_class: int) -> str:
    """What was trained on what; the same for both arms and every seed."""
    samples = Figures.of(evaluation["main"]).samples
    training, method = spec["training"], spec["method"]
    told = (
        f"scikit-learn's digits, {spec['height']} x {spec['width']} px, {train_per_class} training images a class, "
        f"{samples:,} test images. {spec['model']['architecture']}, {training['epochs']} epochs, "
        f"{2 * training['pairs_per_batch']} images a step for both. Patch swap: patches of {method['patch_size']} px, "
        f"temperature {method['temperature']:g}, weight of the KL term {method['kd_weight']:g}."
    )
    return textwrap.fill(told, WIDTH)


def methods(runs: Mapping[int, Mapping[str, Any]]) -> str:
    """Control against patch swap; `runs` has the evaluation of each seed's job."""
    arms = {
        "control (cross-entropy)": [Figures.of(found["control"]) for found in runs.values()],
        "patch swap": [Figures.of(found["main"]) for found in runs.values()],
    }
    rows = []
    for name, figures in arms.items():
        rows += [_row(name, str(seed), one) for seed, one in zip(runs, figures, strict=True)]
        if len(figures) > 1:
            rows.append(_mean_row(name, figures))
    headings = ("METHOD", "SEED", "TOP-1 %", "95 % INTERVAL", "ECE %", "IMAGES SEEN")
    comparison = verdict.compare(*arms.values())
    return f"{table(headings, rows)}\n\n{textwrap.fill(verdict.sentence(comparison), WIDTH)}"


def files(exports: Sequence[Export]) -> str:
    """The exported files, as measured on the files themselves."""
    rows = []
    for export in exports:
        measured = export.measured or {}
        rows.append(
            (
                f"ONNX {export.precision}",
                export.status,
                f"{measured['model_bytes']:,}",
                f"{100 * measured['top1_accuracy']:.2f}",
                f"{measured['drop_points']:.2f}",
                f"{measured['latency_ms_p50']:.3f}",
            )
        )
    return table(("FILE", "STATUS", "BYTES", "TOP-1 %", "DROP POINTS", "MS, 1 THREAD, P50"), rows)


def ratio(exports: Sequence[Export]) -> str:
    """What int8 bought, in one sentence; a file may be smaller and slower."""
    found = {export.precision: export.measured or {} for export in exports}
    fp32, int8 = found["fp32"], found["int8"]
    smaller = int8["model_bytes"] / fp32["model_bytes"]
    time = int8["latency_ms_p50"] / fp32["latency_ms_p50"]
    speed = f"is {1 / time:.1f} times as fast" if time < 1 else f"takes {time:.1f} times as long"
    whole = size(fp32["model_bytes"])
    return f"The int8 file has {smaller:.0%} of the fp32 file's {whole} and {speed}, one image on one thread."


def _row(name: str, seed: str, one: Figures) -> tuple[str, ...]:
    low, high = one.interval
    interval = f"{100 * low:.1f} .. {100 * high:.1f}"
    return name, seed, f"{100 * one.top1_accuracy:.2f}", interval, f"{100 * one.ece:.1f}", f"{one.images_seen:,}"


def _mean_row(name: str, figures: Sequence[Figures]) -> tuple[str, ...]:
    accuracy = mean(one.top1_accuracy for one in figures)
    return name, "mean", f"{100 * accuracy:.2f}", "", f"{100 * mean(one.ece for one in figures):.1f}", ""
