"""`patchswap datasets push --dry-run`: what ingest would say of a folder or archive, found out on this machine.

Nothing is sent or stored. Ingest is a program of the service: where that is not installed, the error says what to do.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from patchswap import archive
from patchswap.errors import BadInput
from patchswap.local import service
from patchswap.resources import ValidationReport

_READY, _INVALID, _USAGE = 0, 3, 2  # exit statuses of ingest
_NEEDS = (sys.executable, "-P", "-c", "import ingest.ingestion")


def check(
    path: Path | str,
    *,
    task: str = "classification",
    splits: Mapping[str, Any] | None = None,
    reading: Mapping[str, Any] | None = None,
) -> ValidationReport:
    """The report that a push would give. Raises BadInput where the service's reader is not installed."""
    path = Path(path)
    if not path.exists():
        raise BadInput(f"There is no file or folder {path}.")
    environment = service.variables(os.environ)
    if subprocess.run(_NEEDS, check=False, capture_output=True, env=environment).returncode:
        raise BadInput("A dry run needs the service's reader on this machine. Run `pip install 'patchswap[worker]'`.")
    with tempfile.TemporaryDirectory(prefix="patchswap-") as folder:
        source = path
        if path.is_dir():
            source = Path(folder) / "images.zip"
            archive.zip_folder(path, source)
        else:
            archive.media_type(path)
        out = Path(folder) / "out"
        options = ["--task", task]
        for name, value in (("--splits", splits), ("--reading", reading)):
            options += [name, json.dumps(dict(value))] if value else []
        command = service.command("ingest", str(source), str(out), *options)
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        if done.returncode == _USAGE:  # argparse: `... error: argument --splits: /splits/val: must be ...`
            raise BadInput(_last_words(done).rpartition(": argument --")[2].partition(": ")[2])
        if done.returncode not in {_READY, _INVALID} or not (out / "report.json").is_file():
            raise BadInput(f"The dry run could not be finished: {_last_words(done)}.")
        return ValidationReport.model_validate_json((out / "report.json").read_bytes())


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    lines = [*done.stdout.splitlines(), *done.stderr.splitlines()]
    for line in reversed(lines):
        try:
            return str(json.loads(line)["error"]["message"])
        except (ValueError, KeyError, TypeError):
            continue
    return lines[-1] if lines else f"it ended with status {done.returncode}"
