"""What the published results say: each method against cross-entropy, seed by seed, and patch swap against itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import median

from bench.results.protocol import CONTROL, PATCH_SWAP
from bench.results.published import Published
from bench.results.records import Figures, Record
from bench.results.search import Settings
from core.comparisons.statistics import MeanInterval, PairedDifference, holm, mean_interval, paired_difference

ALPHA = 0.05
SWAP_ONLY = "patch_swap_only"


@dataclass(frozen=True)
class Row:
    """A tuned method on one data set. Accuracies and ECE in percent, over the seeds that trained."""

    method: str
    settings: Settings
    top1: MeanInterval | None
    difference: PairedDifference | None  # to the control, points; None for the control itself
    p_value: float | None  # Holm's, over all methods of the data set
    ece: float | None
    nll: float | None
    seconds: float  # of CPU for the training, by those of the control; the median over seeds
    images: float  # seen, by those of the control
    failures: int  # seeds whose loss was lost

    @property
    def better(self) -> bool:
        return self._shown and self.difference is not None and self.difference.mean > 0

    @property
    def worse(self) -> bool:
        return self._shown and self.difference is not None and self.difference.mean < 0

    @property
    def _shown(self) -> bool:
        return self.p_value is not None and self.p_value < ALPHA


@dataclass(frozen=True)
class Distillation:
    """What the KL term adds to the swap, in points of top-1."""

    dataset: str
    same_setting: PairedDifference | None  # to patch swap at the same setting with a weight of 0
    both_tuned: PairedDifference | None  # to patch_swap_only, tuned by itself


def rows(published: Published) -> list[Row]:
    """The control first, then by mean accuracy."""
    control = published.tuned_by_seed(CONTROL)
    found = [_row(published, method, control) for method in published.methods]
    adjusted = holm([row.difference.p_value if row.difference else None for row in found])
    found = [_with_p(row, p_value) for row, p_value in zip(found, adjusted, strict=True)]
    return sorted(found, key=lambda row: (row.method != CONTROL, -(row.top1.mean if row.top1 else 0.0)))


def distillation(published: Published) -> Distillation | None:
    """None where patch swap was not run."""
    ours = published.tuned_by_seed(PATCH_SWAP)
    if not ours:
        return None
    swap_only = published.tuned_by_seed(SWAP_ONLY)
    return Distillation(
        dataset=published.dataset,
        same_setting=paired_difference(top1(ours), top1(published.without_distillation())),
        both_tuned=paired_difference(top1(ours), top1(swap_only)),
    )


def top1(records: Mapping[int, Record]) -> dict[int, float]:
    return _by_seed(records, lambda test: 100 * test.top1_accuracy)


def _row(published: Published, method: str, control: Mapping[int, Record]) -> Row:
    ours = published.tuned_by_seed(method)
    return Row(
        method=method,
        settings=published.tuned(method) or {},
        top1=mean_interval(list(top1(ours).values())),
        difference=None if method == CONTROL else paired_difference(top1(ours), top1(control)),
        p_value=None,
        ece=_mean(_by_seed(ours, lambda test: None if test.ece is None else 100 * test.ece)),
        nll=_mean(_by_seed(ours, lambda test: test.nll)),
        seconds=median(ours[seed].cpu_seconds / control[seed].cpu_seconds for seed in published.seeds),
        images=max((r.images_seen / control[seed].images_seen for seed, r in ours.items() if r.test), default=0.0),
        failures=sum(record.test is None for record in ours.values()),
    )


def _with_p(row: Row, p_value: float | None) -> Row:
    return replace(row, p_value=p_value)


def _by_seed(records: Mapping[int, Record], figure: Callable[[Figures], float | None]) -> dict[int, float]:
    found = {seed: figure(record.test) for seed, record in records.items() if record.test}
    return {seed: value for seed, value in found.items() if value is not None}


def _mean(by_seed: Mapping[int, float]) -> float | None:
    found = mean_interval(list(by_seed.values()))
    return found.mean if found else None
