"""One dataset version: claim, fetch the upload, read it in a child process, store the pack or the report of why not."""

import hashlib
import json
import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from contract.child.messages import EXIT_DONE, EXIT_FAILED, Failed, JobError
from contract.pack.manifest import PackManifest
from contract.results.ingested import ValidationReport
from core import datasets, leases, queue, storage, uploads
from core.errors import ChecksumMismatch, NotFound, QuotaExceeded
from core.settings import settings
from core.tables import Dataset, DatasetVersion, Upload
from worker import claiming, figures, logs, scratch, settling
from worker.child import Child
from worker.lease import Lease
from worker.packs import MANIFEST, SAMPLES
from worker.persistence import write_until_done
from worker.supervision import TrainerFailed, attend, crashed

logger = logging.getLogger(__name__)
REPORT = "report.json"
MODULE = "ingest"


class InvalidArchive(Exception):
    """No pack can be made of it; the report says why."""


@dataclass(frozen=True)
class Ingest:
    version: DatasetVersion
    upload: Upload
    task: str
    folder: Path
    lease: Lease

    @property
    def out(self) -> Path:
        return self.folder / "out"


def run_ingest(version_id: str) -> None:
    """Answer the doorbell; a version that is not there to be claimed is normal."""
    claimed = claiming.answer("ingest", version_id, _claim)
    if claimed is None:
        return
    version, upload, task = claimed
    fence = version.fence
    with (
        logs.about(version=version.id, fence=fence, request_id=version.request_id),
        scratch.folder(f"{version.id}-{fence}") as folder,
    ):
        lease = Lease(lambda session: leases.renew(session, DatasetVersion, version.id, fence))
        ingest = Ingest(version, upload, task, folder, lease)
        try:
            _work(ingest)
            figures.ended("ingest")
        except Exception as error:  # noqa: BLE001 - every way it can end is settled there
            figures.ended("ingest", error)
            settling.settle(_held(version), error, partial(_settle_bad_data, ingest))


def _claim(session: Session, version_id: str) -> tuple[DatasetVersion, Upload, str] | None:
    version = leases.claim(session, DatasetVersion, version_id, settings().worker_name)
    if version is None:
        return None
    task = session.get_one(Dataset, version.dataset_id).task
    return version, session.get_one(Upload, version.upload_id), task


def _work(ingest: Ingest) -> None:
    archive = ingest.folder / "archive"
    ingest.lease.patiently(lambda: _fetch(ingest, archive))
    ingest.out.mkdir()
    arguments: list[str | Path] = [archive, ingest.out, "--task", ingest.task]
    if ingest.version.splits is not None:
        arguments += ["--splits", json.dumps(ingest.version.splits)]
    if ingest.version.reading is not None:
        arguments += ["--reading", json.dumps(ingest.version.reading)]
    _read(ingest, arguments)
    version, fence = ingest.version, ingest.version.fence
    prefix = f"datasets/{version.id}/{fence}/"
    manifest = PackManifest.model_validate_json((ingest.out / MANIFEST).read_bytes())
    samples = ingest.lease.patiently(lambda: _store(ingest.out, prefix))
    write_until_done(
        lambda session: datasets.publish_version(
            session,
            version.id,
            fence,
            manifest=manifest,
            report=_report(ingest),
            prefix=prefix,
            pack_sha256=samples.sha256,
        )
    )
    logger.info("ready: %d samples", manifest.samples)


def _read(ingest: Ingest, arguments: list[str | Path]) -> None:
    """Raises InvalidArchive, TrainerFailed for trouble of this machine, and what `attend` raises."""
    child = Child(MODULE, arguments, folder=ingest.folder)
    last = attend(ingest.lease, child)
    if isinstance(last, Failed):
        raise TrainerFailed(last.error)
    if child.exit_code == EXIT_FAILED and (ingest.out / REPORT).is_file():
        raise InvalidArchive
    if child.exit_code != EXIT_DONE:
        raise crashed(child)


def _fetch(ingest: Ingest, path: Path) -> None:
    """The parts as one file. Raises ChecksumMismatch where they are no longer what was uploaded."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for chunk in uploads.content(ingest.upload):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != ingest.upload.sha256:
        raise ChecksumMismatch("the stored upload is not what was uploaded; its sha256 differs")


def _store(out: Path, prefix: str) -> storage.StoredFile:
    storage.put_file(prefix + MANIFEST, out / MANIFEST)
    return storage.put_file(prefix + SAMPLES, out / SAMPLES)


def _report(ingest: Ingest) -> dict[str, Any]:
    return ValidationReport.model_validate_json((ingest.out / REPORT).read_bytes()).model_dump(mode="json")


def _held(version: DatasetVersion) -> settling.Held:
    def fail(error: JobError) -> None:
        _write_failure(version, error, None)

    def ring() -> None:
        queue.ring("worker.ingest", version.id)

    return settling.Held("ingest", version.id, version.fence, fail, datasets.give_back_version, ring)


def _settle_bad_data(ingest: Ingest, ending: Exception) -> bool:
    """The endings that are the archive's or the tenant's; False for another."""
    version = ingest.version
    match ending:
        case InvalidArchive():
            report = _report(ingest)
            _fail(version, _invalid(report), report)
        case QuotaExceeded():
            _fail(version, _beyond_quota(str(ending)), _report(ingest))
        case NotFound() | ChecksumMismatch():
            _fail(version, _lost_upload(str(ending)), None)
        case _:
            return False
    return True


def _fail(version: DatasetVersion, error: JobError, report: dict[str, Any] | None) -> None:
    logger.info("failed: %s", error.message)
    _write_failure(version, error, report)


def _write_failure(version: DatasetVersion, error: JobError, report: dict[str, Any] | None) -> None:
    write_until_done(
        lambda session: datasets.fail_version(
            session, version.id, version.fence, error=error.model_dump(), report=report
        )
    )


def _invalid(report: dict[str, Any]) -> JobError:
    """The first error of the report stands for all; the report has the rest."""
    errors = [finding for finding in report["findings"] if finding["severity"] == "error"]
    first = errors[0] if errors else {"message": "The archive holds no dataset.", "fix": None}
    return JobError(
        code="dataset_invalid",
        category="user_data",
        retryable=False,
        message=first["message"],
        remediation=first["fix"] or "Read the validation report, mend the archive and create the dataset again.",
    )


def _beyond_quota(message: str) -> JobError:
    return JobError(
        code="quota_exceeded",
        category="resource",
        retryable=True,
        message=message,
        remediation="Delete datasets that are no longer needed, then create this one again from the same upload.",
    )


def _lost_upload(message: str) -> JobError:
    return JobError(
        code="upload_lost",
        category="platform",
        retryable=False,
        message=message,
        remediation="Upload the file again and create the dataset from the new upload.",
    )
