"""What of augmentation, class balance and the order of learning cannot be run, or is doubtful, on a dataset."""

from contract.pack.balance import balance
from contract.pack.manifest import PackManifest
from contract.specs.job import JobSpec
from contract.specs.violations import SpecWarning, Violation

_AUGMENTATION = "/training/augmentation"
_BALANCE = "/training/class_balance"


def violations(spec: JobSpec, manifest: PackManifest) -> list[Violation]:
    found = [*_order_violations(spec), *_balance_violations(spec)]
    found += _crop_violations(spec) if manifest.task == "classification" else _classification_only(spec)
    return [Violation(pointer=pointer, code=code, message=message) for pointer, code, message in found]


def warnings(spec: JobSpec, manifest: PackManifest) -> list[SpecWarning]:
    found = []
    if spec.model.pretrained is None:
        message = "This protects pretrained weights, but the network begins with random ones. Set model.pretrained."
        asked = {
            "backbone_share": spec.optimizer.backbone_share != 1,
            "layer_decay": spec.optimizer.layer_decay != 1,
            "head_warmup_epochs": spec.optimizer.head_warmup_epochs > 0,
        }
        found += [
            SpecWarning(pointer=f"/optimizer/{name}", code="nothing_pretrained", message=message)
            for name, is_asked in asked.items()
            if is_asked
        ]
    if spec.training.class_balance == "none":
        found += _imbalance(spec, manifest)
    return found


def _order_violations(spec: JobSpec) -> list[tuple[str, str, str]]:
    found = []
    if spec.training.freeze_norms != "none" and spec.model.pretrained is None:
        message = (
            "The network begins with random weights, so its batch norms have no statistics to keep; "
            'set model.pretrained, or give "none".'
        )
        found.append(("/training/freeze_norms", "nothing_pretrained", message))
    warmup, epochs = spec.optimizer.head_warmup_epochs, spec.training.epochs
    if warmup >= epochs:
        message = f"Only the head would learn in all {epochs} epochs. Give fewer than training.epochs."
        found.append(("/optimizer/head_warmup_epochs", "not_below_epochs", message))
    return found


def _crop_violations(spec: JobSpec) -> list[tuple[str, str, str]]:
    augmentation, found = spec.training.augmentation, []
    area = augmentation.random_resized_crop
    for name in ("random_resized_crop", "closing_crop"):
        given = getattr(augmentation, name)
        if given and given[0] > given[1]:
            found.append((f"{_AUGMENTATION}/{name}", "not_increasing", "Give the smaller share first."))
    if augmentation.closing_crop and not area:
        message = "It follows on random_resized_crop, which is off. Give that too, or leave this out."
        found.append((f"{_AUGMENTATION}/closing_crop", "needs_random_resized_crop", message))
    if area and augmentation.crop_padding not in ("auto", 0):
        message = "`random_resized_crop` takes its place. Leave one of them out."
        found.append((f"{_AUGMENTATION}/crop_padding", "excluded", message))
    return found


def _balance_violations(spec: JobSpec) -> list[tuple[str, str, str]]:
    balance, method = spec.training.class_balance, spec.method
    if balance == "weights" and not method.weighs_classes:
        message = f'The loss of {method.name} has no weights of classes. Give "sampler" or "none".'
        return [(_BALANCE, "not_of_method", message)]
    if balance == "sampler" and method.stateful:
        message = f'{method.name} keeps a memory between steps, and the sampler repeats images. Give "none".'
        return [(_BALANCE, "stateful_method", message)]
    return []


def _classification_only(spec: JobSpec) -> list[tuple[str, str, str]]:
    augmentation, others = spec.training.augmentation, "This is for classification. Use scale_jitter and photometric."
    asked = {
        f"{_AUGMENTATION}/random_resized_crop": (augmentation.random_resized_crop is not None, others),
        f"{_AUGMENTATION}/closing_crop": (augmentation.closing_crop is not None, others),
        f"{_AUGMENTATION}/color_jitter": (augmentation.color_jitter > 0, others),
        f"{_AUGMENTATION}/trivial_augment": (augmentation.trivial_augment, others),
        f"{_AUGMENTATION}/random_erasing": (augmentation.random_erasing > 0, others),
        _BALANCE: (spec.training.class_balance != "none", "This is for classification. Leave it out."),
    }
    return [(pointer, "not_of_task", message) for pointer, (is_asked, message) in asked.items() if is_asked]


def _imbalance(spec: JobSpec, manifest: PackManifest) -> list[SpecWarning]:
    sizes = balance(manifest)
    if sizes is None or not sizes.is_unbalanced:
        return []
    take = '"weights" or "sampler"' if spec.method.weighs_classes else '"sampler"'
    if spec.method.stateful:
        take = f"another method than {spec.method.name} and {take}"
    message = (
        f"{sizes.largest!r} has {sizes.most} training images, {sizes.smallest!r} has {sizes.least}: the network will "
        f"prefer the common classes. Take {take}."
    )
    return [SpecWarning(pointer=_BALANCE, code="classes_unbalanced", message=message)]
