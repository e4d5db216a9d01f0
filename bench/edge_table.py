"""What bench/edge.py measured as a section of docs/edge.md, between its two markers, with the targets below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.pages import write_between

DOCUMENT = Path("docs/edge.md")
BEGIN, END = "<!-- bench/edge.py writes from here -->", "<!-- to here -->"
BYTES = {"resnet18": 0.26, "mobilenet_v3_small": 0.29}
VNNI_LATENCY = {"resnet18": 0.35}
SECONDS, DROP_POINTS, PRUNED_DROP_POINTS = 60, 1.0, 1.5
Row = dict[str, Any]


def write(rows: list[Row], *, order: list[str], document: Path = DOCUMENT) -> None:
    """Replace what is between the markers."""
    write_between(document, BEGIN, END, of(rows, order=order))


def of(rows: list[Row], *, order: list[str]) -> str:
    found = sorted(rows, key=lambda row: (order.index(row["network"]), row["format"] != "onnx", row["format"]))
    head = "| network | format | precision | bytes | of fp32 | top-1 % | drop | agrees % | ECE | p50 / p90 / p99 ms | "
    lines = [head + "of fp32 | peak MB | made in s |", "|---" * 13 + "|", *map(_line, found)]
    return "\n".join([_machine(found), "", *lines, "", _fastest(found), "", *_targets(found)])


def _machine(rows: list[Row]) -> str:
    ran = [row["measured"] for row in rows if row["measured"]["run_here"]]
    processors = ", ".join(sorted({measured["cpu"] for measured in ran}))
    runtimes = ", ".join(sorted({measured["runtime"] for measured in ran}))
    return f"{processors}, one thread, batch 1, after warm-up, in turns with the fp32 file. {runtimes}."


def _line(row: Row) -> str:
    measured = row["measured"]
    cells = [row["network"], row["format"], row["precision"], f"{measured['model_bytes']:,}", _share(measured)]
    if measured["run_here"]:
        latency = " / ".join(f"{measured[f'latency_ms_{p}']:.2f}" for p in ("p50", "p90", "p99"))
        cells += [
            f"{100 * measured['top1_accuracy']:.2f}",
            f"{measured['drop_points']:+.2f}",
            f"{100 * measured['trained_agreement']:.1f}",
            f"{measured['ece']:.4f}",
            latency,
            _relative(measured),
            f"{(measured['peak_rss_bytes'] or 0) / 2**20:.0f}",
        ]
    else:
        cells += ["not run"] + [""] * 6
    return f"| {' | '.join(cells)} | {row['seconds']:.0f} |"


def _share(measured: Row) -> str:
    return f"{measured['bytes_ratio']:.3f}" if "bytes_ratio" in measured else ""


def _relative(measured: Row) -> str:
    against = measured.get("fp32_latency_ms_p50")
    return f"{measured['latency_ms_p50'] / against:.2f}" if against else ""


def _fastest(rows: list[Row]) -> str:
    said = []
    for network in dict.fromkeys(row["network"] for row in rows):
        ran = [row for row in rows if row["network"] == network and row["measured"]["run_here"]]
        best = min(ran, key=lambda row: row["measured"]["latency_ms_p50"])
        said.append(f"{network}: {best['format']} {best['precision']}, {best['measured']['latency_ms_p50']:.2f} ms")
    return f"Fastest file. {'; '.join(said)}."


def _targets(rows: list[Row]) -> list[str]:
    """Of the issue that this answers. A target that was not measured is not met."""
    of_file = {(row["network"], row["format"], row["precision"]): row for row in rows}
    judged = []
    for network, most in BYTES.items():
        int8 = of_file.get((network, "onnx", "int8"))
        judged.append(_judged(f"{network} int8 bytes of fp32", int8 and int8["measured"]["bytes_ratio"], most))
        judged.append(_judged(f"{network} int8 drop, points", int8 and int8["measured"]["drop_points"], DROP_POINTS))
        judged.append(_judged(f"{network} pruned to half the MACs, drop", _lost(of_file, network), PRUNED_DROP_POINTS))
        if network in VNNI_LATENCY:
            judged.append(_judged_latency(network, int8))
    slowest = max(rows, key=lambda row: row["seconds"])
    title = f"export and measuring, slowest ({slowest['network']} {slowest['format']} {slowest['precision']}), s"
    judged.append(_judged(title, slowest["seconds"], SECONDS))
    return ["| target | measured | at most | |", "|---|---|---|---|", *judged]


def _judged_latency(network: str, int8: Row | None) -> str:
    title, most = f"{network} int8 latency of fp32 (CPU with VNNI)", VNNI_LATENCY[network]
    relative = int8 and int8["measured"]["latency_ms_p50"] / int8["measured"]["fp32_latency_ms_p50"]
    if int8 and not int8["vnni"]:
        return f"| {title} | {relative:.3g} without VNNI | {most:g} | this CPU cannot say |"
    return _judged(title, relative, most)


def _lost(of_file: dict[tuple[str, str, str], Row], network: str) -> float | None:
    """Points of the pruned network below the whole one, both as trained."""
    whole, half = (of_file.get((name, "onnx", "fp32")) for name in (network, f"{network}-half"))
    if not (whole and half):
        return None
    return 100 * (whole["measured"]["trained_top1_accuracy"] - half["measured"]["trained_top1_accuracy"])


def _judged(title: str, value: float | None, most: float) -> str:
    if value is None:
        return f"| {title} | not measured | {most:g} | no |"
    return f"| {title} | {value:.3g} | {most:g} | {'yes' if value <= most else 'no'} |"
