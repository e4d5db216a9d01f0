"""What the network said of each image, as rows for people: predictions.parquet."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from contract import predictions
from contract.child.messages import Arm, Done, Message
from contract.files import IMAGE_PREDICTIONS, WEIGHTS
from contract.pack.manifest import PackManifest, Split
from contract.specs import ResolvedSpec
from contract.specs.normalisation import normalisation_of
from trainer import tasks
from trainer.data.images import host_budget
from trainer.data.pack import Pack
from trainer.machine import durable
from trainer.machine.device import place
from trainer.tasks.protocol import Found, Task
from trainer.training import weights


def predict(
    spec: ResolvedSpec, *, pack: Pack, trained_on: PackManifest, out: Path, arm: Arm, device: torch.device
) -> Iterator[Message]:
    """Ask OUT/arm/model.safetensors about all images of another pack, and write OUT/predictions.parquet.

    Classes go by their names: what the network has no class for has no loss and is neither right nor wrong.
    """
    task, size = tasks.choose(spec.task), (spec.height, spec.width)
    model = place(weights.load_model(spec, trained_on, out / arm / WEIGHTS), device)
    pack = pack.fitted(spec.training.fit, spec.training.tiles).named(trained_on.classes)
    normalisation, said = normalisation_of(spec, trained_on), []
    for split in Split:
        if len(pack.rows(split)):
            samples = task.open_split(
                pack, split, size=size, normalisation=normalisation, device=device, budget=host_budget()
            )
            found = yield from task.predict(model, samples, activity=f"predict {split.name.lower()}")
            said.append(of_split(task, found, pack, split, size=size))
    write(said, out / IMAGE_PREDICTIONS)
    yield Done(files={"predictions": IMAGE_PREDICTIONS})


def of_split(task: Task, found: Found, pack: Pack, split: Split, *, size: tuple[int, int]) -> pa.Table:
    """A row an image, in the order of the pack. `size` is the height and width that images are read at."""
    rows = pack.rows(split)
    common = {
        "index": rows,
        "split": [split.name.lower()] * len(rows),
        "path": pack.table.column("path").take(rows).combine_chunks(),
    }
    return predictions.table(pack.manifest.task, common | task.image_rows(found, pack, rows, size=size))


def write(tables: Sequence[pa.Table], path: Path) -> None:
    """One file of the rows of all splits."""
    content = pa.BufferOutputStream()
    pq.write_table(pa.concat_tables(tables).unify_dictionaries(), content, compression="zstd")
    durable.write(path, content.getvalue().to_pybytes())
