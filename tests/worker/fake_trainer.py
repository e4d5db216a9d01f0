"""A trainer without tensors for the worker's tests: `python -m tests.worker.fake_trainer`, the verbs of the real one.

Its weights are a chain of sha256 over the steps, so an interrupted run that ends with other bytes than an uninterrupted
one has lost or repeated a step. The job's labels say how fast it is and how it misbehaves:

fake/step_seconds, fake/checkpoint_steps; fake/skill: how good it gets depends on the learning rate, 0.1 is best;
fake/better_control: the control is the better one;
fake/checkpoint_bytes: so much is added to each checkpoint; fake/mode at step fake/at: see MODES, where `20:half` is a
place within the checkpoint of step 20, see SAVING. With fake/once, a path, only the first to get there misbehaves.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import hashlib
import json
import math
import os
import platform
import signal
import sys
import threading
import time
import zipfile
from pathlib import Path

import pyarrow.parquet as pq

from contract import predictions
from contract.child import messages
from contract.child.messages import EXIT_FAILED, EXIT_STOPPED, JobError
from contract.pack.manifest import PackManifest
from contract.results import selection
from contract.results.evaluation import Evaluation, SplitEvaluation
from contract.results.exported import Candidate, ExportResult, ProfileResult
from contract.results.network_card import TeacherCard
from contract.specs import Constraints, ExportSpec, LadderSpec, ResolvedSpec, plan
from contract.specs.methods import TaughtSpec

stop = threading.Event()
SAVING = ("opened", "half", "written", "synced", "renamed", "said")  # the places within one checkpoint, in order
REPORT = "<!doctype html><title>a report</title>"


def say(message: messages.Message) -> None:
    sys.stdout.write(message.model_dump_json() + "\n")
    sys.stdout.flush()


def segfault() -> None:
    print("about to touch what is not ours", file=sys.stderr, flush=True)
    ctypes.string_at(0)


def out_of_memory_kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hang() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)


def garbage() -> None:
    sys.stdout.write("Epoch 1: loss 0.3\n")
    sys.stdout.flush()
    time.sleep(5)


def name_error(code: str) -> None:
    category = "user_spec" if code == "loss_nan" else "resource"
    error = JobError(code=code, category=category, retryable=True, message=code, remediation="Change the spec.")
    say(messages.Failed(error=error))
    sys.exit(EXIT_FAILED)


MODES = {
    "segfault": segfault,
    "oom_kill": out_of_memory_kill,
    "exit": lambda: sys.exit(7),
    "hang": hang,
    "garbage": garbage,
    "nan": lambda: name_error("loss_nan"),
    "gpu_oom": lambda: name_error("gpu_oom"),
    "deaf": lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
}


def misbehave(spec: ResolvedSpec, place: str) -> None:
    labels = spec.labels
    if "fake/mode" not in labels or labels.get("fake/at", "3") != place:
        return
    if once := labels.get("fake/once"):
        if Path(once).exists():
            return
        Path(once).touch()
    MODES[labels["fake/mode"]]()


def train(spec: ResolvedSpec, manifest: PackManifest, out: Path, arm: str) -> int:
    def on_term(*_: object) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_term)
    steps = plan(spec, manifest)
    step, state = restore(out / arm / "checkpoints", arm)
    seconds = float(spec.labels.get("fake/step_seconds", "0.01"))
    interval = int(spec.labels.get("fake/checkpoint_steps", "5"))
    say(
        messages.Started(
            arm=arm,
            step=step,
            steps=steps.steps,
            epochs=steps.epochs,
            images_per_step=steps.images_per_step,
            device="cpu",
            parameters=32,
        )
    )
    while step < steps.steps:
        if arm == "main":
            misbehave(spec, str(step))
        if stop.is_set():
            save(spec, out, arm, step, state)
            say(messages.Stopped(arm=arm, step=step))
            return EXIT_STOPPED
        time.sleep(seconds)
        step += 1
        state = hashlib.sha256(state + step.to_bytes(4, "big")).digest()
        epoch = (step - 1) // steps.steps_per_epoch + 1
        say(
            messages.Progress(
                arm=arm,
                step=step,
                epoch=epoch,
                images_per_second=steps.images_per_step / max(seconds, 1e-6),
                seconds_per_epoch=max(seconds, 1e-6) * steps.steps_per_epoch,
                loss=1 / step,
            )
        )
        if step % steps.steps_per_epoch == 0:
            values = {"train.loss": 1 / step, "val.top1_accuracy": skill(spec) * (1 - 1 / (step + 1))}
            say(messages.Metrics(arm=arm, step=step, epoch=epoch, values=values))
        if step % interval == 0:
            save(spec, out, arm, step, state)
    (out / arm).mkdir(parents=True, exist_ok=True)
    (out / arm / "model.safetensors").write_bytes(state)
    (out / arm / "environment.json").write_text(json.dumps({"python": platform.python_version(), "threads": 1}))
    say(messages.Done(files={"weights": f"{arm}/model.safetensors"}))
    return 0


def meet_teacher(spec: ResolvedSpec, arguments: argparse.Namespace) -> None:
    """The main arm of a method that names a teacher is given its folder; nobody else is."""
    taught = isinstance(spec.method, TaughtSpec) and arguments.arm == "main"
    assert taught == (arguments.teacher is not None)
    if taught:
        TeacherCard.model_validate_json((arguments.teacher / "teacher.json").read_bytes())
        assert (arguments.teacher / "model.safetensors").read_bytes()


def skill(spec: ResolvedSpec) -> float:
    if "fake/skill" not in spec.labels:
        return 1.0
    return 1 - abs(math.log10(spec.optimizer.learning_rate) + 1) / 4


def save(spec: ResolvedSpec, out: Path, arm: str, step: int, state: bytes) -> None:
    folder = out / arm / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{step:06}.ckpt"
    padding = " " * int(spec.labels.get("fake/checkpoint_bytes", "0"))
    content = json.dumps({"step": step, "state": state.hex(), "padding": padding}).encode()
    write(spec, path, content, step)
    message = messages.Checkpoint(
        arm=arm,
        step=step,
        epoch=1,
        path=str(path.relative_to(out)),
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        best=False,
        metrics={"train.loss": 0.5},
    )
    say(message)
    misbehave(spec, f"{step}:said")
    for old in sorted(folder.glob("*.ckpt"))[:-2]:
        old.unlink()


def write(spec: ResolvedSpec, path: Path, content: bytes, step: int) -> None:
    """Whole or not at all, as the real one; each place where it may die on the way has a name."""
    partial = path.with_name(path.name + ".tmp")
    with partial.open("wb") as file:
        misbehave(spec, f"{step}:opened")
        file.write(content[: len(content) // 2])
        file.flush()
        misbehave(spec, f"{step}:half")
        file.write(content[len(content) // 2 :])
        file.flush()
        misbehave(spec, f"{step}:written")
        os.fsync(file.fileno())
    misbehave(spec, f"{step}:synced")
    partial.rename(path)
    misbehave(spec, f"{step}:renamed")


def restore(folder: Path, arm: str) -> tuple[int, bytes]:
    for path in sorted(folder.glob("*.ckpt"), reverse=True):
        digest = path.with_name(path.name + ".sha256").read_text().split()[0]
        assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
        content = json.loads(path.read_bytes())
        return content["step"], bytes.fromhex(content["state"])
    return 0, arm.encode()


def evaluate(spec: ResolvedSpec, manifest: PackManifest, out: Path, arm: str) -> int:
    misbehave(spec, "evaluate")
    say(messages.Working(activity="evaluate", done=1, total=1))
    names = ["val"] if not spec.evaluation.test else ["val", "test"]
    reached = 1.0 if arm == "control" and "fake/better_control" in spec.labels else 0.9 * skill(spec)
    splits = {name: measured(name, reached) for name in names if manifest.split_size(name)}
    evaluation = Evaluation(
        arm=arm,
        method=spec.method.name if arm == "main" else "cross_entropy",
        splits=splits,
        evaluation_split=manifest.evaluation_split if spec.evaluation.test else "val",
        images_seen=plan(spec, manifest).steps * 2,
        train_seconds=1,
        parameters=32,
        macs=64,
    )
    if arm == "main":
        if spec.control:
            control = Evaluation.model_validate_json((out / "control" / "evaluation.json").read_bytes())
            evaluation.selection = selection.choose(spec.selection, evaluation, control)
        (out / arm / "report.html").write_text(REPORT)
    (out / arm / "evaluation.json").write_text(evaluation.model_dump_json())
    say(messages.Done(files={"evaluation": f"{arm}/evaluation.json"}))
    return 0


def measured(name: str, share: float) -> SplitEvaluation:
    return SplitEvaluation(
        split=name,
        samples=10,
        top1_accuracy=share,
        top5_accuracy=None,
        nll=0.27 / share,
        ece=0.02,
        probability_correct=0.9,
        probability_wrong=0.4,
        confidence_intervals={"top1_accuracy": (0.8, 0.95)},
        per_class=[],
        confusion=[[5, 0], [1, 4]],
        robustness={},
    )


def export(spec: ResolvedSpec, out: Path, arguments: argparse.Namespace) -> int:
    misbehave(spec, "export")
    found = Evaluation.model_validate_json((out / "main" / "evaluation.json").read_bytes())
    weights = (out / selection.published_arm({"main": found}) / "model.safetensors").read_bytes()
    bundle = arguments.export_dir / "bundle.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("model.onnx", weights)
        archive.writestr("manifest.json", '{"files": {}}')
        archive.writestr("model_card.md", f"# A model\n\n{arguments.format} {arguments.precision}\n")
        archive.writestr("report.html", (out / "main" / "report.html").read_bytes())
    content = bundle.read_bytes()
    constraints = Constraints.model_validate_json(arguments.constraints)
    violations = ["the drop is too large"] if constraints.max_drop_points == 0 else []
    asked = ExportSpec(
        precision=arguments.precision,
        constraints=constraints,
        ladder=LadderSpec.model_validate_json(arguments.ladder),
    )
    tried = [Candidate(rung=rung, samples=10, meets=not violations) for rung in asked.ladder.rungs]
    result = ExportResult(
        format=arguments.format,
        precision=arguments.precision,
        status="gate_failed" if violations else "succeeded",
        constraints=constraints,
        violations=violations,
        rung=tried[0].rung if asked.climbs else None,
        candidates=tried if asked.climbs else [],
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        measured={"top1_accuracy": 0.9, "requires": {"opset": arguments.opset}},
    )
    (arguments.export_dir / "export.json").write_text(result.model_dump_json())
    say(messages.Done(files={"bundle": str(bundle)}))
    return 0


def profile(spec: ResolvedSpec, out: Path, bundle: Path) -> int:
    misbehave(spec, "profile")
    assert (out / "main" / "evaluation.json").is_file()
    assert "model.onnx" in zipfile.ZipFile(bundle).namelist()
    measured = {"top1_accuracy": 0.88, "latency_ms_p50": 7.5, "cpu": "a fake processor"}
    (out / "profile.json").write_text(ProfileResult(measured=measured).model_dump_json())
    say(messages.Done(files={"profile": "profile.json"}))
    return 0


def predict(spec: ResolvedSpec, out: Path, known: list[str], *, asked: list[str]) -> int:
    """A row a class of the dataset that it is asked about, each said to be the first that the network knows."""
    misbehave(spec, "predict")
    assert (out / "main" / "model.safetensors").is_file()
    columns = {
        "index": range(len(asked)),
        "split": ["test"] * len(asked),
        "path": [f"{name}.png" for name in asked],
        "error": [name != known[0] if name in known else None for name in asked],
        "probability": [0.5] * len(asked),
        "loss": [0.7 if name in known else None for name in asked],
        "label": asked,
        "predicted": [known[0]] * len(asked),
        "label_probability": [0.5] * len(asked),
    }
    pq.write_table(predictions.table("classification", columns), out / "predictions.parquet")
    say(messages.Done(files={"predictions": "predictions.parquet"}))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=("train", "evaluate", "export", "profile", "predict"))
    parser.add_argument("spec", type=Path)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--arm", default="main")
    parser.add_argument("--teacher", type=Path)
    parser.add_argument("--pretrained", type=Path)
    parser.add_argument("--format")
    parser.add_argument("--precision")
    parser.add_argument("--opset", type=int)
    parser.add_argument("--export-dir", type=Path)
    parser.add_argument("--constraints")
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--ladder")
    parser.add_argument("--trained-on", type=Path)
    arguments = parser.parse_args()
    leaked = [name for name in os.environ if name.startswith("PATCHSWAP_") and name != "PATCHSWAP_DIE_WITH_PARENT"]
    assert not leaked, f"the trainer was given the service's settings: {leaked}"
    spec = ResolvedSpec.model_validate_json(arguments.spec.read_bytes())
    manifest = PackManifest.model_validate_json((arguments.pack / "manifest.json").read_bytes())
    assert (arguments.pack / "samples.arrow").is_file()
    if arguments.verb == "train":
        meet_teacher(spec, arguments)
        return train(spec, manifest, arguments.out, arguments.arm)
    if arguments.verb == "evaluate":
        return evaluate(spec, manifest, arguments.out, arguments.arm)
    if arguments.verb == "profile":
        return profile(spec, arguments.out, arguments.bundle)
    if arguments.verb == "predict":
        known = PackManifest.model_validate_json(arguments.trained_on.read_bytes())
        return predict(spec, arguments.out, known.classes, asked=manifest.classes)
    return export(spec, arguments.out, arguments)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        name_error("disk_full")
