"""GET /v1/signing_key."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from core import signing
from tests.api.serving import Caller
from tests.conftest import forget_settings


def test_public_key_is_told_and_the_private_one_is_not(ours: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert ours.get("/v1/signing_key").json()["code"] == "not_signing"
    made = signing.create(tmp_path / "key.pem")
    monkeypatch.setenv("PATCHSWAP_SIGNING_PUBLIC_KEY_FILE", str(tmp_path / "key.pem.pub"))
    forget_settings()
    answer = ours.get("/v1/signing_key")
    assert (answer.json()["key_id"], answer.json()["pem"]) == (made.key_id, made.pem)
    assert base64.b64decode(answer.json()["public_key"]) == made.raw
    assert ours.get("/v1/signing_key", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    # by mistake, the private key's file: it is refused and not shown
    monkeypatch.setenv("PATCHSWAP_SIGNING_PUBLIC_KEY_FILE", str(tmp_path / "key.pem"))
    forget_settings()
    refused = ours.get("/v1/signing_key")
    assert refused.status_code == 503
    assert "PRIVATE" not in refused.text
