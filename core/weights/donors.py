"""Networks that a job begins with or learns from: which may, and what must be known of them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from contract.pack.manifest import PackManifest
from contract.results.network_card import TeacherCard
from contract.specs import JobSpec, ModelSpec, SpecInvalid, Violation
from contract.specs.beginning import POINTER as PRETRAINED_POINTER
from contract.specs.beginning import Origin
from contract.specs.methods import TaughtSpec, TfKdSelfSpec
from contract.specs.normalisation import Normalisation
from contract.weights import BUILT_IN, InputRule, WeightsCard
from core.tables import DatasetVersion, Job, Model, Weights
from core.weights import pushed

POINTER = "/method/teacher"


@dataclass(frozen=True)
class Donor:
    """A trained network: a model of this service, or weights that a tenant pushed."""

    id: str
    card: TeacherCard
    weights: WeightsCard
    weights_key: str
    weights_sha256: str
    pruned: bool = False


def require(session: Session, tenant_id: str, resolved: JobSpec, manifest: PackManifest) -> None:
    """Raises SpecInvalid where a spec names a teacher or a beginning that is none, or none for this dataset."""
    found = []
    if isinstance(resolved.method, TaughtSpec):
        found.append(_violation(resolved, manifest, find(session, tenant_id, resolved.method.teacher)))
    if (resolved.model.pretrained or "").startswith("model_"):
        found.append(_pretrained_violation(find(session, tenant_id, str(resolved.model.pretrained))))
    if violations := [one for one in found if one is not None]:
        raise SpecInvalid(violations)


def find(session: Session, tenant_id: str, model_id: str) -> Donor | None:
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
    card = _card(spec, PackManifest.model_validate(manifest))
    pruned = bool(spec.get("compression", {}).get("pruning"))
    return Donor(model.id, card, _weights(model, spec, card), model.weights_key, model.weights_sha256, pruned)


def teacher_of(session: Session, job: Job) -> Donor | None:
    """Who teaches a job. None where nobody does, or where that model is gone."""
    model_id = job.resolved["method"].get("teacher")
    return find(session, job.tenant_id, model_id) if model_id else None


def pretrained_of(session: Session, job: Job) -> Donor | None:
    """Whose weights a job begins with. None where they are random or built in, or where that network is gone."""
    weights_id = _needed(job)
    if weights_id is None:
        return None
    if weights_id.startswith("model_"):
        return find(session, job.tenant_id, weights_id)
    row = pushed.held(session, job.tenant_id, weights_id)
    return _donor(row) if row else None


def are_gone(session: Session, job: Job) -> bool:
    """Whether a network that the job needs was deleted."""
    teacher = job.resolved["method"].get("teacher")
    return bool(
        (teacher and teacher_of(session, job) is None) or (_needed(job) and pretrained_of(session, job) is None)
    )


def _needed(job: Job) -> str | None:
    """What a job begins with that the ledger knows."""
    pretrained = ModelSpec.model_validate(job.resolved["model"]).pretrained
    return None if pretrained in BUILT_IN else pretrained


def _donor(row: Weights) -> Donor:
    weights = pushed.card_of(row)
    model = {"architecture": weights.architecture, "stem": weights.stem, "pretrained": None}
    card = TeacherCard(
        model=ModelSpec.model_validate(model),
        classes=weights.classes or (),
        channels=weights.channels,
        mean=weights.input.mean,
        std=weights.input.std,
    )
    return Donor(row.id, card, weights, str(row.object_key), weights.sha256)


def _card(spec: dict[str, Any], manifest: PackManifest) -> TeacherCard:
    """`spec` is the resolved one of the model's job, of whatever release."""
    own = {"mean": manifest.mean, "std": manifest.std}
    pixels = Normalisation.model_validate(spec.get("normalisation") or own)
    return TeacherCard(
        model=ModelSpec.model_validate(spec["model"]),
        classes=tuple(manifest.classes),
        channels=manifest.channels,
        mean=pixels.mean,
        std=pixels.std,
    )


def _weights(model: Model, spec: dict[str, Any], card: TeacherCard) -> WeightsCard:
    """Of a model of this service. What it began with lends it its licence."""
    origin = Origin.model_validate(spec["origin"]) if spec.get("origin") else None
    return WeightsCard.model_validate(
        {
            "id": model.id,
            "architecture": card.model.architecture,
            "task": model.task,
            "classes": card.classes,
            "num_classes": len(card.classes),
            "channels": card.channels,
            "stem": card.model.stem,
            "input": InputRule(size=(spec["height"], spec["width"]), mean=card.mean, std=card.std),
            "licence": origin.licence if origin else "its owner's",
            "source": f"trained by job {model.job_id}" + (f" from {origin.id}" if origin else ""),
            "sha256": model.weights_sha256,
            "bytes": model.weights_bytes,
        }
    )


def _violation(resolved: JobSpec, manifest: PackManifest, teacher: Donor | None) -> Violation | None:
    if teacher is None:
        message = "There is no model by this id. Take the model_id of a job that succeeded."
        return Violation(pointer=POINTER, code="unknown_teacher", message=message)
    unfit = teacher.card.unfit_for(manifest)
    if unfit is None and isinstance(resolved.method, TfKdSelfSpec):
        unfit = _unlike(resolved.model, teacher.card.model)
    return Violation(pointer=POINTER, code="teacher_unfit", message=unfit) if unfit else None


def _pretrained_violation(donor: Donor | None) -> Violation | None:
    """What a resolved spec does not know yet; whether the weights fit was said when it was resolved."""
    if donor is None:
        message = "There is no model by this id. Take the model_id of a classification job that succeeded."
        return Violation(pointer=PRETRAINED_POINTER, code="unknown_weights", message=message)
    if donor.pruned:
        message = "The model was pruned: its layers are narrower than the network's. Take one that was not."
        return Violation(pointer=PRETRAINED_POINTER, code="weights_unfit", message=message)
    return None


def _unlike(student: ModelSpec, teacher: ModelSpec) -> str | None:
    if (student.architecture, student.stem) == (teacher.architecture, teacher.stem):
        return None
    mine, theirs = (f"{model.architecture} with the {model.stem} stem" for model in (student, teacher))
    return (
        f"tf_kd_self learns from an earlier copy of itself: the teacher is {theirs}, this is {mine}. Take kd instead."
    )
