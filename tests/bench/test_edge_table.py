"""The table of bench/edge.py: written between its markers, and honest about what was not measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench import edge_table

ORDER = ["resnet18", "mobilenet_v3_small"]


def row(network: str, precision: str, **measured: Any) -> dict[str, Any]:
    values = {"run_here": True, "model_bytes": 1000, "top1_accuracy": 0.9, "drop_points": 0.0, "trained_agreement": 1.0}
    values |= {"ece": 0.01, "peak_rss_bytes": 2**20, "cpu": "a processor", "runtime": "onnxruntime 1"}
    values |= {f"latency_ms_{p}": 2.0 for p in ("p50", "p90", "p99")} | {"trained_top1_accuracy": 0.9}
    of = {"network": network, "format": "onnx", "precision": precision, "seconds": 5.0, "vnni": True}
    return of | {"measured": values | measured}


def test_section_is_replaced_and_the_rest_of_the_document_stays(tmp_path: Path) -> None:
    document = tmp_path / "edge.md"
    document.write_text(f"above\n{edge_table.BEGIN}\nold\n{edge_table.END}\nbelow\n")
    rows = [row("mobilenet_v3_small", "fp32"), row("resnet18", "fp32")]
    edge_table.write(rows, order=ORDER, document=document)
    edge_table.write(rows, order=ORDER, document=document)
    lines = document.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("above", "below")
    assert "old" not in lines
    assert [line.split()[1] for line in lines if "fp32 | 1,000" in line] == ORDER


def test_targets_are_judged_by_what_was_measured_and_else_not_met() -> None:
    int8 = row("resnet18", "int8", bytes_ratio=0.253, fp32_latency_ms_p50=4.0, drop_points=1.2)
    said = edge_table.of([row("resnet18", "fp32"), int8], order=ORDER)
    assert "| resnet18 int8 bytes of fp32 | 0.253 | 0.26 | yes |" in said
    assert "| resnet18 int8 drop, points | 1.2 | 1 | no |" in said
    assert "| resnet18 int8 latency of fp32 (CPU with VNNI) | 0.5 | 0.35 | no |" in said
    assert "| mobilenet_v3_small int8 bytes of fp32 | not measured | 0.29 | no |" in said
    without = edge_table.of([row("resnet18", "fp32"), int8 | {"vnni": False}], order=ORDER)
    assert (
        "| resnet18 int8 latency of fp32 (CPU with VNNI) | 0.5 without VNNI | 0.35 | this CPU cannot say |" in without
    )


def test_file_that_was_not_run_has_bytes_and_no_figures() -> None:
    never = row("resnet18", "fp16", run_here=False, bytes_ratio=0.5) | {"format": "coreml"}
    line = next(
        line for line in edge_table.of([row("resnet18", "fp32"), never], order=ORDER).splitlines() if "coreml" in line
    )
    assert "| 0.500 | not run |  |" in line
    assert len(line.split("|")) == 15
