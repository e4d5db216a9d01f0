"""The model card of a bundle: what a person must know before using the file, from measurements alone."""

from typing import Any

from contract.files import PRETRAINED_NOTICE
from contract.results.evaluation import AnySplit
from contract.specs import MethodSpec, ResolvedSpec
from contract.specs.methods import TaughtSpec
from contract.tasks import TERMS
from trainer.export.bundle import card_of_file, card_of_robustness
from trainer.export.bundle.facts import Facts, held_out, percent
from trainer.report.settings import settings_as_text

_SHOWN_CLASSES = 50
_ANSWERS = {
    "classification": "Names the class of an image",
    "segmentation": "Names the class of each pixel of an image",
    "detection": "Finds objects of these classes in an image",
}
_USES = {
    "classification": "classifies images",
    "segmentation": "segments images; `--draw FOLDER` also draws the masks",
    "detection": "finds objects; `--draw FOLDER` also draws the boxes. Overlapping boxes are suppressed in "
    "`postprocess.py` (numpy), not in the model",
}
_FORCED = {
    "classification": "Every image gets one of the {} classes, even if it shows none of them.",
    "segmentation": "Every pixel gets one of the {} classes, even if it shows none of them.",
    "detection": "An object of another kind may be reported as one of the {} classes.",
}

_NOT_MEASURED = (
    "other processors and accelerators",
    "battery and heat",
    "several images at once",
    "images from other sources than the dataset",
)


def write(facts: Facts) -> str:
    """The card as Markdown."""
    sections = (
        _head,
        _data,
        _method,
        _accuracy,
        _control,
        card_of_robustness.section,
        card_of_file.file,
        card_of_file.ladder,
        card_of_file.weights,
        _limits,
        _licence,
    )
    return "\n".join(text for section in sections if (text := section(facts)))


def _head(facts: Facts) -> str:
    classes = facts.manifest.classes
    names = ", ".join(classes[:_SHOWN_CLASSES]) + (" ..." if len(classes) > _SHOWN_CLASSES else "")
    failed = "".join(f"\n> **Gate failed.** {sentence}\n" for sentence in facts.violations)
    failed += "".join(f"\n> **Look at this first.** {sentence}\n" for sentence in facts.warnings)
    return f"""# {facts.spec.model.architecture}, {len(classes)} classes, {facts.format.TITLE} {facts.export.precision}
{failed}
{_ANSWERS[facts.manifest.task]}: {names}.
`python verify.py` checks this folder. `python infer.py IMAGE...` {_USES[facts.manifest.task]}. `README.md` lists \
the packages to install.
Input: `image`, float32 (batch, {facts.manifest.channels}, {facts.spec.height}, {facts.spec.width}), prepared \
as in `preprocess.json`. Output: {_outputs(facts)}.
{_tiles(facts)}"""


def _tiles(facts: Facts) -> str:
    tiles, height, width = facts.spec.training.tiles, facts.spec.height, facts.spec.width
    if tiles is None:
        return ""
    return f"""
Larger images are cut into overlapping tiles of {height * int(tiles.shrink)} x {width * int(tiles.shrink)} px. The \
model runs once for each tile, and `infer.py` merges the results. Figures below are of whole images; latency is of one \
tile. Objects larger than {tiles.overlap:.0%} of a tile's side may be found in parts.
"""


def _outputs(facts: Facts) -> str:
    return ", and ".join(f"`{name}`, float32 {shape}" for name, shape in facts.outputs.items())


def _data(facts: Facts) -> str:
    rows = [f"| {split} | {facts.manifest.split_size(split):,} |" for split in ("train", "val", "test")]
    return f"""## Data
| split | images |
|---|---|
{chr(10).join(rows)}

Dataset digest `{facts.manifest.digest}`. Figures below are of the held-out split \
`{facts.trained.evaluation_split}`, which was not trained on.
"""


def _method(facts: Facts) -> str:
    spec, trained = facts.spec, facts.trained
    settings = {
        "model": spec.model.model_dump(exclude={"architecture", "pretrained"}),
        "method": facts.method.model_dump(),
        "optimizer": spec.optimizer.model_dump(),
        "augmentation": spec.training.augmentation.model_dump(),
    }
    rows = [f"| {part} | {settings_as_text(values)} |" for part, values in settings.items()]
    return f"""## Method
{_beginning(spec)} by `{facts.method.name}`; {_teacher(facts.method, spec)}.

| part | settings |
|---|---|
{chr(10).join(rows)}
| budget | {spec.training.epochs} epochs, {trained.images_seen:,} images seen, {trained.train_seconds:.0f} s |
| seed | {spec.seed} |
"""


def _beginning(spec: ResolvedSpec) -> str:
    origin = spec.origin
    if origin is None:
        return "Trained from random weights"
    return (
        f"Fine-tuned from the pretrained weights `{origin.id}` ({origin.source}; sha256 `{origin.sha256}`), "
        "whose own training is not in the budget below,"
    )


def _teacher(method: MethodSpec, spec: ResolvedSpec) -> str:
    if isinstance(method, TaughtSpec):
        return f"teacher: the network `{method.teacher}`, whose own training is not in the budget below"
    return "no teacher network" if spec.origin else "no teacher network, no other data"


def _accuracy(facts: Facts) -> str:
    rows = [("this file", *_row(facts.file))] if facts.file else []
    rows.append(("the trained network", *_row(facts.held_out)))
    if other := facts.other_arm:
        name = "baseline" if other.arm == "control" else "not published"
        rows.append((f"{name} ({other.method})", *_row(held_out(other))))
    lines = [
        f"| {name} | {percent(value)} | {_interval(interval)} | {_number(nll)} | {_number(ece)} |"
        for name, value, interval, nll, ece in rows
    ]
    return f"""## Accuracy and calibration
On {facts.held_out.samples:,} held-out images. Intervals are 95 %, over the images drawn. They do \
not cover other training seeds.

| | {TERMS[facts.manifest.task].headline_name} % | interval | NLL, nats | ECE |
|---|---|---|---|---|
{chr(10).join(lines)}

{_against_trained(facts)}
"""


def _against_trained(facts: Facts) -> str:
    if facts.file:
        return f"This file is {_drop(facts.measured['drop_points'])} the trained network{_sureness(facts.measured)}."
    return (
        f"**This file was not run**: {facts.format.TITLE} does not run on this system. Its accuracy and latency were "
        "not measured. Run `python verify.py` on the target system to compare it with the trained network."
    )


def _sureness(measured: dict[str, Any]) -> str:
    if "drop_interval_points" not in measured:
        return ""
    low, high = measured["drop_interval_points"]
    return f" (drop in points, image by image: 95 % interval {low:.2f} to {high:.2f})"


def _control(facts: Facts) -> str:
    other = facts.other_arm
    if not other:
        return "No baseline was trained, so whether the method helps on this data was not measured.\n"
    difference = 100 * (_row(facts.held_out)[0] - _row(held_out(other))[0])
    name = "The baseline" if other.arm == "control" else "The network that was not published"
    chosen = f"{facts.selection.message}\n\n" if facts.selection else ""
    seen = f"{other.images_seen:,}"
    if other.images_seen != facts.trained.images_seen:
        seen = f"{seen} (this one: {facts.trained.images_seen:,})"
    return f"""{chosen}{name} was trained by `{other.method}` with the same seed and schedule. It saw {seen} images. \
The published network is {_points(difference)} it. One seed does not prove a difference.
"""


def _limits(facts: Facts) -> str:
    return f"""## Limits
- Not measured: {", ".join([*_NOT_MEASURED, *card_of_robustness.not_measured(facts)])}.
- {_FORCED[facts.manifest.task].format(len(facts.manifest.classes))}
- This is one training run with one seed. Another seed gives other weights and figures.
- The ECE above holds for images like those of the dataset. Elsewhere, probabilities may be less reliable.
"""


def _licence(facts: Facts) -> str:
    origin = facts.spec.origin
    if origin is None:
        return """## Licence
No licence was stated to the training service, for the images or for these weights. Ask their owner.
"""
    return f"""## Licence
The pretrained weights `{origin.id}` are under {origin.licence}. Keep `{PRETRAINED_NOTICE}`, their source and licence, \
with this model. No licence was stated to the training service for the images.
"""


def _row(figures: AnySplit) -> tuple[float, tuple[float, float] | None, float | None, float | None]:
    metric = TERMS[figures.task].headline
    others = (getattr(figures, name, None) for name in ("nll", "ece"))
    return getattr(figures, metric), figures.confidence_intervals.get(metric), *others


def _interval(interval: tuple[float, float] | None) -> str:
    return f"{percent(interval[0])} to {percent(interval[1])}" if interval else "not computed"


def _number(value: float | None) -> str:
    return "not computed" if value is None else f"{value:.4f}"


def _drop(points: float) -> str:
    return _points(-points)


def _points(difference: float) -> str:
    """How it stands to what is named next."""
    if abs(difference) < 0.005:
        return "as accurate as"
    return f"{abs(difference):.2f} points {'above' if difference > 0 else 'below'}"
