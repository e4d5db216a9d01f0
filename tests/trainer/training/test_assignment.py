"""What a checkpoint is written for: the same training, whatever a later release adds to a spec."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from contract.specs import parse, resolve, settle
from tests.contract.specs.test_resolution import manifest
from trainer.training.assignment import Assignment

# Of 0.1.0. A new field that changes no weight must stay out of it; else jobs paused before an upgrade begin anew.
OF_THE_FIRST_RELEASE = "4b2566f2aa38b97912adcdd972a389a0b3ec39e82da96fbca30e23ea45cdde76"


def fingerprint(**changes) -> str:
    spec, _ = resolve(parse({"dataset": "dsv_1"} | changes), manifest())
    return Assignment(spec, SimpleNamespace(manifest=manifest()), Path("out"), "main", torch.device("cpu")).fingerprint


def test_checkpoints_of_the_first_release_are_resumed() -> None:
    assert fingerprint() == OF_THE_FIRST_RELEASE


@pytest.mark.parametrize("changes", [{"priority": 7}, {"labels": {"a": "b"}}, {"name": "x"}, {"control": True}])
def test_what_changes_no_weight_is_not_in_it(changes) -> None:
    assert fingerprint(**changes) == OF_THE_FIRST_RELEASE


def test_what_changes_weights_is() -> None:
    letterboxed = fingerprint(training={"fit": "letterbox"})
    assert len({fingerprint(seed=1), fingerprint(training={"epochs": 3}), letterboxed, OF_THE_FIRST_RELEASE}) == 4


def test_a_spec_that_the_first_release_stored_resumes_its_checkpoints() -> None:
    """It says nothing of how images are laid into their size: they were stretched."""
    stored = resolve(parse({"dataset": "dsv_1"}), manifest())[0].model_dump(mode="json")
    stored["training"].pop("fit", None)
    spec, _ = settle(stored, manifest())
    pack = SimpleNamespace(manifest=manifest())
    assert Assignment(spec, pack, Path("out"), "main", torch.device("cpu")).fingerprint == OF_THE_FIRST_RELEASE
