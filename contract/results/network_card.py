"""What must be known of a trained network to let it teach another one, or begin another one."""

from contract.architectures import BACKBONES
from contract.pack.manifest import PackManifest
from contract.specs.model import ModelSpec
from contract.strict import Strict
from contract.tasks import TERMS


class TeacherCard(Strict):
    """Lies beside a teacher's weights."""

    model: ModelSpec  # resolved: the stem is small or imagenet
    classes: tuple[str, ...]
    channels: int
    mean: tuple[float, ...]  # of its own training images: what its pixels were normalised by
    std: tuple[float, ...]

    def unfit_for(self, manifest: PackManifest) -> str | None:
        """Why it cannot teach on a dataset, for the customer; None where it can."""
        if not TERMS["classification"].has(self.model.architecture):
            return f"The teacher is a {self.model.architecture}; take a classification model."
        if list(self.classes) != manifest.classes:
            return (
                f"The teacher knows the classes {_named(self.classes)}, the dataset has {_named(manifest.classes)}; "
                "take a teacher that was trained on the same classes."
            )
        if self.channels != manifest.channels:
            return f"The teacher reads images of {self.channels} channels, the dataset's have {manifest.channels}."
        return None

    def unfit_to_begin(self, model: ModelSpec, *, channels: int) -> str | None:
        """Why a network cannot begin with its weights, for the customer; None where it can."""
        wanted = BACKBONES.get(model.architecture, model.architecture)
        if self.model.architecture != wanted:
            built_on = "needs weights of" if wanted == model.architecture else "is built on"
            return f"{model.architecture} {built_on} {wanted}; the model is a {self.model.architecture}."
        if self.model.stem != model.stem:
            return (
                f"The model was trained with the {self.model.stem} stem, this network has the {model.stem} one; "
                f'give "stem": "{self.model.stem}" here, or train the classifier anew with the other.'
            )
        if self.channels != channels:
            return f"The model reads images of {self.channels} channels, the dataset's have {channels}."
        return None


def _named(classes: list[str] | tuple[str, ...]) -> str:
    shown = ", ".join(classes[:5])
    return shown if len(classes) <= 5 else f"{shown} ... ({len(classes)} in all)"
