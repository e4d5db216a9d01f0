"""A job in a few lines of text, with its figures as far as there are any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from patchswap.cli.output import accuracy_of, duration, metric_name, size
from patchswap.errors import sentences

if TYPE_CHECKING:
    from patchswap.resources import Job


def text(job: Job) -> str:
    """Asks the service for the figures of a job that succeeded."""
    progress = job.progress
    lines = [f"{job.id} {job.name or ''}".rstrip() + f": {job.status}" + (f", {job.phase}" if job.phase else "")]
    if not job.is_over:
        done = f"epoch {progress.epoch}/{progress.epochs}, {progress.fraction or 0:.0%}"
        lines.append(f"{done}, {duration(progress.eta_seconds)} left" if progress.eta_seconds is not None else done)
        lines += _so_far(job)
    if job.status == "queued" and job.queue and job.queue.get("position"):
        lines.append(f"number {job.queue['position']} in the queue")
    if job.error:
        lines.append(f"{job.error.get('code')}: {sentences(job.error.get('message'), job.error.get('remediation'))}")
    if job.comparison_id:
        lines.append(f"a trial of comparison {job.comparison_id}")
    if job.model_id:
        lines.append(f"model {job.model_id}")
        lines += _figures(job)
    return "\n".join(lines)


def _so_far(job: Job) -> Iterator[str]:
    if job.progress.loss is not None:
        yield f"loss {job.progress.loss:.3f}"
    if (best := job.progress.best) is not None:
        metric = metric_name(best["metric"].removeprefix("val."))
        yield f"best on validation: {metric} {best['value']:.4g} after epoch {best['epoch']}"


def _figures(job: Job) -> Iterator[str]:
    evaluation = job.evaluation()
    for arm in filter(None, (evaluation["main"], evaluation.get("control"))):
        if split := arm["splits"].get(arm["evaluation_split"]):
            on = f"{split['samples']:,} {split['split']} images{_interval(split)}"
            yield f"{arm['method']}: {accuracy_of(split)} on {on}"
    if selection := evaluation.get("selection"):
        yield str(selection["message"])
    for export in job.client.models.exports(job.model_id):
        measured = export.measured or {}
        told = [accuracy_of(measured), size(measured.get("model_bytes")), _latency(measured)]
        figures = [one for one in told if one not in (None, "-")]
        yield f"{export.format} {export.precision} {export.id}: {', '.join([export.status, *figures])}"


def _interval(split: Mapping[str, Any]) -> str:
    known = split.get("confidence_intervals", {})
    found = next((known[name] for name in ("top1_accuracy", "mean_iou", "ap") if known.get(name)), None)
    return f", 95 % CI {found[0]:.1%} to {found[1]:.1%}" if found else ""


def _latency(measured: Mapping[str, Any]) -> str | None:
    p50 = measured.get("latency_ms_p50")
    return None if p50 is None else f"{p50:.2f} ms"
