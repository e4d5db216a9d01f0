"""What the ladder of an export tried, as people see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patchswap.cli.output import table

if TYPE_CHECKING:
    from patchswap.resources import Export

_HEADINGS = ("", "RUNG", "BYTES", "DROP", "MS", "KEEPS ITS LIMITS")


def as_table(export: Export) -> str:
    """One line a candidate, the chosen one marked; empty where no ladder was climbed."""
    if not export.candidates:
        return ""
    split = next((candidate["split"] for candidate in export.candidates if candidate["split"]), None)
    chosen = f"{export.rung} was taken" if export.status == "succeeded" else "none was good enough"
    title = f"{export.id}: {chosen}; drops in points on {split} images"
    return f"{title}\n{table(_HEADINGS, [_row(export, candidate) for candidate in export.candidates])}"


def _row(export: Export, candidate: dict[str, Any]) -> tuple[str | None, ...]:
    size, drop, latency = (candidate[name] for name in ("model_bytes", "drop_points", "latency_ms_p50"))
    return (
        "*" if candidate["meets"] and export.status == "succeeded" else "",
        _name(candidate),
        None if size is None else f"{size:,}",
        None if drop is None else f"{drop:.2f}",
        None if latency is None else f"{latency:.3f}",
        "yes" if candidate["meets"] else "; ".join(candidate["reasons"]),
    )


def _name(candidate: dict[str, Any]) -> str:
    if candidate["fp32_layers"]:
        return f"{candidate['rung']}, {len(candidate['fp32_layers'])} in fp32"
    return f"{candidate['rung']}, {candidate['qat_epochs']} epochs" if candidate["qat_epochs"] else candidate["rung"]
