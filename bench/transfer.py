"""A 500 MB upload and download through the api against `cp` of the same file on the same disk, and the api's memory.

Nothing here syncs, neither `cp` nor the local object store; what is dirty is written out between two measurements. The
file is in the page cache for all of them.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import calls
import exported
import psutil
import serving
from figures import Figure, interleaved
from serving import Api

BYTES, QUICK_BYTES = 500_000_000, 20_000_000
ROUNDS, QUICK_ROUNDS = 5, 1
GOAL = 0.25
MEMORY_GOAL_MB = 16
CHUNK_BYTES = 2**20
SAMPLE_SECONDS = 0.02


@dataclass
class Bench:
    """One api, the file on its disk, and by how much one transfer of each kind let its memory grow, at the most."""

    api: Api
    file: Path
    export_path: str = ""
    memory_before: int = 0  # the first large transfer
    memory_peak: int = 0
    grown_mb: dict[str, float] = field(default_factory=dict)
    parts_seconds: list[float] = field(default_factory=list)


def measure(*, quick: bool) -> list[Figure]:
    size, rounds = (QUICK_BYTES, QUICK_ROUNDS) if quick else (BYTES, ROUNDS)
    with tempfile.TemporaryDirectory(prefix="patchswap-bench-") as name, serving.running() as api:
        file = Path(name) / "upload"
        _write_random(file, 2**20)
        bench = Bench(api, file)
        _upload(bench)  # a small one first: it imports and connects
        bench.parts_seconds.clear()
        bench.grown_mb.clear()
        bench.memory_before = psutil.Process(api.pid).memory_info().rss
        _write_random(file, size)
        bench.export_path = f"/v1/exports/{exported.publish(api, file)}/download"
        seconds = interleaved(
            rounds,
            {"cp": partial(_cp, bench), "upload": partial(_upload, bench), "download": partial(_download, bench)},
        )
    return _figures(bench, seconds, size)


def _cp(bench: Bench) -> float:
    copy = bench.file.with_name("copy")
    os.sync()
    started = time.perf_counter()
    subprocess.run(["cp", bench.file, copy], check=True)
    seconds = time.perf_counter() - started
    copy.unlink()
    return seconds


def _upload(bench: Bench) -> float:
    """From the request for an upload to its verified end. The client's own hashing comes before and is not in it."""
    with bench.file.open("r+b") as file:  # other bytes, or the api would recognise the file
        file.write(uuid.uuid4().bytes)
    with bench.file.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    body = {"bytes": bench.file.stat().st_size, "sha256": sha256, "media_type": "application/zip"}
    os.sync()
    with _watched(bench, "upload"):
        started = time.perf_counter()
        upload = calls.post(bench.api, "/v1/uploads", body)
        bench.parts_seconds.append(_put_parts(bench, upload))
        answer = calls.post(bench.api, f"/v1/uploads/{upload['id']}/complete", {})
        seconds = time.perf_counter() - started
    if answer["status"] != "complete":
        raise AssertionError(f"the upload is {answer['status']}")
    calls.call(bench.api, "DELETE", f"/v1/uploads/{upload['id']}")
    return seconds


def _put_parts(bench: Bench, upload: dict[str, Any]) -> float:
    started = time.perf_counter()
    connection = calls.connect(bench.api)
    with bench.file.open("rb") as file:
        for part in upload["parts"]:
            length = min(upload["part_size"], bench.file.stat().st_size - file.tell())
            path = part["url"].split(str(bench.api.port), 1)[-1]
            headers = {"Authorization": bench.api.authorization, "Content-Length": str(length), **part["headers"]}
            connection.request("PUT", path, body=_stretch(file, length), headers=headers)
            calls.read(connection.getresponse())
    connection.close()
    return time.perf_counter() - started


def _download(bench: Bench) -> float:
    target = bench.file.with_name("download")
    os.sync()
    with _watched(bench, "download"):
        started = time.perf_counter()
        connection = calls.connect(bench.api)
        connection.request("GET", bench.export_path, headers={"Authorization": bench.api.authorization})
        answer = connection.getresponse()
        with target.open("wb") as file:
            while chunk := answer.read(CHUNK_BYTES):
                file.write(chunk)
        seconds = time.perf_counter() - started
        connection.close()
    received = target.stat().st_size
    target.unlink()
    if answer.status != 200 or received != bench.file.stat().st_size:
        raise AssertionError(f"the download answered {answer.status} with {received} bytes")
    return seconds


@contextmanager
def _watched(bench: Bench, kind: str) -> Iterator[None]:
    """Note by how much the api's resident memory grew meanwhile, at the most."""
    process, over = psutil.Process(bench.api.pid), threading.Event()
    before = process.memory_info().rss
    peak = before

    def watch() -> None:
        nonlocal peak
        while not over.wait(SAMPLE_SECONDS):
            peak = max(peak, process.memory_info().rss)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        bench.grown_mb[kind] = max(bench.grown_mb.get(kind, 0.0), (peak - before) / 1e6)
        bench.memory_peak = max(bench.memory_peak, peak)


def _stretch(file: BinaryIO, length: int) -> Iterator[bytes]:
    left = length
    while left and (chunk := file.read(min(CHUNK_BYTES, left))):
        left -= len(chunk)
        yield chunk


def _write_random(file: Path, size: int) -> None:
    with file.open("wb") as out:
        for start in range(0, size, CHUNK_BYTES):
            out.write(os.urandom(min(CHUNK_BYTES, size - start)))


def _figures(bench: Bench, seconds: dict[str, list[float]], size: int) -> list[Figure]:
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    rates = {name: size / 1e6 / value for name, value in medians.items()}
    parts = statistics.median(bench.parts_seconds)
    megabytes = size // 10**6
    found = []
    for kind, goal in (("upload", GOAL), ("download", None)):
        ratio = medians["cp"] / medians[kind]
        detail = f"; its parts alone {parts:.2f} s, the rest is the check of its sha256" if kind == "upload" else ""
        found.append(
            Figure(
                f"{kind} of {megabytes} MB against cp",
                f"{ratio:.2f}x ({rates[kind]:,.0f} against {rates['cp']:,.0f} MB/s{detail})",
                "" if goal is None else f">= {goal:g}x",
                None if goal is None else ratio >= goal,
                {"seconds": seconds[kind], "cp_seconds": seconds["cp"]},
            )
        )
    found += [_memory(kind, grown, megabytes) for kind, grown in bench.grown_mb.items()]
    in_all = (bench.memory_peak - bench.memory_before) / 1e6
    times = sum(len(seconds[kind]) for kind in bench.grown_mb)
    return [
        *found,
        Figure(f"the same over all {times} of them", f"{in_all:.1f} MB", values={"megabytes": in_all}),
    ]


def _memory(kind: str, grown_mb: float, megabytes: int) -> Figure:
    return Figure(
        f"growth of the api's memory in {'an' if kind == 'upload' else 'a'} {kind} of {megabytes} MB",
        f"{grown_mb:.1f} MB",
        f"< {MEMORY_GOAL_MB} MB",
        grown_mb < MEMORY_GOAL_MB,
        {"megabytes": grown_mb},
    )
