"""docs/scenes.md: a table per task and what it says, all computed from the published records."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.scenes import packs
from bench.scenes.plan import ARMS, CONTROL, DIRECT, PLAIN_TRANSFER, STUDIES, TRANSFER, WITHOUT_KL, Study
from bench.scenes.records import Published, Record
from core.comparisons.rendering import p_value
from core.comparisons.statistics import MeanInterval, PairedDifference, holm, mean_interval, paired_difference

BySeed = Mapping[int, float]
PAIRS = (
    ("What the KL term adds to the direct swap", DIRECT, WITHOUT_KL),
    ("What patch swap adds to the classifier that a backbone begins as", TRANSFER, PLAIN_TRANSFER),
)


def write(path: Path, published: Sequence[Published]) -> None:
    """Nothing where nothing was published."""
    if published:
        path.write_text("\n\n".join([_head(published), *map(_section, published), _limits()]) + "\n")


def _head(published: Sequence[Published]) -> str:
    machines = "; ".join(dict.fromkeys(one.machine for one in published))
    counts = {split.name.lower(): count for split, count in packs.SCENES.items()}
    return f"""# Patch swap for segmentation and detection

Written by `python -m bench.scenes` from the raw results in [results/](results/); it may be stopped and started at will.
Machine: {machines}.

**Scenes.** One or two of the letters {" and ".join(packs.LETTERS)}, coloured and turned, in {packs.FAMILIES} fonts of
Debian's packages, on scikit-image's photographs and textures, {packs.SIDE_PX} px; masks and boxes are exact.
{counts["train"]} scenes to train, drawn anew for each seed and the same for all arms; {counts["test"]} to test, always
the same.

**Arms.** *{CONTROL}*: the network's own loss. *{DIRECT}*: our reading of patch swap for masks and for boxes [U]
([methods](methods.md#segmentation)), weight of the KL term 0.25. *{WITHOUT_KL}*: the swap alone. *copy-paste*: of
regions, or of crops of boxes. *{TRANSFER}*: the control's loss, the backbone begun as a classifier of
{len(packs.ALPHABET)} letters that was trained by patch swap (`model.pretrained`). *{PLAIN_TRANSFER}*: the same, but
the classifier was trained by cross-entropy.

**Protocol.** All arms of a task have the same schedule and see as many images; those of the classifiers come on top,
and the table says how many. Nothing was tuned. The test split is looked at once, after the last epoch. Intervals are
95 %, of Student's t over seeds; differences are paired by seed; p-values are of the paired t-test, by Holm for the
number of arms. CPU time is of one thread, the classifier's included."""


def _section(published: Published) -> str:
    study = STUDIES[published.task]
    found = {arm.name: figures for arm in ARMS if (figures := _by_seed(published, arm.name, study.metric))}
    lines = [f"## {study.title}", "", _network(study), ""]
    lines += [
        f"| arm | seeds | {study.metric_name}, % | to the control, points | p (Holm) | images before | CPU, s |",
        "|---|---:|---|---|---|---:|---:|",
        *_rows(published, found),
        "",
    ]
    untrained = mean_interval([100 * record.untrained[study.metric] for record in published.records])
    if untrained:
        lines += [f"Before its first step the network has {study.metric_name} {untrained.mean:.1f} %, on average.", ""]
    lines += [_pair(*pair, found, study) for pair in PAIRS]
    return "\n".join(lines).rstrip()


def _network(study: Study) -> str:
    images = 2 * study.pairs_per_batch
    return (
        f"{study.architecture} from random weights, AdamW {study.learning_rate:g}, an epoch of warm-up, then cosine;\n"
        f"{study.epochs} epochs, each of two passes over the training images, {images} a step, no augmentation."
    )


def _rows(published: Published, found: Mapping[str, BySeed]) -> list[str]:
    control = found.get(CONTROL, {})
    differences = [None if arm == CONTROL else paired_difference(figures, control) for arm, figures in found.items()]
    adjusted = holm([difference.p_value if difference else None for difference in differences])
    rows = []
    for (arm, figures), difference, p in zip(found.items(), differences, adjusted, strict=True):
        records = [record for record in published.records if record.arm == arm]
        before = max(record.images_seen_before for record in records)
        cells = (
            arm,
            str(len(figures)),
            _interval(mean_interval(list(figures.values()))),
            "" if arm == CONTROL else _interval(difference, sign="+"),
            "" if arm == CONTROL else p_value(p),
            f"{before:,}" if before else "",
            f"{_mean(records, lambda record: record.cpu_seconds + record.cpu_seconds_before):.0f}",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def _pair(question: str, ours: str, theirs: str, found: Mapping[str, BySeed], study: Study) -> str:
    difference = paired_difference(found.get(ours, {}), found.get(theirs, {}))
    if difference is None:
        return f"{question}: not measured.\n"
    return (
        f"{question}: {_interval(difference, sign='+')} points of {study.metric_name} "
        f"({ours} minus {theirs}, seeds: {difference.n}). {_verdict(difference)}\n"
    )


def _verdict(difference: PairedDifference) -> str:
    if difference.low is None or difference.high is None or difference.low <= 0 <= difference.high:
        return "That cannot be told from noise."
    return "Its interval does not hold 0." if difference.mean > 0 else "Its interval lies below 0: it does harm here."


def _limits() -> str:
    return """## What this does not say

Three seeds tell large differences only. The scenes are small and made, the networks begin with random weights, the
schedules are minutes of one core, and no setting was tuned for any arm, so a method that needs another rate or a longer
schedule is not done justice. The direct readings are ours; the paper's set-up for masks and boxes was not to be had."""


def _by_seed(published: Published, arm: str, metric: str) -> dict[int, float]:
    return {record.seed: 100 * record.test[metric] for record in published.records if record.arm == arm}


def _interval(found: MeanInterval | PairedDifference | None, *, sign: str = "") -> str:
    if found is None:
        return "-"
    reach = "" if found.low is None else f" ({found.low:{sign}.1f} to {found.high:{sign}.1f})"
    return f"{found.mean:{sign}.1f}{reach}"


def _mean(records: Sequence[Record], figure: Callable[[Record], float]) -> float:
    return sum(map(figure, records)) / len(records)
