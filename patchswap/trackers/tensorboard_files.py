"""A run as an event file of TensorBoard, by tensorboardX."""

from __future__ import annotations

import re
from pathlib import Path

from patchswap.trackers.run import Run

SUFFIX = ".patchswap"  # of the files that are ours to replace


def write(run: Run, folder: Path) -> Path:
    """The folder of the run below `folder`. A run that was written there before is replaced."""
    from tensorboardX import SummaryWriter  # noqa: PLC0415 - an extra
    from tensorboardX.summary import hparams  # noqa: PLC0415 - an extra

    place = folder / _folder_name(run)
    for before in place.glob(f"events.out.tfevents.*{SUFFIX}"):  # the new file may get the very name of an old one
        before.unlink()
    figures = {_tag(name): value for name, value in run.figures.items()}
    with SummaryWriter(str(place), filename_suffix=SUFFIX) as writer:
        for summary in hparams(dict(run.settings), figures):
            writer.file_writer.add_summary(summary, walltime=run.started_at)
        writer.add_text("job", _facts(run), walltime=run.started_at)
        for name, points in run.curves.items():
            for point in points:
                writer.add_scalar(_tag(name), point.value, point.step, walltime=point.at)
        for tag, value in figures.items():
            writer.add_scalar(tag, value, run.last_step, walltime=run.ended_at)
    return place


def _folder_name(run: Run) -> str:
    """TensorBoard shows it as the run's name."""
    name = re.sub(r"[^\w.@-]+", "-", run.name).strip(".-")
    return run.job_id if name in {"", run.job_id} else f"{name}-{run.job_id}"


def _tag(name: str) -> str:
    """TensorBoard groups charts by what stands before a slash."""
    return name.replace(".", "/", 1)


def _facts(run: Run) -> str:
    """Markdown."""
    rows = "".join(f"| {name} | {value.replace('|', '&#124;')} |\n" for name, value in run.facts.items())
    return f"[{run.job_id}]({run.url}): {run.status}\n\n| | |\n|---|---|\n{rows}"
