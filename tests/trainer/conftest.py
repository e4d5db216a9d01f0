"""Packs made once, and a spec small enough to train in a second."""

from pathlib import Path
from typing import Any

import pytest

from contract.specs import ResolvedSpec, parse, resolve
from tests.data import packs
from trainer.data.pack import Pack, open_pack


@pytest.fixture(scope="session")
def digits_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 training images make 3 steps an epoch with pairs_per_batch 16."""
    folder = tmp_path_factory.mktemp("digits")
    packs.digits(folder, train=48, val=20, test=30)
    return folder


@pytest.fixture(scope="session")
def digits(digits_folder: Path) -> Pack:
    return open_pack(digits_folder)


def body(**changes: Any) -> dict[str, Any]:
    """A spec to submit: ResNet-20, two epochs of 16 pairs."""
    training = {"epochs": 2, "pairs_per_batch": 16, "augmentation": {"horizontal_flip": False}}
    plain = {"dataset": "dsv_test", "model": {"architecture": "resnet20"}, "training": training}
    return plain | changes


def spec_for(pack: Pack, **changes: Any) -> ResolvedSpec:
    return resolve(parse(body(**changes)), pack.manifest)[0]
