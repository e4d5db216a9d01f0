"""`python -m trainer VERB SPEC.json --pack DIR --out DIR`: one verb, JSON lines on stdout, people's words on stderr.

`python -m trainer weights --in FILE --architecture NAME --out DIR` reads a weights file.

Exit status: 0 after `done`, 3 after `failed`, 4 after `stopped`; anything else is a crash.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from contract import formats
from contract.child.messages import EXIT_DONE, EXIT_FAILED, EXIT_STOPPED, Failed, Message, Notice, Stopped
from contract.pack.manifest import PackManifest
from contract.specs import (
    Constraints,
    ExportSpec,
    LadderSpec,
    ModelSpec,
    ResolvedSpec,
    SpecInvalid,
    TrainingSpec,
    settle,
)
from contract.weights import installed
from trainer import errors, image_predictions, pushed_weights, trial
from trainer.data.pack import Pack, open_pack, read_manifest
from trainer.evaluation import evaluate
from trainer.machine import device, launch, stopping, team
from trainer.machine.output import Output
from trainer.training.loop import train


def preload() -> None:
    """What only some verbs need, for a process that forks others: nothing that starts threads, as onnxruntime does."""
    import onnx  # noqa: F401, PLC0415

    from trainer import report  # noqa: F401, PLC0415


def main() -> int:
    stopping.die_with_parent()
    arguments = _arguments()
    if arguments.verb == "train" and not launch.is_member() and (devices := _devices(arguments.spec)) > 1:
        return launch.run_team(devices, sys.argv[1:], stopping.StopRequest.on_sigterm())
    crew, gpu = team.join()
    status = _run(arguments, crew, gpu)
    launch.leave_status(status, is_chief=crew.is_chief)
    return status


def _run(arguments: argparse.Namespace, crew: team.Team, gpu: torch.device | None) -> int:
    """Say all that a verb says; of a team the chief speaks, and whoever fails."""
    output = Output.claim_stdout()
    last: Message | None = None
    try:
        for last in _messages(arguments, crew, gpu or device.choose()):
            if crew.is_chief:
                output.emit(last)
    except Exception as error:
        named = errors.named(error)
        if named is None:
            raise
        output.emit(Failed(error=named))
        return EXIT_FAILED
    return EXIT_STOPPED if isinstance(last, Stopped) else EXIT_DONE


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trainer", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    train_verb = _verb(verbs, "train", "train one arm, or resume it")
    evaluate_verb = _verb(verbs, "evaluate", "measure the weights, the control first; of main also write report.html")
    for command in (train_verb, evaluate_verb):
        command.add_argument("--arm", choices=("main", "control"), default="main")
    train_verb.add_argument("--pretrained", type=Path, help="folder of the network whose weights it begins with")
    export = _verb(verbs, "export", "write the trained network as a file to run elsewhere, and measure that file")
    for command in (train_verb, export):
        command.add_argument("--teacher", type=Path, help="folder of the network that teaches, as OUT/main is")
    export.add_argument("--format", default="onnx")
    export.add_argument("--precision", default="fp32")
    export.add_argument("--export-dir", type=Path, help="default: OUT/exports/FORMAT-PRECISION")
    export.add_argument("--constraints", type=json.loads, default={}, metavar="JSON")
    export.add_argument("--opset", type=int, help="of an ONNX file; default: the oldest that can be written")
    export.add_argument("--ladder", type=json.loads, default={}, metavar="JSON", help="what is tried to keep them")
    attempt = verbs.add_parser("try", help="build a network that nobody tried, and run it once")
    attempt.add_argument("--model", type=ModelSpec.model_validate_json, required=True, metavar="JSON")
    attempt.add_argument("--classes", type=int, required=True)
    attempt.add_argument("--shape", type=_shape, required=True, metavar="CHANNELS,HEIGHT,WIDTH")
    attempt.add_argument("--stages", action="store_true", help="the method reads the maps of its stages")
    pushed = verbs.add_parser("weights", help="read a pushed weights file, and leave what fits")
    pushed.add_argument("--in", dest="file", type=Path, required=True, metavar="FILE", help="safetensors")
    pushed.add_argument("--architecture", required=True)
    pushed.add_argument("--out", type=Path, required=True)
    predict = _verb(verbs, "predict", "ask a trained network about the images of another pack")
    predict.add_argument("--trained-on", type=Path, required=True, help="manifest of the pack that it was trained on")
    predict.add_argument("--arm", choices=("main", "control"), default="main")
    profile = _verb(verbs, "profile", "measure an exported file again, on this machine")
    profile.add_argument("--bundle", type=Path, required=True, help="bundle.zip of an export")
    return parser.parse_args()


def _verb(verbs: Any, name: str, words: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = verbs.add_parser(name, help=words)
    command.add_argument("spec", type=Path)
    command.add_argument("--pack", type=Path, required=True)
    command.add_argument("--out", type=Path, required=True)
    return command


def _messages(arguments: argparse.Namespace, crew: team.Team, chosen: torch.device) -> Iterator[Message]:
    if arguments.verb == "try":
        trial.confine()
        shape = arguments.shape
        yield from trial.run(
            arguments.model, num_classes=arguments.classes, image_shape=shape, reads_stages=arguments.stages
        )
        return
    if arguments.verb == "weights":
        pushed_weights.confine_to(arguments.file)
        yield from pushed_weights.read(arguments.file, arguments.architecture, arguments.out)
        return
    pack = open_pack(arguments.pack)
    if arguments.verb == "predict":
        trained_on = read_manifest(arguments.trained_on)
        spec, _ = _read_spec(arguments.spec, trained_on)
        yield from image_predictions.predict(
            spec, pack=pack, trained_on=trained_on, out=arguments.out, arm=arguments.arm, device=chosen
        )
        return
    spec, notices = _read_spec(arguments.spec, pack.manifest)
    if not spec.evaluation.test:
        pack = pack.without_test()
    if arguments.verb == "train":
        _require_formats(spec)
        shape = (pack.manifest.channels, spec.height, spec.width)
        classes = len(pack.manifest.classes)
        trial.require(spec.model, num_classes=classes, image_shape=shape, reads_stages=spec.method.reads_stages)
        yield from notices if arguments.arm == "main" else ()
        yield from train(
            spec,
            pack=pack,
            out=arguments.out,
            arm=arguments.arm,
            device=chosen,
            stop=stopping.StopRequest.on_sigterm(),
            team=crew,
            teacher=arguments.teacher if arguments.arm == "main" else None,
            pretrained=arguments.pretrained,
        )
    elif arguments.verb == "evaluate":
        yield from evaluate(spec, pack=pack, out=arguments.out, arm=arguments.arm, device=chosen)
    else:
        yield from _measured_file(arguments, spec, pack, chosen)


def _require_formats(spec: ResolvedSpec) -> None:
    """Raises TrainerError where a file that is asked for cannot be made here: before the training, not hours later."""
    for export in spec.exports:
        if absent := formats.missing(export.format):
            raise errors.format_missing(export.format, absent)


def _shape(text: str) -> tuple[int, int, int]:
    channels, height, width = (int(side) for side in text.split(","))
    return channels, height, width


def _devices(spec: Path) -> int:
    """What a spec asks for, as far as it can be read; what is wrong with it is said where it is used."""
    try:
        return TrainingSpec.model_validate(json.loads(spec.read_bytes()).get("training", {})).devices
    except (OSError, ValueError, AttributeError):
        return 1


def _measured_file(
    arguments: argparse.Namespace, spec: ResolvedSpec, pack: Pack, chosen: torch.device
) -> Iterator[Message]:
    # onnx and its runtime take seconds that training need not wait
    from trainer.export import profiling, run  # noqa: PLC0415

    if not spec.evaluation.test:
        raise errors.ended("spec_invalid", "A file is judged on the test split, which this spec leaves unread.")
    if arguments.verb == "profile":
        return profiling.run(spec, pack=pack, bundle=arguments.bundle, out=arguments.out)
    export = _checked_export(arguments)
    folder = arguments.export_dir or arguments.out / "exports" / f"{export.format}-{export.precision}"
    return run(
        spec, pack=pack, export=export, out=arguments.out, folder=folder, device=chosen, teacher=arguments.teacher
    )


def _checked_export(arguments: argparse.Namespace) -> ExportSpec:
    try:
        return ExportSpec(
            format=arguments.format,
            precision=arguments.precision,
            constraints=Constraints.model_validate(arguments.constraints),
            ladder=LadderSpec.model_validate(arguments.ladder),
            opset=arguments.opset,
        )
    except ValidationError as error:
        raise errors.ended("spec_invalid", str(error)) from error


def _read_spec(path: Path, manifest: PackManifest) -> tuple[ResolvedSpec, list[Notice]]:
    """A spec as it was submitted or as a job stored it, with what its sender should know."""
    try:
        body = json.loads(path.read_bytes())
        spec, warnings = settle(body, manifest, installed())
    except (json.JSONDecodeError, SpecInvalid) as error:
        raise errors.ended("spec_invalid", str(error)) from error
    return spec, [Notice(severity="warning", code=w.code, message=w.message) for w in warnings]


if __name__ == "__main__":
    sys.exit(main())
