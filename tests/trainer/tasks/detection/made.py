"""Packs of scenes with boxes, and specs to train on them."""

from pathlib import Path

from contract.pack.manifest import PackManifest
from contract.specs import ResolvedSpec, parse, resolve
from contract.specs.splits import SplitRequest
from tests.data import layouts, scenes
from tests.ingest.archives import zipped
from tests.ingest.packs import run_ingest
from trainer.data.pack import Pack, open_pack

SIDE = 64


def pack_of(folder: Path, *, count: int = 40, side: int = SIDE, letters: tuple[str, ...] = scenes.LETTERS) -> Pack:
    drawn = scenes.draw(count, seed=1, size=(side, side), letters=letters)
    splits = SplitRequest(val=0.15, test=0.15)
    result = run_ingest(zipped(layouts.coco(drawn, letters)), folder, task="detection", splits=splits)
    assert result.manifest is not None
    return open_pack(folder / "out")


def spec_of(manifest: PackManifest, **more: object) -> ResolvedSpec:
    body = {
        "dataset": "dsv_" + "0" * 32,
        "model": {"architecture": "fcos_resnet18_fpn", "stem": "imagenet"},
        "training": {"epochs": 2, "pairs_per_batch": 4, "augmentation": {"horizontal_flip": False}},
        "optimizer": {"name": "adamw", "learning_rate": 1e-3, "schedule": "cosine"},
        "control": False,
        "exports": [],
    }
    return resolve(parse(body | more), manifest)[0]
