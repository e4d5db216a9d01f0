"""What a training will make of the sizes of these images, said before there is one."""

from contract.pack.manifest import PackManifest
from contract.specs import TrainingSpec, image_size
from ingest.findings import Findings


def tell(manifest: PackManifest, findings: Findings) -> None:
    """A warning for each loss at the size that a training takes by default, and that size where images are resized."""
    training = TrainingSpec()
    size = image_size.chosen_size(training, manifest)
    fit = image_size.chosen_fit(training, manifest, size)
    for loss in image_size.losses(manifest, size, fit):
        message, _, fix = loss.message.partition(". ")
        findings.add("warning", loss.code, f"{message.rstrip('.')}.", fix=fix or None)
    if size == manifest.image_size or manifest.task == "classification":
        return
    how = "keep their aspect ratio, with gray beside them" if fit == "letterbox" else "fill it"
    message = f"A training takes images at {image_size.named(size)} unless `--image-size` says otherwise; they {how}."
    if boxes := manifest.box_sizes:
        px = image_size.box_px(manifest, size)
        message += f" The smallest tenth of the boxes of {boxes.class_name!r} is {px:.0f} px there."
    findings.add("info", "training_size", message)
