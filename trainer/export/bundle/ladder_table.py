"""What was tried before a file, on images that chose and are not those of its figures."""

from contract.results.exported import Candidate


def write(candidates: list[Candidate], metric: str) -> str:
    """The section as Markdown; empty where no ladder was climbed."""
    if not candidates:
        return ""
    lines = [
        f"| {each.rung} | {len(each.fp32_layers) or ''} | {_or_dash(each.model_bytes, ',')} | "
        f"{_or_dash(each.drop_points, '.2f')} | {_points(each.drop_interval_points)} | "
        f"{_or_dash(each.latency_ms_p50, '.3f')} | {_kept(each)} | {', '.join(str(place + 1) for place in each.like)} |"
        for each in candidates
    ]
    split = next((each.split for each in candidates if each.split), "no")
    return f"""## The ladder
Tried in this order; drops are of {metric} on {split} images, which chose. The last \
column has the rows that these images cannot tell it from.

| rung | layers in fp32 | bytes | drop, points | 95 % interval | ms | keeps what was asked | like row |
|---|---|---|---|---|---|---|---|
{chr(10).join(lines)}
"""


def _kept(candidate: Candidate) -> str:
    if candidate.held_out:
        return f"yes, but not on the held-out images: {' '.join(candidate.held_out)}"
    return "yes" if candidate.meets else " ".join(candidate.reasons)


def _points(interval: tuple[float, float] | None) -> str:
    return f"{interval[0]:.2f} to {interval[1]:.2f}" if interval else "-"


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
