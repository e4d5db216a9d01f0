"""Which formats there are, and what is said where one cannot be made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.spec import FORMATS
from trainer.errors import TrainerError
from trainer.export import formats


def test_format_without_its_packages_is_refused_with_the_line_that_installs_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terms = replace(FORMATS["litert"], packages=("onnxruntime", "no-such-package"))
    monkeypatch.setitem(FORMATS, "litert", terms)
    with pytest.raises(TrainerError, match="litert files: no-such-package not installed") as raised:
        formats.choose("litert")
    assert raised.value.error.code == "missing_dependency"
    assert "pip install 'patchswap[litert]'" in raised.value.error.remediation
