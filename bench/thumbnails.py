"""A page of 100 thumbnails from S3 (OpenStack Swift), by the six connections that a browser opens to a host.

Beside it, in turn: the same pictures as bare objects from the same server by signed urls: what it costs to ask it.
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
from functools import partial
from pathlib import Path
from time import perf_counter

import httpx
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
        ways = {"thumbnails": _published(api, Path(name)), "objects": _objects()}
        for way in ways.values():
            _ask(way)  # connected, imported, offsets kept
        acts: dict[str, Callable[[], float]] = {key: partial(_ask, way) for key, way in ways.items()}
        seconds = interleaved(QUICK_ROUNDS if quick else ROUNDS, acts)
    return _figures(seconds)


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


def _published(api: Api, folder: Path) -> Asked:
    """Photographs of noise and shapes, read by ingest and stored as the worker stores them."""
    from core.store import storage  # noqa: PLC0415 - once the settings are those of the bucket

    files = {f"{n % 4}/{n}.jpg": encode(drawing(n, side=SIDE_PX), "JPEG") for n in range(IMAGES)}
    (folder / "ingest").mkdir()
    result = run_ingest(zipped(files), folder / "ingest")
    if result.manifest is None:
        raise AssertionError("ingest made no pack")
    out = folder / "ingest" / "out"
    version = seed.version(api.tenant_id, result.manifest, (out / "samples.arrow").read_bytes())
    storage.put_file(f"{version.object_prefix}thumbnails.bin", out / "thumbnails.bin")
    base = f"http://127.0.0.1:{api.port}/v1/datasets/{version.dataset_id}/versions/{version.id}/samples"
    headers = {"Authorization": api.authorization}
    asked = Asked([f"{base}/{index}/thumbnail" for index in range(IMAGES)], headers)
    for index, url in enumerate(asked.urls):
        storage.put_bytes(f"bare/{index}", httpx.get(url, headers=headers, trust_env=False).raise_for_status().content)
    return asked


def _objects() -> Asked:
    from core.store import storage  # noqa: PLC0415 - as above

    return Asked([str(storage.presign("GET", f"bare/{index}")) for index in range(IMAGES)], {})


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


def _figures(seconds: dict[str, list[float]]) -> list[Figure]:
    found = {name: statistics.median(values) for name, values in seconds.items()}
    times = found["thumbnails"] / found["objects"]
    text = f"{found['thumbnails']:.2f} s ({times:.2f}x of bare objects of the same bytes: {found['objects']:.2f} s)"
    measure = f"{IMAGES} thumbnails from S3 by {CONNECTIONS} connections"
    return [Figure(measure, text, f"<= {GOAL_SECONDS:g} s", found["thumbnails"] <= GOAL_SECONDS, {"seconds": seconds})]
