"""`patchswap predictions`: of whole datasets, listed, downloaded and deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.database.database import transaction
from core.predictions import ledger
from core.store import storage
from core.tables import Prediction
from patchswap.client import Client
from patchswap.errors import NotFound
from tests.api.test_predictions_of_images import SAID, parquet, rows_of
from tests.patchswap.calls.test_exports import publish
from tests.patchswap.cli.conftest import Run, complaint, one_json


@pytest.fixture
def model_id(client: Client, dataset_id: str, environment: dict[str, str]) -> str:
    return publish(client.jobs.create(dataset=dataset_id, exports=[]), []).id


@pytest.fixture
def done(client: Client, model_id: str) -> str:
    """Its rows are there, as a worker leaves them."""
    asked = client.predictions.create(model_id, "pets")
    stored = storage.put_bytes(f"predictions/{asked.id}/1/predictions.parquet", parquet(rows_of(SAID)))
    with transaction() as session:
        row = session.get_one(Prediction, asked.id)
        row.status, row.fence = "running", 1
        session.flush()
        ledger.publish(session, asked.id, 1, stored, images=len(SAID))
    return asked.id


def test_list_show_and_download(patchswap: Run, done: str, model_id: str, tmp_path: Path):
    assert done in patchswap("predictions", "list").stdout
    (listed,) = one_json(patchswap("predictions", "list", "--model", model_id, "--json"))
    assert (listed["id"], listed["status"], listed["images"]) == (done, "succeeded", len(SAID))
    assert f"{len(SAID)} images" in patchswap("predictions", "show", done).stdout
    assert patchswap("predictions", "download", done, "-o", "rows.csv").stdout == "rows.csv\n"
    assert (tmp_path / "rows.csv").read_text().startswith("index,split,path,error")


def test_deleted_one_is_gone(patchswap: Run, done: str, client: Client):
    assert patchswap("predictions", "rm", done).stdout == f"deleted {done}\n"
    with pytest.raises(NotFound):
        client.predictions.get(done)
    assert done in complaint(patchswap("predictions", "rm", done))


def test_python_client_deletes_one_that_waits(client: Client, model_id: str):
    client.predictions.create(model_id, "pets").delete()
    assert list(client.predictions.list()) == []
