"""`GET /v1/jobs/{id}/receipt`: as it was signed, for its owner alone."""

from __future__ import annotations

import base64
import json

from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller
from tests.worker import seed


def test_receipt_names_all_files_by_their_sha256(ours: Caller, theirs: Caller, version: DatasetVersion) -> None:
    job, model, export = made.published_job(version)
    answer = ours.get(f"/v1/jobs/{job.id}/receipt")
    assert answer.json()["signatures"] == [], "nothing signs here"
    told = json.loads(base64.b64decode(answer.json()["payload"]))
    assert told["weights"]["sha256"] == model.weights_sha256
    assert [(one["id"], one["sha256"]) for one in told["exports"]] == [(export.id, export.sha256)]
    assert ours.get(f"/v1/jobs/{job.id}/receipt", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert theirs.get(f"/v1/jobs/{job.id}/receipt").status_code == 404


def test_job_that_has_not_succeeded_has_none(ours: Caller, version: DatasetVersion) -> None:
    answer = ours.get(f"/v1/jobs/{seed.job(version).id}/receipt")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_receipt")
