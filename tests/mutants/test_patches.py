"""The bugs of `make mutants` can still be put back: a patch that no longer applies would prove nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.rules import ROOTS
from tests.mutants.__main__ import Mutant, apply, copied, mutants


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory.mktemp("mutants"))


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_patch_applies_and_names_tests_that_exist(mutant: Mutant, tree: Path):
    assert apply(mutant, tree, "--check")
    assert mutant.bug.endswith(".")
    for test in mutant.tests:
        path, _, name = test.partition("::")
        assert name.partition("[")[0] in (tree / path).read_text()


def test_copy_holds_every_room(tree: Path):
    """A room that was left out would be taken from the checkout, where no bug is put back."""
    assert [room for room in ROOTS if not (tree / room / "__init__.py").is_file()] == []
