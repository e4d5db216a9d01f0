"""client.json is replaced whole and only its owner reads it; what cannot be read holds no key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from patchswap import credentials
from patchswap.local.embedded import local_key


def test_what_is_written_is_read_back_and_private(tmp_path: Path):
    path = tmp_path / "client.json"
    path.write_text("{}")
    path.chmod(0o644)
    credentials.write(path, credentials.Credentials("http://127.0.0.1:8000", "psk_1"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text()) == {"url": "http://127.0.0.1:8000", "api_key": "psk_1"}
    assert local_key.stored(path) == "psk_1"
    assert [entry.name for entry in tmp_path.iterdir()] == ["client.json"]


@pytest.mark.parametrize("text", [None, "", '{"url": "http', "{}", "[]", "7"])
def test_an_absent_or_torn_file_holds_no_key(tmp_path: Path, text: str | None):
    path = tmp_path / "client.json"
    if text is not None:
        path.write_text(text)
    assert local_key.stored(path) is None
