"""docs/results_small.md: all methods on small and made data sets, each tuned by as many trials."""

from collections.abc import Mapping, Sequence

from bench.results import reading, search, tables
from bench.results.published import Published


def page(published: Sequence[Published], found: reading.Tables, pictures: Mapping[str, str]) -> str:
    if not published:
        return "# Results on small and made data sets\n\nNothing is published yet.\n"
    parts = [_head(published), reading.summary(published, found), reading.defaults(published)]
    parts += [tables.section(one, found[one.dataset], pictures[one.dataset]) for one in published]
    return "\n\n".join([*parts, reading.limits(published)]) + "\n"


def _head(published: Sequence[Published]) -> str:
    machines = "; ".join(dict.fromkeys(one.machine for one in published))
    seeds = ", ".join(str(seed) for seed in max((one.seeds for one in published), key=len))
    return f"""# Results on small and made data sets

The appendix of [results](results.md): small images, one small network, ten-odd epochs. It shows what a
method does to a short training, and nothing about photographs. Machine: {machines}.

**Protocol.** ResNet-20, SGD with Nesterov momentum 0.9, weight decay 5e-4, warm-up over a tenth, then
cosine; as many images a step for every method, so equal epochs are equal images seen (decision 1). Each
method is tuned on the validation split by {search.TRIALS} trials at seed 0: two learning rates with two
values of its main weight, or four learning rates where it has no weight. The setting with the highest
validation accuracy (of equal ones, the lower loss) is then trained with the seeds {seeds} and looked at
once on the test split. Each seed draws its own training images, the same for all methods, so that
differences are paired. Intervals are 95 %, of Student's t over seeds; p-values are of the paired
t-test, corrected for the number of methods by Holm. Time is CPU time of the training, relative to
cross-entropy's, the median over seeds."""
