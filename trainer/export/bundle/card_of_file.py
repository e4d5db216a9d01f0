"""What the model card says of the file: its size, its speed, and what was tried before it."""

from collections.abc import Mapping
from typing import Any

from contract.files import WEIGHTS
from contract.tasks import TERMS
from portable.boxes import SURE
from trainer.export.bundle import ladder_table, loading
from trainer.export.bundle.facts import Facts, percent
from trainer.report.settings import settings_as_text

_DECIDED = {
    "classification": "images",
    "segmentation": "pixels",
    "detection": f"boxes that either scores {SURE:g} or more",
}


def file(facts: Facts) -> str:
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
        return "Read from the file, which was not run."
    return f"Latency: batch 1, one thread, {measured['cpu']}, {measured['runtime']}, after warm-up."


def _speed(measured: dict[str, Any]) -> list[tuple[str, str]]:
    if not measured["run_here"]:
        return []
    memory = measured["peak_rss_bytes"]
    return [
        ("latency p50 / p90 / p99, ms", _latency(measured, "latency_ms")),
        ("peak memory, bytes", f"{memory:,}" if memory else "not measured"),
    ]


def ladder(facts: Facts) -> str:
    return ladder_table.write(facts.candidates, TERMS[facts.manifest.task].headline_name)


def weights(facts: Facts) -> str:
    program = "\n".join(loading.lines(facts.spec, facts.manifest, WEIGHTS))
    return f"""## The trained weights
This file was made of float weights with sha256 `{facts.weights_sha256}`. `patchswap pull MODEL --weights` downloads \
them as `{WEIGHTS}`. In torch:

```python
{program}
```
"""


def _latency(measured: dict[str, Any], name: str) -> str:
    return " / ".join(f"{measured[f'{name}_{p}']:.3f}" for p in ("p50", "p90", "p99"))


def _shared(fraction: float | None) -> str:
    return "none" if fraction is None else f"{percent(fraction)} %"
