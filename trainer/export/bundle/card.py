"""The model card of a bundle: what a person must know before using the file, from what was measured and no more."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.files import PRETRAINED_NOTICE, WEIGHTS
from contract.pack.manifest import PackManifest
from contract.results.evaluation import AnySplit, Evaluation, Selection
from contract.results.exported import Candidate
from contract.specs import ExportSpec, MethodSpec, ResolvedSpec
from contract.specs.methods import TaughtSpec
from contract.tasks import TERMS
from portable.boxes import SURE
from trainer.export.bundle import ladder_table, loading
from trainer.export.formats import Format
from trainer.report.settings import settings_as_text

_SHOWN_CLASSES = 50
_ANSWERS = {
    "classification": "Says which of these a picture shows",
    "segmentation": "Says of each pixel of a picture which of these it belongs to",
    "detection": "Says where a picture shows which of these",
}
_USES = {
    "classification": "classifies pictures",
    "segmentation": "says what pictures show, with `--draw FOLDER` also as pictures",
    "detection": "says what pictures show, with `--draw FOLDER` also as pictures; it suppresses what overlaps "
    "(numpy, in `postprocess.py`), which the model does not",
}
_DECIDED = {
    "classification": "images",
    "segmentation": "pixels",
    "detection": f"boxes that either is {SURE:g} sure of",
}
_FORCED = {
    "classification": "Every picture gets one of the {} classes, also one that shows none of them.",
    "segmentation": "Every pixel gets one of the {} classes, also one of something else.",
    "detection": "What is none of the {} classes may be taken for one of them.",
}


@dataclass(frozen=True)
class Facts:
    spec: ResolvedSpec
    manifest: PackManifest
    weights_sha256: str  # of the trained network
    export: ExportSpec
    format: Format
    outputs: Mapping[str, str]  # what the file gives
    file: AnySplit | None  # the file's own figures; None where it cannot be run here
    trained: Evaluation  # of the published network
    method: MethodSpec  # what trained it
    other_arm: Evaluation | None  # of the network that was trained beside it
    selection: Selection | None  # how one of the two was chosen
    measured: dict[str, Any]
    violations: list[str]
    warnings: list[str]
    candidates: list[Candidate]  # of the ladder, where one was climbed


def write(facts: Facts) -> str:
    """The card as Markdown."""
    sections = (_head, _data, _method, _accuracy, _control, _file, _ladder, _weights, _limits, _licence)
    return "\n".join(text for section in sections if (text := section(facts)))


def _head(facts: Facts) -> str:
    classes = facts.manifest.classes
    names = ", ".join(classes[:_SHOWN_CLASSES]) + (" ..." if len(classes) > _SHOWN_CLASSES else "")
    failed = "".join(f"\n> **Gate failed.** {sentence}\n" for sentence in facts.violations)
    failed += "".join(f"\n> **Look at this first.** {sentence}\n" for sentence in facts.warnings)
    return f"""# {facts.spec.model.architecture}, {len(classes)} classes, {facts.format.TITLE} {facts.export.precision}
{failed}
{_ANSWERS[facts.manifest.task]}: {names}.
`python verify.py` checks this folder, `python infer.py IMAGE...` {_USES[facts.manifest.task]} (`README.md` \
says what to install).
The model takes `image`, float32 (batch, {facts.manifest.channels}, {facts.spec.height}, {facts.spec.width}), prepared \
as `preprocess.json` says, and gives {_outputs(facts)}.
{_tiles(facts)}"""


def _tiles(facts: Facts) -> str:
    tiles, height, width = facts.spec.training.tiles, facts.spec.height, facts.spec.width
    if tiles is None:
        return ""
    return f"""
Larger images are cut into overlapping tiles of {height * int(tiles.shrink)} x {width * int(tiles.shrink)} px, each of \
which is one run of the model; `infer.py` merges what they give. Figures below are of whole images, latency is of one \
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

Dataset digest `{facts.manifest.digest}`. Figures below are on `{facts.trained.evaluation_split}`, which \
was not trained on.
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
        "whose own training comes on top of the budget below,"
    )


def _teacher(method: MethodSpec, spec: ResolvedSpec) -> str:
    if isinstance(method, TaughtSpec):
        return f"taught by the network `{method.teacher}`, whose own training comes on top of the budget below"
    return "no teacher network" if spec.origin else "no teacher network, no other data"


def _accuracy(facts: Facts) -> str:
    rows = [("this file", *_row(facts.file))] if facts.file else []
    rows.append(("the trained network", *_row(_held_out(facts.trained))))
    if other := facts.other_arm:
        name = "control" if other.arm == "control" else "not published"
        rows.append((f"{name} ({other.method})", *_row(_held_out(other))))
    lines = [
        f"| {name} | {_percent(value)} | {_interval(interval)} | {_number(nll)} | {_number(ece)} |"
        for name, value, interval, nll, ece in rows
    ]
    return f"""## Accuracy and calibration
On {_held_out(facts.trained).samples:,} images. Intervals are 95 % and speak of the images drawn, not of \
other training seeds.

| | {TERMS[facts.manifest.task].headline_name} % | interval | NLL, nats | ECE |
|---|---|---|---|---|
{chr(10).join(lines)}

{_against_trained(facts)}
"""


def _against_trained(facts: Facts) -> str:
    if facts.file:
        return f"This file is {_drop(facts.measured['drop_points'])} the trained network{_sureness(facts.measured)}."
    return (
        f"**This file was not run**: {facts.format.TITLE} runs on other systems only. How accurate and how fast it is, "
        "nobody measured; `python verify.py` there compares it with the trained network."
    )


def _sureness(measured: dict[str, Any]) -> str:
    if "drop_interval_points" not in measured:
        return ""
    low, high = measured["drop_interval_points"]
    return f" (drop in points, image by image: 95 % interval {low:.2f} to {high:.2f})"


def _control(facts: Facts) -> str:
    other = facts.other_arm
    if not other:
        return "No control was trained: whether the method helps on this data was not measured.\n"
    ours, theirs = _held_out(facts.trained), _held_out(other)
    difference = 100 * (_row(ours)[0] - _row(theirs)[0])
    verdict = "above" if difference > 0 else "below" if difference < 0 else "from"
    name = "The control" if other.arm == "control" else "The other network"
    chosen = f"{facts.selection.message}\n\n" if facts.selection else ""
    return f"""{chosen}{name}, trained by `{other.method}` on {other.images_seen:,} images seen \
({facts.trained.images_seen:,} here) with the same seed and schedule: the trained network is \
{abs(difference):.2f} points {verdict} it. One seed is no proof of a difference.
"""


def _file(facts: Facts) -> str:
    measured = facts.measured
    decided = _DECIDED[facts.manifest.task]
    weights = ", ".join(f"{count:,} {dtype}" for dtype, count in sorted(measured["weights"].items()))
    rows = [
        ("bytes of the model", f"{measured['model_bytes']:,}"),
        ("parameters", f"{measured['parameters']:,}"),
        ("multiply-adds per image", f"{facts.trained.macs:,}"),
        ("weights stored as", weights),
        ("opened by", _opened_by(measured["requires"])),
        *_speed(measured),
    ]
    if facts.export.precision != "fp32":
        rows.append(("bytes against fp32", f"{measured['bytes_ratio']:.3f}"))
    if facts.export.precision != "fp32" and facts.file:
        rows += [
            ("fp32 latency in the same run, ms", _latency(measured, "fp32_latency_ms")),
            (
                "same answer as fp32",
                f"{_shared(measured['fp32_agreement'])} of the {decided}",
            ),
        ]
    if facts.export.precision == "int8":
        rows.append(("quantization", settings_as_text(facts.format.SETTINGS)))
    lines = [f"| {name} | {value} |" for name, value in rows]
    return f"""## The file
{_conditions(measured)}

| | |
|---|---|
{chr(10).join(lines)}
"""


def _opened_by(requires: Mapping[str, Any]) -> str:
    opset = f"; opset {requires['opset']}, IR version {requires['ir_version']}" if "opset" in requires else ""
    return f"{requires['runtime']}{opset}"


def _conditions(measured: dict[str, Any]) -> str:
    if not measured["run_here"]:
        return "Read from the file; it was not run."
    return f"Latency: batch 1, one thread, {measured['cpu']}, {measured['runtime']}, after warm-up."


def _speed(measured: dict[str, Any]) -> list[tuple[str, str]]:
    if not measured["run_here"]:
        return []
    memory = measured["peak_rss_bytes"]
    return [
        ("latency p50 / p90 / p99, ms", _latency(measured, "latency_ms")),
        ("peak memory, bytes", f"{memory:,}" if memory else "not measured"),
    ]


def _ladder(facts: Facts) -> str:
    return ladder_table.write(facts.candidates, TERMS[facts.manifest.task].headline_name)


def _weights(facts: Facts) -> str:
    program = "\n".join(loading.lines(facts.spec, facts.manifest, WEIGHTS))
    return f"""## The trained weights
The float weights that this file was made of, sha256 `{facts.weights_sha256}`: `patchswap pull MODEL --weights` \
downloads them as `{WEIGHTS}`. In torch:

```python
{program}
```
"""


def _limits(facts: Facts) -> str:
    return f"""## Limits
- Not measured: other processors and accelerators, battery and heat, several images at once, pictures from other \
sources than the dataset, attacks on the input.
- {_FORCED[facts.manifest.task].format(len(facts.manifest.classes))}
- One training run with one seed; another seed gives other weights and figures.
- Probabilities are as well calibrated as the ECE says, on pictures like those of the dataset only.
"""


def _licence(facts: Facts) -> str:
    origin = facts.spec.origin
    if origin is None:
        return """## Licence
None was stated to the training service, for the pictures or for these weights. Whoever owns them decides.
"""
    return f"""## Licence
The pretrained weights `{origin.id}` are under {origin.licence}: `{PRETRAINED_NOTICE}` has their source and licence, \
and goes wherever this model goes. For the pictures none was stated to the training service.
"""


def _held_out(evaluation: Evaluation) -> AnySplit:
    return evaluation.splits[evaluation.evaluation_split]


def _row(figures: AnySplit) -> tuple[float, tuple[float, float] | None, float | None, float | None]:
    metric = TERMS[figures.task].headline
    others = (getattr(figures, name, None) for name in ("nll", "ece"))
    return getattr(figures, metric), figures.confidence_intervals.get(metric), *others


def _latency(measured: dict[str, Any], name: str) -> str:
    return " / ".join(f"{measured[f'{name}_{p}']:.3f}" for p in ("p50", "p90", "p99"))


def _shared(fraction: float | None) -> str:
    return "none" if fraction is None else f"{_percent(fraction)} %"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}"


def _interval(interval: tuple[float, float] | None) -> str:
    return f"{_percent(interval[0])} to {_percent(interval[1])}" if interval else "not computed"


def _number(value: float | None) -> str:
    return "not computed" if value is None else f"{value:.4f}"


def _drop(points: float) -> str:
    if abs(points) < 0.005:
        return "as accurate as"
    return f"{abs(points):.2f} points {'below' if points > 0 else 'above'}"
