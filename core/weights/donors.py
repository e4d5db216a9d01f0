"""Which trained model may teach a job or begin its backbone, and what must be known of it to let it."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from contract.pack.manifest import PackManifest
from contract.results.network_card import TeacherCard
from contract.specs import JobSpec, ModelSpec, SpecInvalid, Violation
from contract.specs.methods import TaughtSpec, TfKdSelfSpec
from core.tables import DatasetVersion, Job, Model

POINTER = "/method/teacher"
BACKBONE_POINTER = "/model/pretrained"


@dataclass(frozen=True)
class Teacher:
    model_id: str
    card: TeacherCard
    weights_key: str
    weights_sha256: str
    pruned: bool


def require(session: Session, tenant_id: str, resolved: JobSpec, manifest: PackManifest) -> None:
    """Raises SpecInvalid where a spec names a teacher or a backbone that is none, or none for this dataset."""
    found = []
    if isinstance(resolved.method, TaughtSpec):
        found.append(_violation(resolved, manifest, find(session, tenant_id, resolved.method.teacher)))
    if (resolved.model.pretrained or "").startswith("model_"):
        donor = find(session, tenant_id, str(resolved.model.pretrained))
        found.append(_backbone_violation(resolved.model, manifest, donor))
    if violations := [one for one in found if one is not None]:
        raise SpecInvalid(violations)


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
    pruned = bool(spec.get("compression", {}).get("pruning"))
    return Teacher(model.id, card, model.weights_key, model.weights_sha256, pruned)


def of(session: Session, job: Job) -> Teacher | None:
    """Who teaches a job. None where nobody does, or where that model is gone."""
    model_id = job.resolved["method"].get("teacher")
    return find(session, job.tenant_id, model_id) if model_id else None


def backbone_of(session: Session, job: Job) -> Teacher | None:
    """Whose weights a job's backbone begins with. None where it begins at random, or where that model is gone."""
    model_id = _donor_id(job)
    return find(session, job.tenant_id, model_id) if model_id else None


def are_gone(session: Session, job: Job) -> bool:
    """Whether a model that the job needs was deleted."""
    teacher, backbone = job.resolved["method"].get("teacher"), _donor_id(job)
    return any(model_id and find(session, job.tenant_id, model_id) is None for model_id in (teacher, backbone))


def _donor_id(job: Job) -> str | None:
    model = ModelSpec.model_validate(job.resolved["model"])
    return model.pretrained if (model.pretrained or "").startswith("model_") else None


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


def _backbone_violation(model: ModelSpec, manifest: PackManifest, donor: Teacher | None) -> Violation | None:
    if donor is None:
        message = "there is no model by this id; take the model_id of a classification job that succeeded"
        return Violation(pointer=BACKBONE_POINTER, code="unknown_backbone", message=message)
    unfit = donor.card.unfit_to_begin(model, channels=manifest.channels)
    if unfit is None and donor.pruned:
        unfit = "The model was pruned: its layers are narrower than the backbone's; take one that was not."
    return Violation(pointer=BACKBONE_POINTER, code="backbone_unfit", message=unfit) if unfit else None


def _unlike(student: ModelSpec, teacher: ModelSpec) -> str | None:
    if (student.architecture, student.stem) == (teacher.architecture, teacher.stem):
        return None
    mine, theirs = (f"{model.architecture} with the {model.stem} stem" for model in (student, teacher))
    return (
        f"tf_kd_self learns from an earlier copy of itself: the teacher is {theirs}, this is {mine}; take kd instead."
    )
