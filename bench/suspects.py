"""docs/datasets.md's figures of suspected wrong labels: how many of labels that were made wrong are found.

`python -m bench.suspects --data FOLDER` takes FOLDER/clothing.zip (clothing-dataset-small, CC0), moves 5 % of each
split's images into the folder of another class, trains the default recipe for a few epochs on one thread and holds the
suspects against what was moved. `--untouched` moves nothing and prints the first suspects, for somebody to look at.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import torch
from pydantic import BaseModel

from bench.finetuning_plan import default, packed
from contract.files import EVALUATION
from contract.pack.manifest import PackManifest
from contract.results.evaluation import Evaluation, SuspectedLabel, SuspectedLabels
from contract.specs import ResolvedSpec
from trainer import evaluation
from trainer.data.pack import open_pack
from trainer.machine.stopping import StopRequest
from trainer.training import loop

ARCHIVE = "clothing.zip"
SHARE = 0.05  # of the images of each split
SHOWN = 20
CPU = torch.device("cpu")


class Found(BaseModel):
    """Of one list of suspects."""

    images: int
    planted: int
    suspects: int
    precision_at_20: float  # share of the first 20 that were made wrong
    recall: float  # share of what was made wrong that is among the suspects


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--side", type=int, default=128, metavar="PX")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--untouched", action="store_true", help="plant nothing; print the first suspects")
    asked = parser.parse_args()
    archive = asked.data / ARCHIVE
    if not archive.is_file():
        print(f"skipped: there is no {archive}")
        return
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        copy = folder / ARCHIVE
        planted = plant(archive, copy, share=0 if asked.untouched else SHARE, seed=asked.seed)
        manifest = packed(copy, folder / "pack")
        spec = default(manifest, seed=asked.seed, epochs=asked.epochs, image_size=asked.side)
        trained = train(spec, folder)
    report(trained, planted, manifest, untouched=asked.untouched)


def plant(archive: Path, copy: Path, *, share: float, seed: int) -> set[str]:
    """Copy an archive of SPLIT/CLASS/FILE, a share of each split's files in another class; gives their new paths."""
    random, moved = np.random.default_rng(seed), dict[str, str]()
    with ZipFile(archive) as source, ZipFile(copy, "w") as target:
        names = sorted(info.filename for info in source.infolist() if not info.is_dir())
        classes = sorted({name.split("/")[-2] for name in names})
        for split in sorted({name.split("/")[-3] for name in names}):
            own = [name for name in names if name.split("/")[-3] == split]
            for at in random.choice(len(own), round(share * len(own)), replace=False):
                *above, label, file = own[int(at)].split("/")
                other = str(random.choice([name for name in classes if name != label]))
                moved[own[int(at)]] = "/".join([*above, other, file])
        for name in names:
            target.writestr(moved.get(name, name), source.read(name))
    return set(moved.values())


def train(spec: ResolvedSpec, folder: Path) -> Evaluation:
    """Trained and evaluated as a job is."""
    pack, out = open_pack(folder / "pack"), folder / "out"
    for message in loop.train(spec, pack=pack, out=out, arm="main", device=CPU, stop=StopRequest()):
        if message.type == "metrics":
            print(f"step {message.step}: {json.dumps(message.values)}", flush=True)
    for _ in evaluation.evaluate(spec, pack=pack, out=out, arm="main", device=CPU):
        pass
    return Evaluation.model_validate_json((out / "main" / EVALUATION).read_bytes())


def report(trained: Evaluation, planted: set[str], manifest: PackManifest, *, untouched: bool) -> None:
    suspected = trained.suspected_labels
    if suspected is None:
        raise RuntimeError("the evaluation has no suspected labels")
    accuracy = trained.splits["test"].model_dump()["top1_accuracy"]
    print(f"{manifest.samples} images, top-1 on test {accuracy:.1%}")
    for name in ("held_out", "train"):
        if untouched:
            show(name, getattr(suspected, name)[:SHOWN])
        else:
            print(json.dumps({name: against(suspected, planted, name).model_dump()}), flush=True)


def against(suspected: SuspectedLabels, planted: set[str], name: str) -> Found:
    """One list held against what was made wrong in its splits."""
    listed = getattr(suspected, name)
    splits = ("train",) if name == "train" else ("val", "test")
    wrong = {path for path in planted if path.split("/")[-3] in splits}
    first = [one.path in wrong for one in listed[:SHOWN]]
    return Found(
        images=sum(suspected.images.get(split, 0) for split in splits),
        planted=len(wrong),
        suspects=suspected.found[name],
        precision_at_20=sum(first) / len(first) if first else 0.0,
        recall=sum(one.path in wrong for one in listed) / len(wrong),
    )


def show(name: str, listed: Iterable[SuspectedLabel]) -> None:
    print(f"{name}:")
    for one in listed:
        labels = f"{one.label} {one.label_probability:.2f}, rather {one.suggested} {one.suggested_probability:.2f}"
        print(f"  {one.path}: {labels}")


if __name__ == "__main__":
    main()
