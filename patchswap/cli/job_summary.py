"""A job in a few lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchswap.cli.output import duration
from patchswap.errors import sentences

if TYPE_CHECKING:
    from patchswap.resources import Job


def text(job: Job) -> str:
    progress = job.progress
    lines = [f"{job.id} {job.name or ''}".rstrip() + f": {job.status}" + (f", {job.phase}" if job.phase else "")]
    if not job.is_over:
        done = f"epoch {progress.epoch}/{progress.epochs}, {progress.fraction or 0:.0%}"
        lines.append(f"{done}, {duration(progress.eta_seconds)} left" if progress.eta_seconds is not None else done)
    if job.status == "queued" and job.queue and job.queue.get("position"):
        lines.append(f"number {job.queue['position']} in the queue")
    if job.error:
        lines.append(f"{job.error.get('code')}: {sentences(job.error.get('message'), job.error.get('remediation'))}")
    if job.comparison_id:
        lines.append(f"a trial of comparison {job.comparison_id}")
    if job.model_id:
        lines.append(f"model {job.model_id}")
        if published := _published(job):
            lines.append(published)
    return "\n".join(lines)


def _published(job: Job) -> str | None:
    """Which of two networks it is, where a control was trained."""
    if not job.spec.get("control"):
        return None
    selection = job.evaluation().get("selection")
    return selection["message"] if selection else None
