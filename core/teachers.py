"""Which trained model may teach a job, and what must be known of it to let it."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.spec import JobSpec, ModelSpec, PackManifest, SpecInvalid, Violation
from core.spec.methods import TaughtSpec, TfKdSelfSpec
from core.spec.teacher import TeacherCard
from core.tables import DatasetVersion, Job, Model

POINTER = "/method/teacher"


@dataclass(frozen=True)
class Teacher:
    model_id: str
    card: TeacherCard
    weights_key: str
    weights_sha256: str


def require(session: Session, tenant_id: str, resolved: JobSpec, manifest: PackManifest) -> None:
    """Raises SpecInvalid where a spec names a teacher that is none, or none for this dataset."""
    if isinstance(resolved.method, TaughtSpec):
        found = find(session, tenant_id, resolved.method.teacher)
        if violation := _violation(resolved, manifest, found):
            raise SpecInvalid([violation])


def find(session: Session, tenant_id: str, model_id: str) -> Teacher | None:
    """None for another tenant's model just as for none. It cannot be deleted before the transaction ends."""
    statement = (
        select(Model, Job.resolved, DatasetVersion.manifest)
        .join(Job, Job.id == Model.job_id)
        .join(DatasetVersion, DatasetVersion.id == Model.dataset_version_id)
        .where(Model.id == model_id, Model.tenant_id == tenant_id)
        .with_for_update(read=True, key_share=True, of=Model)
    )
    row = session.execute(statement).one_or_none()
    if row is None:
        return None
    model, spec, manifest = row
    card = _card(ModelSpec.model_validate(spec["model"]), PackManifest.model_validate(manifest))
    return Teacher(model.id, card, model.weights_key, model.weights_sha256)


def of(session: Session, job: Job) -> Teacher | None:
    """Who teaches a job. None where nobody does, or where that model is gone."""
    model_id = job.resolved["method"].get("teacher")
    return find(session, job.tenant_id, model_id) if model_id else None


def _card(model: ModelSpec, manifest: PackManifest) -> TeacherCard:
    return TeacherCard(
        model=model,
        classes=tuple(manifest.classes),
        channels=manifest.channels,
        mean=tuple(manifest.mean),
        std=tuple(manifest.std),
    )


def _violation(resolved: JobSpec, manifest: PackManifest, teacher: Teacher | None) -> Violation | None:
    if teacher is None:
        message = "there is no model by this id; take the model_id of a job that succeeded"
        return Violation(pointer=POINTER, code="unknown_teacher", message=message)
    unfit = teacher.card.unfit_for(manifest)
    if unfit is None and isinstance(resolved.method, TfKdSelfSpec):
        unfit = _unlike(resolved.model, teacher.card.model)
    return Violation(pointer=POINTER, code="teacher_unfit", message=unfit) if unfit else None


def _unlike(student: ModelSpec, teacher: ModelSpec) -> str | None:
    if student == teacher:
        return None
    mine, theirs = (f"{model.architecture} with the {model.stem} stem" for model in (student, teacher))
    return (
        f"tf_kd_self learns from an earlier copy of itself: the teacher is {theirs}, this is {mine}; take kd instead."
    )
