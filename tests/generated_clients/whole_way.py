"""From upload to download by the client that openapi-python-client made: `python whole_way.py URL KEY ARCHIVE BUNDLE`.

Runs in an environment that has the generated package and none of this project.
"""

from __future__ import annotations

import hashlib
import io
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from patchswap_api import AuthenticatedClient
from patchswap_api.api.datasets import create_dataset, get_dataset
from patchswap_api.api.exports import download_export
from patchswap_api.api.jobs import create_job, get_job, list_jobs, validate_job
from patchswap_api.api.models import list_exports, predict
from patchswap_api.api.uploads import complete_upload, create_upload, put_upload_part
from patchswap_api.models import JobSpec, NewDataset, NewUpload, ProblemDetails
from patchswap_api.types import File

PATIENCE_SECONDS = 300


def main(url: str, key: str, archive: bytes, target: Path) -> None:
    with AuthenticatedClient(url, key, follow_redirects=True, timeout=60) as client:
        dataset = pushed(client, archive)
        spec = JobSpec.from_dict(
            {"dataset": dataset.latest_version_id, "training": {"epochs": 1, "pairs_per_batch": 8}}
        )
        assert validate_job.sync(client=client, body=spec).resolved["seed"] == 0
        job = create_job.sync(client=client, body=spec)
        job = until(lambda: get_job.sync(job.id, client=client), lambda found: found.finished_at)
        assert job.status == "succeeded", job
        assert [each.id for each in list_jobs.sync(client=client).data] == [job.id]
        exports = list_exports.sync(job.model_id, client=client).data
        export = next(each for each in exports if each.status == "succeeded")
        target.write_bytes(download_export.sync_detailed(export.id, client=client).content)
        assert hashlib.sha256(target.read_bytes()).hexdigest() == export.sha256
        refused = predict.sync(job.model_id, client=client, body=File(io.BytesIO(b"no image")))
        assert isinstance(refused, ProblemDetails), refused


def pushed(client: AuthenticatedClient, archive: bytes) -> Any:
    """A new dataset, once it is ready."""
    body = NewUpload(bytes_=len(archive), sha256=hashlib.sha256(archive).hexdigest())
    upload = create_upload.sync(client=client, body=body)
    for part in upload.parts:
        start = (part.number - 1) * upload.part_size
        content = io.BytesIO(archive[start : start + upload.part_size])
        put_upload_part.sync_detailed(upload.id, part.number, client=client, body=File(content))
    complete_upload.sync(upload.id, client=client)
    dataset = create_dataset.sync(client=client, body=NewDataset(upload_id=upload.id, name="noise"))
    return until(lambda: get_dataset.sync(dataset.id, client=client), lambda found: found.status == "ready")


def until(read: Callable[[], Any], done: Callable[[Any], object]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done(found := read()):
        assert time.monotonic() < deadline, found
        time.sleep(0.5)
    return found


if __name__ == "__main__":
    url, key, archive, target = sys.argv[1:]
    main(url, key, Path(archive).read_bytes(), Path(target))
