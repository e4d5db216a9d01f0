"""`map` and `drop` for images of one label: classes are renamed, merged or left out on their way into the pack."""

from collections import Counter
from collections.abc import Iterator

from contract.specs.reading import ReadingSpec
from ingest.findings import Findings, Refused
from ingest.samples import Sample


class Relabelling:
    """`samples` goes once over all; `check` then says what was done. Raises Refused for a name that is no class."""

    def __init__(self, asked: ReadingSpec, findings: Findings) -> None:
        self._asked, self._findings = asked, findings
        self._before: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()

    def samples(self, samples: Iterator[Sample]) -> Iterator[Sample]:
        if not (self._asked.map or self._asked.drop):
            yield from samples
            return
        dropped = set(self._asked.drop)
        for sample in samples:
            self._before[sample.label] += 1
            label = self._asked.map.get(sample.label, sample.label)
            if label in dropped:
                self._dropped[label] += 1
            else:
                yield sample if label == sample.label else sample._replace(label=label)

    def check(self) -> None:
        classes = ", ".join(sorted(self._before)[:10])
        for name, to in self._asked.map.items():
            if name not in self._before:
                raise Refused("option_without_effect", f"`map`: {name!r} is no class.", f"The classes are {classes}.")
            message = f"{self._before[name]} images of {name!r} were labelled {to!r}, as asked."
            self._findings.add("info", "class_mapped", message)
        for name in self._asked.drop:
            if not self._dropped[name]:
                raise Refused("option_without_effect", f"`drop`: {name!r} is no class.", f"The classes are {classes}.")
            self._findings.skipped += self._dropped[name]
            message = f"{self._dropped[name]} images of {name!r} were left out, as asked."
            self._findings.add("info", "class_dropped", message)
