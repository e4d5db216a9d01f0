"""One claim on one job, and where its work lies."""

from dataclasses import dataclass
from pathlib import Path

from contract.child.messages import Arm
from contract.files import SPEC
from contract.specs import ResolvedSpec
from core.jobs.ledger import Claim
from core.tables import Checkpoint, DatasetVersion, Job
from core.weights.donors import Donor
from worker.claims.job_lease import JobLease
from worker.outputs.checkpoints import CheckpointUploads


@dataclass
class Attempt:
    job: Job
    version: DatasetVersion
    checkpoints: list[Checkpoint]
    teacher: Donor | None
    pretrained: Donor | None
    spec: ResolvedSpec
    folder: Path
    lease: JobLease
    uploads: CheckpointUploads
    log: bytes = b""

    @property
    def claim(self) -> Claim:
        return self.lease.claim

    @property
    def arms(self) -> tuple[Arm, ...]:
        return ("main", "control") if self.spec.control else ("main",)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def teacher_folder(self) -> Path:
        return self.folder / "teacher"

    @property
    def pretrained_folder(self) -> Path:
        return self.folder / "pretrained"

    @property
    def spec_file(self) -> Path:
        return self.folder / SPEC
