"""A page of 100 thumbnails from S3 (OpenStack Swift), by the six connections that a browser opens to a host.

Of a version that nobody has looked at: the api keeps thumbnails that it read. Beside it, in turn: the same pictures as
bare objects from the same server by signed urls: what it costs to ask it. Seconds of a processor are those of the api.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import httpx
import psutil
import serving
from figures import Figure, interleaved
from serving import Api

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.ingest.archives import zipped
from tests.ingest.inspection.test_inspection import drawing, encode
from tests.ingest.packs import run_ingest
from tests.servers.swift import SwiftServer
from tests.worker import seed

IMAGES, SIDE_PX = 100, 640
CONNECTIONS = 6
ROUNDS, QUICK_ROUNDS = 7, 1
GOAL_SECONDS = 1.0


@dataclass(frozen=True)
class Asked:
    """Urls that answer with the same pictures, and what has to be sent along."""

    urls: list[str]
    headers: dict[str, str]


def measure(*, quick: bool) -> list[Figure]:
    with (
        tempfile.TemporaryDirectory(prefix="patchswap-bench-") as name,
        _bucket(Path(name)) as variables,
        serving.running(variables) as api,
    ):
        rounds = QUICK_ROUNDS if quick else ROUNDS
        first, *pages = _published(api, Path(name), rounds + 1)
        objects, page, busy = _objects(first), iter(pages), list[float]()
        for way in (first, objects):
            _ask(way)  # connected, imported
        acts: dict[str, Callable[[], float]] = {
            "thumbnails": lambda: _busy(api, lambda: _ask(next(page)), busy),
            "objects": lambda: _ask(objects),
        }
        seconds = interleaved(rounds, acts)
    return _figures(seconds, busy)


@contextmanager
def _bucket(folder: Path) -> Iterator[dict[str, str]]:
    """Settings of a bucket on a server of its own."""
    (folder / "swift").mkdir()
    server = SwiftServer(folder / "swift")
    server.start()
    try:
        server.create_bucket("bench")
        yield server.access.environment() | {"PATCHSWAP_OBJECTS_URL": "s3://bench/objects"}
    finally:
        server.stop()


def _published(api: Api, folder: Path, times: int) -> list[Asked]:
    """Photographs of noise and shapes, read by ingest and stored as the worker stores them, once for each version."""
    from core.store import storage  # noqa: PLC0415 - once the settings are those of the bucket

    files = {f"{n % 4}/{n}.jpg": encode(drawing(n, side=SIDE_PX), "JPEG") for n in range(IMAGES)}
    (folder / "ingest").mkdir()
    result = run_ingest(zipped(files), folder / "ingest")
    if result.manifest is None:
        raise AssertionError("ingest made no pack")
    out = folder / "ingest" / "out"
    asked = []
    for _ in range(times):
        version = seed.version(api.tenant_id, result.manifest, (out / "samples.arrow").read_bytes())
        storage.put_file(f"{version.object_prefix}thumbnails.bin", out / "thumbnails.bin")
        base = f"http://127.0.0.1:{api.port}/v1/datasets/{version.dataset_id}/versions/{version.id}/samples"
        urls = [f"{base}/{index}/thumbnail" for index in range(IMAGES)]
        asked.append(Asked(urls, {"Authorization": api.authorization}))
    return asked


def _objects(pages: Asked) -> Asked:
    from core.store import storage  # noqa: PLC0415 - as above

    for index, url in enumerate(pages.urls):
        content = httpx.get(url, headers=pages.headers, trust_env=False).raise_for_status().content
        storage.put_bytes(f"bare/{index}", content)
    return Asked([str(storage.presign("GET", f"bare/{index}")) for index in range(IMAGES)], {})


def _busy(api: Api, act: Callable[[], float], busy: list[float]) -> float:
    """Notes how long the api's processor works, too."""
    process = psutil.Process(api.pid)
    before = sum(process.cpu_times()[:2])
    seconds = act()
    busy.append(sum(process.cpu_times()[:2]) - before)
    return seconds


def _ask(asked: Asked) -> float:
    """Seconds from the first request to the last answer."""
    local = threading.local()

    def get(url: str) -> None:
        if not hasattr(local, "client"):
            local.client = httpx.Client(trust_env=False, timeout=60, headers=asked.headers)
        local.client.get(url).raise_for_status()

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        started = perf_counter()
        list(pool.map(get, asked.urls))
        return perf_counter() - started


def _figures(seconds: dict[str, list[float]], busy: list[float]) -> list[Figure]:
    found = {name: statistics.median(values) for name, values in seconds.items()}
    times = found["thumbnails"] / found["objects"]
    text = f"{found['thumbnails']:.2f} s ({times:.2f}x of bare objects of the same bytes: {found['objects']:.2f} s); "
    text += f"{statistics.median(busy):.2f} s of a processor"
    measure = f"{IMAGES} thumbnails from S3 by {CONNECTIONS} connections"
    return [
        Figure(
            measure,
            text,
            f"<= {GOAL_SECONDS:g} s",
            found["thumbnails"] <= GOAL_SECONDS,
            {"seconds": seconds, "busy": busy},
        )
    ]
