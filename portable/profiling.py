"""Measure a bundle's model file where this runs: `python -m portable.profiling BUNDLE.zip` prints one JSON object.

`{"measured": {...}}`, or `{"error": {"code", "message"}}` where the file cannot be run here. No program of the bundle
is run: the format's runtime is this installation's own. Ends as soon as its stdin does, so that it never outlives the
process that started it.
"""

import json
import math
import os
import platform
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from portable import golden, latency

RUNTIMES = Path(__file__).parent / "runtimes"
_NAMES_OF_PROCESSORS = ("model name", "Model", "Hardware")  # of x86, of boards, of older ARM kernels


def main(bundle: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="patchswap-bundle-") as scratch:
        folder = Path(scratch)
        try:
            with ZipFile(bundle) as archive:
                archive.extractall(folder)  # zipfile keeps every name below the folder
            manifest = json.loads((folder / "manifest.json").read_bytes())
            tolerances = manifest["golden"]["output_tolerance"]
        except (BadZipFile, OSError, ValueError, KeyError) as error:
            return _error("damaged_bundle", f"the bundle cannot be read: {error}")
        return _measure(folder, str(manifest["format"]), tolerances)


def _measure(folder: Path, format_name: str, tolerances: dict[str, Any]) -> dict[str, Any]:
    runtime_file = RUNTIMES / f"{format_name}_runtime.py"
    if not format_name.isidentifier() or not runtime_file.is_file():
        return _error("unknown_format", f"this installation has no runtime for {format_name!r}; install a newer one")
    try:
        runtime = latency.load(str(runtime_file))
    except ImportError as error:
        return _error("missing_dependency", f"{format_name} files need a package that is not here: {error}")
    try:
        timed = latency.time_in_turns(runtime, [folder])  # first: peak memory is read in it
        measured = golden.compare(runtime.Model(folder), folder, tolerances) | _figures(timed)
    except Exception as error:  # noqa: BLE001 - whatever a runtime raises is its finding
        return _error("runtime_failed", f"{format_name}: {type(error).__name__}: {error}")
    if not all(math.isfinite(value) for value in measured.values() if isinstance(value, float)):
        return _error("runtime_failed", f"{format_name}: outputs on this machine are not finite numbers")
    return {"measured": measured}


def _figures(timed: dict[str, Any]) -> dict[str, Any]:
    return {
        **{f"latency_ms_{name}": value for name, value in timed["latency_ms"][0].items()},
        "latency_runs": timed["runs"],
        "threads": 1,
        "peak_rss_bytes": timed["peak_rss_bytes"],
        "cpu": processor_name(),
        "runtime": timed["runtime"],
    }


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def processor_name() -> str:
    """As the kernel names it; of a board without a processor's name, the board's."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    stated = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    names = [stated[name] for name in _NAMES_OF_PROCESSORS if stated.get(name)]
    return names[0] if names else platform.processor() or platform.machine() or "unknown"


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 1):  # not sys.stdin: Python aborts where its end finds that in use
        pass
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    print(json.dumps(main(Path(sys.argv[1]))), flush=True)
