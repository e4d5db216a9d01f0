"""Predictions by the service beside the file alone, of one 500 px JPEG; then the memory of many.

One client and 32 that ask without a pause, and 32 that each ask once a second.

`OMP_NUM_THREADS=1 python bench/predict.py [--rounds 5] [--seconds 4] [--requests 20000]`. The file is a
MobileNetV3-small at 224 px with random weights. "Alone" is onnxruntime on pixels that are decoded already, with as many
threads as there are clients, in a process of its own; the two take turns within every round. Memory is that of the api
and of the process that forks its decoders, by the least squares over the requests.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import calls
import exported
import load
import numpy as np
import psutil
import serving
from PIL import Image, ImageFilter
from serving import Api

SIDE, JPEG_SIDE, CLASSES = 224, 500, 10
SAMPLES = 20
STATED = {"mode": "RGB", "height": SIDE, "width": SIDE, "mean": [0.5] * 3, "std": [0.25] * 3}


class Load(NamedTuple):
    clients: int
    every: float = 0.0  # seconds between two requests of one client


LOADS = Load(1), Load(32), Load(32, every=1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--alone", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        file, threads, seconds, every = arguments.alone
        print(json.dumps(_alone(Path(file), int(threads), float(seconds), float(every))))
        return
    with tempfile.TemporaryDirectory(prefix="patchswap-bench-") as name, serving.running() as api:
        network = Path(name) / "model.onnx"
        _write_network(network)
        request = _request(api, _publish(api, network, Path(name)))
        load.run(api.port, [request], seconds=10)  # opens the file and starts the decoders
        for asked in LOADS:
            seconds = max(arguments.seconds, 2 * asked.every)
            print(_compared(api, network, request, asked, arguments.rounds, seconds), flush=True)
        print(_memory(api, request, arguments.requests))


def _compared(api: Api, network: Path, request: str, asked: Load, rounds: int, seconds: float) -> str:
    clients, every = asked
    alone, service = [], []
    for _ in range(rounds):
        alone.append(_run_alone(network, clients, seconds, every))
        found = load.run(api.port, [request] * clients, seconds=seconds, every=every)
        if set(found["statuses"]) != {"200"}:
            raise AssertionError(f"answers {found['statuses']}, wanted 200 only")
        service.append(found)
    own = statistics.median(alone)
    p50, p99, rate = (statistics.median(one[key] for one in service) for key in ("p50_ms", "p99_ms", "per_second"))
    who = f"{clients} clients that ask every {every:.0f} s" if every else f"{clients} clients"
    return (
        f"{who}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, {rate:.0f} a second; the file alone p50 {own:.1f} ms; "
        f"added {p50 - own:.1f} ms"
    )


def _run_alone(network: Path, threads: int, seconds: float, every: float) -> float:
    command = [sys.executable, __file__, "--alone", *map(str, (network, threads, seconds, every))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    p50_ms: float = json.loads(done.stdout)
    return p50_ms


def _alone(file: Path, threads: int, seconds: float, every: float) -> float:
    """The median time of a run of the file, in ms. Each thread runs it again as soon as a client would ask again."""
    import onnxruntime  # noqa: PLC0415 - of this process only

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    batch = np.random.default_rng(0).random((1, 3, SIDE, SIDE), np.float32)
    taken: list[float] = []
    until = time.perf_counter() + seconds

    def repeat(place: int) -> None:
        time.sleep(every * place / threads)  # not all at once
        while (begun := time.perf_counter()) < until:
            session.run(None, {"image": batch})
            taken.append(time.perf_counter() - begun)
            time.sleep(max(0.0, every - taken[-1]))

    running = [threading.Thread(target=repeat, args=[place]) for place in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return 1e3 * statistics.median(taken)


def _memory(api: Api, request: str, requests: int) -> str:
    """Resident bytes over the requests; the first tenth is for caches and pools."""
    root = psutil.Process(api.pid)
    done, points = 0, []
    while done < requests:
        found = load.run(api.port, [request] * 8, seconds=max(1.0, requests / SAMPLES / 200))
        done += sum(found["statuses"].values())
        kept_running = [root, *root.children()]  # its decoders are children of one of these, and are gone by now
        points.append((done, sum(process.memory_info().rss for process in kept_running)))
    kept = [point for point in points if point[0] >= requests / 10]
    slope = float(np.polyfit(*zip(*kept, strict=True), 1)[0])
    first, last = points[0][1] / 2**20, points[-1][1] / 2**20
    return f"memory over {done:,} requests: {first:.1f} to {last:.1f} MiB, {slope:+.1f} bytes a request"


def _request(api: Api, export_id: str) -> str:
    """As latin-1 text, which `load` sends byte for byte."""
    model_id = json.loads(calls.call(api, "GET", f"/v1/exports/{export_id}"))["model_id"]
    body = _jpeg()
    head = [f"POST /v1/models/{model_id}/predict?export={export_id} HTTP/1.1", "Host: 127.0.0.1"]
    head += [f"Authorization: {api.authorization}", "Content-Type: image/jpeg", f"Content-Length: {len(body)}"]
    return "\r\n".join(head) + "\r\n\r\n" + body.decode("latin-1")


def _jpeg() -> bytes:
    """Blurred noise, which is as large as a photograph of its size."""
    pixels = np.random.default_rng(0).integers(0, 256, (JPEG_SIDE, JPEG_SIDE, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(2)).save(out, "JPEG", quality=90)
    return out.getvalue()


def _write_network(path: Path) -> None:
    sys.path.remove(str(Path(__file__).parent))  # bench/trainer.py is another one
    # seconds that --alone need not wait for
    from trainer.export.formats import conversion  # noqa: PLC0415
    from trainer.machine.vision import torchvision  # noqa: PLC0415

    network = torchvision.models.mobilenet_v3_small(num_classes=CLASSES).eval()
    conversion.convert(network, image_shape=(3, SIDE, SIDE), path=path)
    rules: dict[str, Any] = STATED | {"version": 1, "divide_by": 255, "input": "image", "output": "logits"}
    conversion.set_metadata(path, {"labels": [f"class {n}" for n in range(CLASSES)], "preprocess": rules})


def _publish(api: Api, network: Path, folder: Path) -> str:
    from trainer.export.bundle import archive  # noqa: PLC0415

    bundle = folder / "bundle.zip"
    archive.write(bundle, {}, {}, model={"model.onnx": network.read_bytes()})
    return exported.publish(api, bundle)


if __name__ == "__main__":
    main()
