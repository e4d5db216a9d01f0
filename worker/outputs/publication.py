"""What a job leaves behind: weights, evaluation, report, bundles. Read back and compared before any row names them."""

import hashlib
import json
import logging
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from contract.child.messages import Arm
from contract.files import (
    BUNDLE,
    ENVIRONMENT,
    EVALUATION,
    EXPORT_RESULT,
    IMAGE_PREDICTIONS,
    MODEL_CARD,
    REPORT,
    WEIGHTS,
)
from contract.results.evaluation import Evaluation
from contract.results.exported import ExportResult
from contract.results.selection import published_arm
from contract.specs import ExportSpec
from contract.tasks import TERMS
from core import signing
from core.errors import ChecksumMismatch, StoreUnavailable
from core.exports import bundle_files
from core.jobs.ledger import Claim, FinishedExport, Publication
from core.store import storage

logger = logging.getLogger(__name__)
LOG_NAME = "trainer.log"  # an attempt's; no row names it, and it lives as long as its job


def read_evaluations(out: Path, arms: Sequence[Arm]) -> dict[Arm, Evaluation]:
    return {arm: Evaluation.model_validate_json((out / arm / EVALUATION).read_bytes()) for arm in arms}


def read_export(folder: Path) -> ExportResult:
    """What the trainer says of a bundle. Raises ChecksumMismatch where the bundle is another."""
    result = ExportResult.model_validate_json((folder / EXPORT_RESULT).read_bytes())
    if storage.sha256_of(folder / BUNDLE) != result.sha256:
        raise ChecksumMismatch(f"The bundle of {result.format} {result.precision} is not the one that was measured.")
    return result


def store_all(
    claim: Claim, out: Path, evaluations: dict[Arm, Evaluation], exports: dict[Path, ExportResult]
) -> Publication:
    """Put every file under the claim's own prefix. Raises StoreUnavailable or ChecksumMismatch."""
    prefix, arm = f"jobs/{claim.job_id}/{claim.fence}", published_arm(evaluations)
    said = out / arm / IMAGE_PREDICTIONS
    return Publication(
        weights=store_verified(f"{prefix}/{WEIGHTS}", out / arm / WEIGHTS),
        evaluation={arm: evaluation.model_dump(mode="json") for arm, evaluation in evaluations.items()},
        exports=[
            FinishedExport(result, store_bundle(f"{prefix}/exports/{folder.name}/{BUNDLE}", folder / BUNDLE))
            for folder, result in exports.items()
        ],
        card=_card(list(exports), evaluations[arm]),
        environment=json.loads((out / arm / ENVIRONMENT).read_bytes()),
        report=store_verified(f"{prefix}/{REPORT}", out / "main" / REPORT),
        predictions=store_verified(f"{prefix}/{IMAGE_PREDICTIONS}", said) if said.is_file() else None,
    )


def store_bundle(key: str, path: Path) -> storage.StoredFile:
    """Signed, where the service signs. Raises ChecksumMismatch, StoreUnavailable or BadZipFile."""
    signing.seal(path)
    return replace(store_verified(key, path), members=bundle_files.members_of(path))


def store_verified(key: str, path: Path) -> storage.StoredFile:
    """Put a file and read it back."""
    stored = storage.put_file(key, path)
    digest = hashlib.sha256()
    for chunk in storage.read(key):
        digest.update(chunk)
    if digest.hexdigest() != stored.sha256:
        raise ChecksumMismatch(f"{key} reads back with another sha256.")
    return stored


def export_arguments(spec: ExportSpec, folder: Path) -> list[str | Path]:
    """What the trainer's `export` verb is told of one export."""
    constraints = spec.constraints.model_dump_json()
    return [
        *("--format", spec.format, "--precision", spec.precision),
        *(("--opset", str(spec.opset)) if spec.opset else ()),
        *("--export-dir", folder, "--constraints", constraints, "--ladder", spec.ladder.model_dump_json()),
    ]


def _card(bundles: Sequence[Path], evaluation: Evaluation) -> str:
    """The card that lies in the first bundle; without one, the figures in two lines."""
    for folder in bundles:
        with zipfile.ZipFile(folder / BUNDLE) as bundle:
            if MODEL_CARD in bundle.namelist():
                return bundle.read(MODEL_CARD).decode()
    split = evaluation.splits[evaluation.evaluation_split]
    terms = TERMS[split.task]
    return (
        f"# {evaluation.method}\n\n{evaluation.parameters} parameters. "
        f"{terms.headline_name.capitalize()} {getattr(split, terms.headline):.4f} on {split.samples} "
        f"{evaluation.evaluation_split} samples.\n"
    )


def keep_log(claim: Claim, log: bytes) -> None:
    """Store the trainer's own words. What cannot be stored ends no job."""
    if not log:
        return
    try:
        storage.put_bytes(f"jobs/{claim.job_id}/{claim.fence}/{LOG_NAME}", log)
    except StoreUnavailable as error:
        logger.warning("the trainer's log is not kept: %s", error)
