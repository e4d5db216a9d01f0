"""What a client does with a signature: S28, an artifact swapped on its way or in the store is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core import signing, tables
from core.database.database import transaction
from core.store import storage
from patchswap.cli import main
from patchswap.client import Client
from patchswap.errors import BadInput, DamagedFile
from patchswap.resources import Model
from tests.api import served
from tests.conftest import forget_settings
from tests.patchswap.calls.test_exports import content, job, model  # noqa: F401 - fixtures


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> signing.PublicKey:
    """The worker's; the api of these tests knows no key, as one whose operator keeps it elsewhere."""
    made = signing.create(tmp_path / "key.pem")
    monkeypatch.setenv("PATCHSWAP_SIGNING_KEY_FILE", str(tmp_path / "key.pem"))
    forget_settings()
    return made


@pytest.fixture
def signed(key: signing.PublicKey, model: Model, tmp_path: Path) -> served.Served:  # noqa: F811 - a fixture
    with transaction() as session:
        row = session.get_one(tables.Model, model.id)
    return served.export(row, tmp_path / "made", seal=signing.seal)


def test_signed_bundle_is_pulled_and_proves_itself_again_on_the_disk(
    client: Client, key: signing.PublicKey, signed: served.Served, tmp_path: Path, capsys
):
    folder = client.exports.pull(client.exports.get(signed.export.id), tmp_path / "pulled", key=key.pem)
    (tmp_path / "public.pem").write_text(key.pem)
    with pytest.raises(SystemExit) as ended:
        main(["verify", str(folder), "--key", str(tmp_path / "public.pem"), "--json"])
    assert not ended.value.code
    assert json.loads(capsys.readouterr().out)["key_id"] == key.key_id
    (folder / "model.onnx").write_bytes(b"another")
    with pytest.raises(SystemExit) as ended:
        main(["verify", str(folder), "--key", str(tmp_path / "public.pem")])
    assert ended.value.code == 1
    assert "model.onnx is not the file that was signed" in capsys.readouterr().err


def test_swapped_artifact_is_refused_by_its_sha256(client: Client, signed: served.Served, tmp_path: Path):
    other = served.export(signed.model, tmp_path / "other", seed=5)
    storage.put_bytes(signed.export.object_key, storage.get_bytes(other.export.object_key))
    with transaction() as session:  # as long as the one announced, so that the length does not tell
        session.get_one(tables.Export, signed.export.id).bytes = other.export.bytes
    with pytest.raises(DamagedFile, match="another sha256"):
        client.exports.pull(client.exports.get(signed.export.id), tmp_path / "pulled")
    assert not (tmp_path / "pulled").exists()


def test_swap_that_also_mends_the_ledger_is_refused_by_the_signature(
    client: Client, key: signing.PublicKey, signed: served.Served, tmp_path: Path
):
    """Whoever holds store and database still lacks the key."""
    signing.create(tmp_path / "theirs.pem")
    seals = {"none": lambda _: None, "theirs": lambda path: seal_by(tmp_path / "theirs.pem", path)}
    for name, seal in seals.items():
        forged = served.export(signed.model, tmp_path / name, seed=5, seal=seal).export
        with transaction() as session:
            row = session.get_one(tables.Export, signed.export.id)
            row.object_key, row.bytes, row.sha256 = forged.object_key, forged.bytes, forged.sha256
        with pytest.raises(DamagedFile, match="not signed"):
            client.exports.pull(client.exports.get(signed.export.id), tmp_path / "pulled", key=key.pem)
        assert not (tmp_path / "pulled").exists()


def seal_by(private: Path, bundle: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHSWAP_SIGNING_KEY_FILE", str(private))
        forget_settings()
        signing.seal(bundle)
    forget_settings()


def test_service_without_a_key_is_pulled_from_and_has_none_to_verify_by(
    client: Client, signed: served.Served, tmp_path: Path
):
    assert client.exports.signing_key() is None
    assert client.exports.pull(client.exports.get(signed.export.id), tmp_path / "pulled").is_dir()
    with pytest.raises(BadInput, match="not a public key in PEM"):
        client.exports.pull(client.exports.get(signed.export.id), tmp_path / "again", key="x")
