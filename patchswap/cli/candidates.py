"""What the ladder of an export tried, as people see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patchswap.cli.output import table

if TYPE_CHECKING:
    from patchswap.resources import Export

_HEADINGS = ("", "#", "RUNG", "BYTES", "DROP", "95 %", "MS", "LIKE", "KEEPS ITS LIMITS")


def as_table(export: Export) -> str:
    """One line a candidate, the chosen one marked; empty where no ladder was climbed."""
    if not export.candidates:
        return ""
    split = next((candidate["split"] for candidate in export.candidates if candidate["split"]), None)
    chosen = f"{export.rung} was taken" if export.status == "succeeded" else "none was good enough"
    title = f"{export.id}: {chosen}; drops in points on {split} images"
    rows = [_row(export, number, candidate) for number, candidate in enumerate(export.candidates, start=1)]
    return f"{title}\n{table(_HEADINGS, rows)}"


def _row(export: Export, number: int, candidate: dict[str, Any]) -> tuple[str | None, ...]:
    size, drop, latency = (candidate[name] for name in ("model_bytes", "drop_points", "latency_ms_p50"))
    return (
        "*" if _is_taken(export, candidate) else "",
        str(number),
        _name(candidate),
        None if size is None else f"{size:,}",
        None if drop is None else f"{drop:.2f}",
        _interval(candidate),
        None if latency is None else f"{latency:.3f}",
        " ".join(str(place + 1) for place in candidate.get("like", ())),
        "yes" if _is_kept(candidate) else "; ".join([*candidate["reasons"], *candidate.get("held_out", ())]),
    )


def _is_kept(candidate: dict[str, Any]) -> bool:
    """By the images that chose and, where they were asked, the held-out ones."""
    return candidate["meets"] and not candidate.get("held_out")


def _is_taken(export: Export, candidate: dict[str, Any]) -> bool:
    return export.status == "succeeded" and _is_kept(candidate)


def _interval(candidate: dict[str, Any]) -> str | None:
    interval = candidate.get("drop_interval_points")
    return None if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"


def _name(candidate: dict[str, Any]) -> str:
    if candidate["fp32_layers"]:
        return f"{candidate['rung']}, {len(candidate['fp32_layers'])} in fp32"
    return f"{candidate['rung']}, {candidate['qat_epochs']} epochs" if candidate["qat_epochs"] else candidate["rung"]
