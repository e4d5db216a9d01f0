"""Datasets by name and number on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.database.database import transaction
from core.store import storage
from core.tables import DatasetVersion, Tenant
from patchswap.client import Client
from tests.ingest.archives import folders, zipped
from tests.patchswap.cli.conftest import Run, complaint, one_json
from tests.patchswap.cli.test_look import published
from tests.worker import seed


@pytest.fixture
def photos(client: Client, tmp_path: Path) -> str:
    """Two versions: the second has a class more."""
    published("photos", zipped(folders({"cat": 9, "dog": 9})), tmp_path / "one")
    return published("photos", zipped(folders({"cat": 9, "dog": 9, "cow": 9})), tmp_path / "two")


def test_versions_are_listed_compared_and_named(patchswap: Run, photos: str):
    rows = [line.split() for line in patchswap("datasets", "versions", "photos").stdout.splitlines()]
    assert [row[0] for row in rows] == ["NUMBER", "2", "1"]
    shown = patchswap("datasets", "diff", "photos@1", "photos@2").stdout
    assert shown.startswith("version 1 to 2: 9 added")
    assert "new classes: cow" in shown
    assert one_json(patchswap("datasets", "diff", "photos@2", "--json"))["added"] == 9
    one = one_json(patchswap("datasets", "show", "photos@1", "--json"))
    assert (one["id"], one["validation"]["accepted"]) == (photos, 18)
    dry = one_json(patchswap("train", "--dataset", "photos@1", "--dry-run", "--json"))
    assert dry["dataset_version_id"] == one_json(patchswap("datasets", "versions", "photos", "--json"))[1]["id"]


def test_dataset_is_renamed_and_a_version_of_it_deleted(patchswap: Run, photos: str):
    assert patchswap("datasets", "rename", "photos", "pictures").stdout == f"{photos} pictures\n"
    assert "There is no dataset 'photos'" in complaint(patchswap("datasets", "show", "photos"))
    assert patchswap("datasets", "rm", "pictures@1").returncode == 0
    assert [one["number"] for one in one_json(patchswap("datasets", "versions", "pictures", "--json"))] == [2]
    with transaction() as session:
        seed_job = seed.job(session.query(DatasetVersion).filter_by(number=2).one())
    kept = patchswap("datasets", "rm", "pictures")
    assert (kept.returncode, f"Still needed by job {seed_job.id}" in complaint(kept)) == (1, True)
    assert patchswap("datasets", "rm", "pictures", "--force").returncode == 0
    assert one_json(patchswap("datasets", "list", "--json")) == []


def test_archive_comes_back_byte_for_byte(patchswap: Run, client: Client, tmp_path: Path):
    content = b"as it was pushed" * 1000
    with transaction() as session:
        tenant_id = session.query(Tenant).filter_by(name="default").one().id
    upload = seed.upload(tenant_id, content)
    client.datasets.create("mine", upload_id=upload.id)
    done = patchswap("datasets", "download", "mine@1")
    assert (tmp_path / "mine-1.zip").read_bytes() == content
    assert done.stdout == "mine-1.zip\n"
    assert "--force" in complaint(patchswap("datasets", "download", "mine@1"))
    storage.put_bytes(f"uploads/{upload.id}/00001", content[:-1] + b"!")
    assert "another sha256" in complaint(patchswap("datasets", "download", "mine", "-o", "again.zip"))


def test_push_of_the_same_bytes_says_that_nothing_was_added(patchswap: Run, client: Client, tmp_path: Path):
    content = zipped(folders({"cat": 9, "dog": 9}))
    published("pets", content, tmp_path / "one")
    (tmp_path / "pets.zip").write_bytes(content)
    done = patchswap("datasets", "push", "pets.zip")
    assert (done.returncode, "nothing was added: these bytes are pets@1" in done.stderr) == (0, True), done.stderr


def test_refused_version_says_why_and_the_one_before_stays(patchswap: Run, photos: str, tmp_path: Path):
    shown = patchswap("datasets", "show", "photos")
    assert "version" not in shown.stderr
    published("photos", zipped({"a/1.png": b"no picture"}), tmp_path / "three")
    shown = patchswap("datasets", "show", "photos")
    assert "Version 3 is failed: patchswap datasets versions photos" in shown.stderr
    assert one_json(patchswap("datasets", "show", "photos@3", "--json"))["validation"]["status"] == "invalid"
    dry = one_json(patchswap("train", "--dataset", "photos", "--dry-run", "--json"))
    assert dry["dataset_id"] == photos
    assert "No dataset could be made of what was pushed as photos@3" in complaint(
        patchswap("train", "--dataset", "photos@3")
    )
