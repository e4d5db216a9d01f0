"""Photographs of a folder that the reader names, some training images of each class, by the product's own ingest.

docs/finetuning.md says where each archive is from and its licence.
"""

from pathlib import Path

from contract.pack.manifest import PackManifest
from contract.specs.splits import SplitRequest
from ingest import ingest


def build(folder: Path, *, draw: int, data: Path, archive: str, per_class: int) -> PackManifest:
    """The pack of a draw of training images. An archive without a split of its own draws all splits anew."""
    request = SplitRequest(seed=draw, train_per_class=per_class)
    result = ingest(data / archive, folder, task="classification", splits=request, progress=lambda _done, _total: None)
    if result.manifest is None:
        raise RuntimeError(f"ingest refused {archive}: {result.report.findings}")
    return result.manifest
