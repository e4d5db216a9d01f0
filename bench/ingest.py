"""Ingest of many small images: seconds, images/s and the memory of the whole process tree.

`python bench/ingest.py [--images 100000] [--side 32]` writes a zip of random PNGs and runs `python -m ingest`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

CLASSES = 100


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--side", type=int, default=32)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "images.zip"
        write_zip(archive, images=asked.images, side=asked.side)
        seconds, peak_bytes = measured(archive, Path(folder) / "pack")
        report = json.loads((Path(folder) / "pack" / "report.json").read_text())
    figures = {
        "images": report["accepted"],
        "status": report["status"],
        "seconds": round(seconds, 1),
        "images_per_second": round(report["accepted"] / seconds),
        "peak_rss_mib": round(peak_bytes / 2**20),
    }
    print(json.dumps(figures))


def write_zip(path: Path, *, images: int, side: int) -> None:
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(images):
            file = BytesIO()
            pixels = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(file, "PNG", compress_level=1)
            archive.writestr(f"train/class_{number % CLASSES:03}/{number:06}.png", file.getvalue())


def measured(archive: Path, out: Path) -> tuple[float, int]:
    """Seconds, and the largest resident set of the process and its children, looked at 20 times a second."""
    start = time.monotonic()
    command = [sys.executable, "-m", "ingest", str(archive), str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, tree_bytes(process.pid))
        time.sleep(0.05)
    return time.monotonic() - start, peak


def tree_bytes(pid: int) -> int:
    total = 0
    try:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            total += process.memory_info().rss
    except psutil.NoSuchProcess:
        return total
    return total


if __name__ == "__main__":
    main()
