"""One dataset version: claim, fetch the upload, read it in a child process, store the pack or the report of why not."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from contract.child.messages import EXIT_DONE, EXIT_FAILED, Failed, JobError
from contract.files import INGEST_REPORT, PACK_INSPECTION, PACK_MANIFEST, PACK_SAMPLES, PACK_THUMBNAILS
from contract.pack.manifest import PackManifest
from contract.results.ingested import ValidationReport
from core import queue
from core.database import leases
from core.datasets import changes
from core.datasets import ledger as datasets
from core.datasets.samples import Pack
from core.errors import ChecksumMismatch, NotFound, PackDamaged, QuotaExceeded
from core.settings import settings
from core.store import storage
from core.tables import Dataset, DatasetVersion, Upload
from worker.children.child import Child
from worker.children.supervision import TrainerFailed, attend, crashed
from worker.claims.lease import Lease
from worker.claims.ledger_writes import write_until_done
from worker.disk import uploaded
from worker.tasks import short

logger = logging.getLogger(__name__)
MODULE = "ingest"
OUT = "out"  # in the scratch folder: what the child leaves


class InvalidArchive(Exception):
    """No pack can be made of it; the report says why."""


@dataclass(frozen=True)
class Ingest:
    """One claimed version and what it is made of."""

    version: DatasetVersion
    upload: Upload
    task: str


def _claim(session: Session, version_id: str) -> Ingest | None:
    version = leases.claim(session, DatasetVersion, version_id, settings().worker_name)
    if version is None:
        return None
    task = session.get_one(Dataset, version.dataset_id).task
    return Ingest(version, session.get_one(Upload, version.upload_id), task)


def _work(ingest: Ingest, lease: Lease, folder: Path) -> None:
    version, fence = ingest.version, ingest.version.fence
    archive, out = folder / "archive", folder / OUT
    lease.patiently(lambda: uploaded.fetch(ingest.upload, archive))
    out.mkdir()
    arguments: list[str | Path] = [archive, out, "--task", ingest.task]
    if version.splits is not None:
        arguments += ["--splits", json.dumps(version.splits)]
    if version.reading is not None:
        arguments += ["--reading", json.dumps(version.reading)]
    _read(lease, Child(MODULE, arguments, folder=folder), out)
    prefix = f"datasets/{version.id}/{fence}/"
    manifest = PackManifest.model_validate_json((out / PACK_MANIFEST).read_bytes())
    samples = lease.patiently(lambda: _store(out, prefix))
    changed = lease.patiently(lambda: _changes(version, Pack(manifest, samples.key)))
    write_until_done(
        lambda session: datasets.publish_version(
            session,
            version.id,
            fence,
            manifest=manifest,
            report=_report(out),
            prefix=prefix,
            pack_sha256=samples.sha256,
            changes=changed,
        )
    )
    logger.info("ready: %d samples", manifest.samples)


def _read(lease: Lease, child: Child, out: Path) -> None:
    """Raises InvalidArchive, TrainerFailed for trouble of this machine, and what `attend` raises."""
    last = attend(lease, child)
    if isinstance(last, Failed):
        raise TrainerFailed(last.error)
    if child.exit_code == EXIT_FAILED and (out / INGEST_REPORT).is_file():
        raise InvalidArchive
    if child.exit_code != EXIT_DONE:
        raise crashed(child)


def _store(out: Path, prefix: str) -> storage.StoredFile:
    for name in (PACK_MANIFEST, PACK_INSPECTION, PACK_THUMBNAILS):
        if (out / name).is_file():  # a pack of raw pixels has no thumbnails
            storage.put_file(prefix + name, out / name)
    return storage.put_file(prefix + PACK_SAMPLES, out / PACK_SAMPLES)


def _changes(version: DatasetVersion, pack: Pack) -> dict[str, Any] | None:
    """Against the ready version before it; None for the first one, or where that one cannot be read."""
    before = write_until_done(lambda session: datasets.predecessor(session, version))
    if before is None:
        return None
    old = Pack(PackManifest.model_validate(before.manifest), f"{before.object_prefix}{PACK_SAMPLES}")
    try:
        return {"since": before.number} | changes.between(old, pack).counts.as_json()
    except (NotFound, PackDamaged) as error:
        logger.warning("what changed since version %s cannot be told: %s", before.number, error)
        return None


def _report(out: Path) -> dict[str, Any]:
    return ValidationReport.model_validate_json((out / INGEST_REPORT).read_bytes()).model_dump(mode="json")


def _held(ingest: Ingest) -> short.Held:
    version = ingest.version

    def fail(error: JobError) -> None:
        _write_failure(version, error, None)

    def ring() -> None:
        queue.ring("worker.ingest", version.id)

    return short.Held("ingest", version.id, version.fence, fail, datasets.give_back_version, ring)


def _settle_bad_data(ingest: Ingest, folder: Path, ending: Exception) -> bool:
    """The endings that are the archive's or the tenant's; False for another."""
    version = ingest.version
    match ending:
        case InvalidArchive():
            report = _report(folder / OUT)
            _fail(version, _invalid(report), report)
        case QuotaExceeded():
            _fail(version, _beyond_quota(str(ending)), _report(folder / OUT))
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
        remediation=first["fix"] or "Read the validation report, correct the archive and create the dataset again.",
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


def _about(ingest: Ingest) -> dict[str, Any]:
    return {"version": ingest.version.id, "request_id": ingest.version.request_id}


INGEST = short.Work(
    kind="ingest",
    table=DatasetVersion,
    claim=_claim,
    held=_held,
    about=_about,
    do=_work,
    settle_special=_settle_bad_data,
)
