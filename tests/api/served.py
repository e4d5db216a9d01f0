"""A published model whose bundle is a real one: a small network in ONNX, with the programs every bundle carries."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from contract.specs import Constraints
from core.database.database import transaction
from core.exports import bundle_files
from core.ids import new_id
from core.store import storage
from core.tables import DatasetVersion, Export, Model
from tests.api import made
from trainer.export import formats
from trainer.export.bundle import archive

LABELS = ["plain", "stripes & dots", "ünïcode", "d", "e", "f", "g"]
HEIGHT, WIDTH = 12, 10


def rules(mode: str = "RGB") -> dict[str, Any]:
    channels = 1 if mode == "L" else 3
    return {
        "version": 1,
        "mode": mode,
        "height": HEIGHT,
        "width": WIDTH,
        "divide_by": 255,
        "mean": [0.4, 0.5, 0.6][:channels],
        "std": [0.2, 0.25, 0.3][:channels],
        "input": "image",
        "output": "logits",
    }


def network(path: Path, mode: str = "RGB", seed: int = 0) -> None:
    """Every pixel counts: one matrix from the pixels to the logits."""
    stated = rules(mode)
    inputs = len(stated["mean"]) * HEIGHT * WIDTH
    weights = np.random.default_rng(seed).standard_normal((inputs, len(LABELS))).astype(np.float32) / 8
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", len(stated["mean"]), HEIGHT, WIDTH])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(LABELS)])
    graph = helper.make_graph(nodes, "net", [image], [logits], [numpy_helper.from_array(weights, "weights")])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(proto, {"labels": json.dumps(LABELS), "preprocess": json.dumps(stated)})
    onnx.save(proto, path)


@dataclass(frozen=True)
class Served:
    model: Model
    export: Export
    folder: Path  # the bundle, unpacked


def export(
    model: Model,
    folder: Path,
    *,
    mode: str = "RGB",
    seed: int = 0,
    seal: Callable[[Path], None] = lambda _: None,
    write: Callable[..., None] = network,
    **over: Any,
) -> Served:
    """Another export of the model, stored as a worker stores it; `write` makes its file."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "net.onnx", mode, seed)
    net = {"model.onnx": (folder / "net.onnx").read_bytes()}
    carried = {entry.key: json.loads(entry.value) for entry in onnx.load(folder / "net.onnx").metadata_props}
    stated = {f"{name}.json": archive.as_json(carried[name]) for name in ("labels", "preprocess")}
    contents = stated | archive.programs(model.task, formats.choose("onnx"))
    archive.write(folder / "bundle.zip", contents, {}, model=net)
    seal(folder / "bundle.zip")
    zipfile.ZipFile(folder / "bundle.zip").extractall(folder / "unpacked")
    export_id = new_id("exp")
    stored = storage.put_file(f"exports/{export_id}/1/bundle.zip", folder / "bundle.zip")
    values = {
        "format": "onnx",
        "precision": "int8",
        "status": "succeeded",
        "members": bundle_files.members_of(folder / "bundle.zip"),
        "measured": {"top1_accuracy": 0.7, "model_bytes": len(net["model.onnx"])},
    }
    row = Export(
        id=export_id,
        tenant_id=model.tenant_id,
        model_id=model.id,
        constraints=Constraints().model_dump(),
        object_key=stored.key,
        bytes=stored.bytes,
        sha256=stored.sha256,
        **(values | over),
    )
    with transaction() as session:
        session.add(row)
    return Served(model, row, folder / "unpacked")


def published(version: DatasetVersion, folder: Path, mode: str = "RGB") -> Served:
    _, model, _ = made.published_job(version)
    return export(model, folder, mode=mode)
