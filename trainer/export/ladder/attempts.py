"""The files that the rungs of a ladder try, each made when its turn has come."""

import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import nn

from contract.child.messages import Message, Notice
from contract.formats import FORMATS, Precision
from contract.results.exported import Candidate
from contract.specs import Rung
from contract.specs.methods import TaughtSpec
from portable.golden import keys
from trainer.export.formats import quantization
from trainer.export.formats.onnx import MODEL_NAME
from trainer.export.formats.quantization import Prepared
from trainer.export.inputs import Calibration
from trainer.export.ladder import sensitivity
from trainer.export.ladder.judging import Judge
from trainer.export.order import Order
from trainer.export.qat.finetuning import Graphs, fine_tune
from trainer.export.waiting import working_while
from trainer.training.assignment import Assignment

Work = Generator[Message, None, None]
Made = Generator[Message, None, Candidate]
MIXED_SHARE = 0.5  # of the layers may stay in fp32; a file of more of them is no int8 file


@dataclass(frozen=True)
class Attempt:
    """`write` puts the model into an empty folder, and says what it is."""

    rung: Rung
    write: Callable[[Path], Made]


@dataclass
class Workshop:
    """What all rungs work with: the trained network, its fp32 files, and what was found on the way."""

    order: Order
    net: nn.Module  # in evaluation mode, on the CPU
    fp32: Path
    scratch: Path
    judge: Judge
    prepared: Prepared | None = None
    worst_first: list[str] | None = None  # nodes, by what rounding each alone does

    def attempts(self, rung: Rung) -> Iterator[Attempt]:
        match rung:
            case "int8":
                yield Attempt(rung, self._int8)
            case "mixed":
                yield from self._mixed_attempts()
            case "qat":
                yield Attempt(rung, self._qat)
            case "fp16":
                yield Attempt(rung, self._fp16)

    def obstacle(self, rung: Rung) -> str | None:
        """Why a rung cannot be tried at all."""
        name, spec = self.order.export.format, self.order.spec
        if rung in ("mixed", "qat") and name != "onnx":
            return f"Not tried: only ONNX files are made this way, not {self.order.format.TITLE}."
        if rung in ("int8", "fp16") and rung not in FORMATS[name].precisions:
            return f"Not tried: there is no {rung} in {self.order.format.TITLE}."
        if rung == "qat" and isinstance(spec.method, TaughtSpec) and self.order.teacher is None:
            return f"Not tried: {spec.method.name} fine-tunes with its teacher, which is not here."
        return None

    def _int8(self, folder: Path) -> Made:
        if self.order.export.format == "onnx":
            yield from self._write(folder)
        else:
            yield from self._quantize(folder, precision="int8")
        return Candidate(rung="int8")

    def _fp16(self, folder: Path) -> Made:
        yield from self._quantize(folder, precision="fp16")
        return Candidate(rung="fp16")

    def _mixed_attempts(self) -> Iterator[Attempt]:
        """One layer in fp32, then two, four ..., the worst first."""
        count = 1
        while count == 1 or count <= MIXED_SHARE * len(quantization.layers(self._ready())):
            yield Attempt("mixed", partial(self._mixed, count=count))
            count *= 2

    def _mixed(self, folder: Path, *, count: int) -> Made:
        yield from self._find_ranges()
        if self.worst_first is None:
            self.worst_first = yield from sensitivity.worst_first(self._ready(), self.judge, self.fp32, self.scratch)
        kept = self.worst_first[:count]
        yield from self._write(folder, in_fp32=kept)
        weights = quantization.layers(self._ready())
        return Candidate(rung="mixed", fp32_layers=[weights[node] for node in kept])

    def _qat(self, folder: Path) -> Made:
        yield from self._find_ranges()
        order, prepared = self.order, self._ready()
        epochs = order.export.ladder.epochs_of_qat(order.spec.training.epochs)
        with tempfile.TemporaryDirectory(dir=self.scratch) as scratch:
            int8 = Path(scratch) / "int8.onnx"
            quantization.write_untidied(prepared, int8)
            teacher = order.teacher if order.arm == "main" else None
            assignment = Assignment(
                order.spec, order.pack, Path(scratch), order.arm, order.device, teacher_folder=teacher
            )
            trained = order.vision.network_of(self.net)
            tuned = yield from fine_tune(assignment, trained, Graphs(prepared.graph, int8), epochs=epochs)
            weights = {name: tensor.numpy() for name, tensor in tuned.learnt().items()}
            quantization.write(quantization.with_weights(prepared, weights, Path(scratch)), folder / MODEL_NAME)
        yield from self._compare(order.vision.to_export(order.vision.speaking_as(trained, tuned.cpu())), folder)
        return Candidate(rung="qat", qat_epochs=epochs)

    def _compare(self, tuned: nn.Module, folder: Path) -> Work:
        """Say how near the file comes to the network that was fine-tuned."""
        found = yield from self.judge.agreement(folder, tuned.eval())
        values = found.values("file") | {
            f"{key}_deviation": one.reference_deviation
            for key, one in zip(keys("file", found.outputs), found.differences, strict=True)
        }
        alike = (
            "decide nothing" if found.decisions == 0 else f"agree in {found.agreed / found.decisions:.2%} of decisions"
        )
        apart = ", ".join(
            f"their {name} differ by {values[f'{key}_mean_difference']:.2g} on average, at a deviation of "
            f"{values[f'{key}_deviation']:.2g}"
            for key, name in zip(keys("file", found.outputs), found.outputs, strict=True)
        )
        message = f"The int8 file and the network that was fine-tuned {alike} on {found.images} images; {apart}."
        yield Notice(severity="info", code="qat_exported", message=message, data=values)

    def _quantize(self, folder: Path, *, precision: Precision) -> Work:
        calibration = Calibration.of(self.order.spec, self.order.pack)
        source = self.order.source(self.net)
        quantize = partial(
            self.order.format.quantize, source, self.fp32, folder, precision=precision, calibration=calibration
        )
        yield from working_while(f"quantize to {precision}", quantize, steps=calibration.steps)

    def _write(self, folder: Path, in_fp32: Sequence[str] = ()) -> Work:
        calibration = self._calibration()
        write = partial(quantization.write, self._ready(), folder / MODEL_NAME, calibration, in_fp32=in_fp32)
        yield from working_while("quantize to int8", write, steps=calibration.steps if calibration else None)

    def _find_ranges(self) -> Work:
        """By making a file, where none was made yet."""
        if calibration := self._calibration():
            write = partial(quantization.write_untidied, self._ready(), self.scratch / "first.onnx", calibration)
            yield from working_while("find ranges", write, steps=calibration.steps)

    def _calibration(self) -> Calibration | None:
        """The images that ranges are found with, once."""
        return None if self._ready().ranges.is_file() else Calibration.of(self.order.spec, self.order.pack)

    def _ready(self) -> Prepared:
        if self.prepared is None:
            self.prepared = quantization.prepare(self.fp32 / MODEL_NAME, self.scratch)
        return self.prepared
