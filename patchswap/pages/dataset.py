"""The page of a dataset: what was read, what to look at before training, and pictures of every class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patchswap.errors import sentences
from patchswap.pages import frame, pictures, sizes
from patchswap.pages.frame import table, text
from patchswap.pages.pictures import Album, Picture, figure

if TYPE_CHECKING:
    from patchswap.calls.datasets import Datasets
    from patchswap.resources import Dataset, Finding, Inspection, Sample, Twins, ValidationReport

SPLITS = ("train", "val", "test")
_CLASSES_SHOWN = 40
_PER_SPLIT = {"train": 6, "val": 2, "test": 2}
_PAIRS_SHOWN = 24
_EXAMPLES = 20
_BACKGROUND = "background"
_CALLED = {"error": "Error", "warning": "Warning", "info": "Note"}
_LEAK = (
    "A held-out picture (left) that looks nearly the same as a training picture (right). The network has seen it "
    "before, so figures on it say little about new pictures. Keep all pictures of one object, scene or video in one "
    "split: sort them into folders train, val and test, and push again."
)
_CONTRADICTION = (
    "Nearly the same picture, labelled twice and differently. One label of each pair is wrong, or a picture shows both "
    "classes. Correct one, or remove the pair."
)
_TWINS = {
    "leak": ("Across splits", _LEAK),
    "contradiction": ("With different classes", _CONTRADICTION),
    "repeat": ("Within a split and class", "These count twice in training and in figures. All were kept."),
}


@dataclass(frozen=True)
class Look:
    """All that the page shows."""

    dataset: Dataset
    report: ValidationReport
    inspection: Inspection | None  # None of a refused dataset, or one of an earlier release
    numbers: dict[str, int]  # class -> its number
    samples: dict[str, dict[str, tuple[Sample, ...]]]  # class -> split -> some of its pictures
    album: Album


def collect(datasets: Datasets, dataset: Dataset, sent: str) -> Look:
    """Fetch what the page needs. `sent`: what the person calls the dataset or version."""
    album = Album(datasets)
    report = datasets.validation(sent)
    if dataset.latest_version_id is None:
        return Look(dataset, report, None, {}, {}, album)
    inspection = datasets.inspection(sent)
    if inspection is not None:
        for kind in _TWINS:
            wanted = {i for twin in _listed(inspection, kind) for i in (twin.first, twin.second)}
            if wanted:
                album.add(each for each in datasets.samples(sent, twins=kind) if each.index in wanted)
    samples: dict[str, dict[str, tuple[Sample, ...]]] = {}
    for name in _shown(report)[:_CLASSES_SHOWN]:
        samples[name] = {
            split: datasets.some_samples(sent, limit=most, split=split, class_name=name)
            for split, most in _PER_SPLIT.items()
            if _images(report).get(split, {}).get(name)
        }
        album.add(sample for found in samples[name].values() for sample in found)
    numbers = {name: at for at, name in enumerate(datasets.version(sent).classes or ())}
    return Look(dataset, report, inspection, numbers, samples, album)


def page(look: Look) -> str:
    report, dataset = look.report, look.dataset
    counts = ", ".join(f"{report.splits[split]:,} {split}" for split in SPLITS if split in report.splits)
    lead = (
        f"<p>{text(dataset.task.capitalize())}, {report.accepted:,} pictures of {report.classes:,} classes"
        f"{f' ({counts})' if counts else ''}. {report.skipped:,} pictures left out, {report.ignored:,} other files not "
        f"used. Read as <code>{text(report.layout or 'unknown')}</code>; {text(dataset.id)}, {dataset.status}.</p>"
    )
    sections = [
        ("What was found", _findings(report)),
        ("Near-duplicates", _twins(look)),
        ("Classes and splits", _class_table(look)),
        ("Classes that look alike", _alike(look)),
        ("Sizes", sizes.section(look.inspection) if look.inspection else ""),
        ("Left out", _left_out(look)),
        ("Pictures by class", _by_class(look)),
    ]
    return frame.document(f"Dataset {dataset.name}", lead, sections)


def classes(report: ValidationReport) -> list[str]:
    """As the report names them: numbers by value, before names."""
    images = _images(report)
    known = {name for split in SPLITS for name in images.get(split, {})}
    return sorted(known, key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name.casefold()))


def _shown(report: ValidationReport) -> list[str]:
    """Classes whose pictures are worth a row of their own: every picture shows the background."""
    return [name for name in classes(report) if name.casefold() != _BACKGROUND]


def _images(report: ValidationReport) -> dict[str, dict[str, int]]:
    return report.images or report.amounts


def _listed(inspection: Inspection, kind: str) -> list[Twins]:
    return [twin for twin in inspection.near_duplicates.listed if twin.kind == kind][:_PAIRS_SHOWN]


def _findings(report: ValidationReport) -> str:
    kinds: dict[str, list[Finding]] = {}
    for finding in report.findings:
        kinds.setdefault(finding.code, []).append(finding)
    if not kinds:
        return "<p>Nothing to report: every file was used.</p>"
    items = "\n".join(_finding(found, report.counts.get(code, len(found))) for code, found in kinds.items())
    return f'<ul class="findings">{items}</ul>'


def _finding(found: list[Finding], count: int) -> str:
    first = found[0]
    where = f"{text(first.path)}<br>" if first.path else ""
    many = f" ({count:,} of this kind)" if count > 1 else ""
    rest = [each for each in found[1:] if each.path][:_EXAMPLES]
    lines = "".join(f"<li>{text(each.path)}: {text(each.message)}</li>" for each in rest)
    examples = "1 more example" if len(rest) == 1 else f"{len(rest)} more examples"
    more = f"<details><summary>{examples}</summary><ul>{lines}</ul></details>" if rest else ""
    kind, said = _CALLED[first.severity], _commands(sentences(first.message, first.fix))
    return f'<li class="{first.severity}"><b>{kind}{many}</b>{where}{said}{more}</li>'


def _commands(sentence: str) -> str:
    """Text whose `commands` are set as code."""
    parts = text(sentence).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


def _twins(look: Look) -> str:
    if look.inspection is None:
        return ""
    near = look.inspection.near_duplicates
    leaked = [
        f"{count:,} of {look.report.splits.get(split, 0):,} in {split}" for split, count in near.leaked.items() if count
    ]
    said = f"{near.compared:,} pictures were compared, by their colours at 16 x 16 px."
    if leaked:
        alike = f"Held-out pictures that look nearly the same as a training picture: {', '.join(leaked)}."
        said = f"<strong>{alike}</strong> {said}"
    if not any(near.pairs.values()):
        said = f"None found. {said}"
    said += " Cropped or mirrored copies are not found by this."
    return f"<p>{said}</p>" + "".join(_pairs(look, kind) for kind in _TWINS)


def _pairs(look: Look, kind: str) -> str:
    if look.inspection is None or not (total := look.inspection.near_duplicates.pairs.get(kind, 0)):
        return ""
    heading, why = _TWINS[kind]
    shown = []
    for twin in _listed(look.inspection, kind):
        both = (look.album.get(twin.first), look.album.get(twin.second))
        drawn = "".join(_captioned(look, picture) for picture in both if picture is not None)
        shown.append(
            f'<div class="pair" role="group" aria-label="Pair, similarity {twin.similarity:.3f}">{drawn}</div>'
        )
    more = f" The {len(shown)} most similar of {total:,} pairs." if total > len(shown) else ""
    return f'<h3>{heading}: {total:,}</h3><p class="soft">{why}{more}</p><div class="grid">{"".join(shown)}</div>'


def _class_table(look: Look) -> str:
    names = classes(look.report)
    if not names:
        return ""
    images, amounts = _images(look.report), look.report.amounts
    unit = {"segmentation": "Pixels", "detection": "Boxes"}.get(look.dataset.task)
    totals = {name: sum(images.get(split, {}).get(name, 0) for split in SPLITS) for name in names}
    most = max(totals.values(), default=1) or 1
    rows = []
    for name in names:
        swatch = _swatch(look, name) if unit else ""
        amount = sum(amounts.get(split, {}).get(name, 0) for split in SPLITS)
        bar = frame.bar(totals[name] / most)
        counts = [f"{images.get(split, {}).get(name, 0):,}" for split in SPLITS]
        rows.append([swatch + text(name), *counts, *([f"{amount:,}"] if unit else []), bar])
    headings = ["Class", "Train", "Val", "Test", *([unit] if unit else []), "Share of the largest"]
    return table(headings, rows, "Pictures of each class in each split")


def _alike(look: Look) -> str:
    if look.inspection is None or not look.inspection.alike_classes:
        return ""
    said = (
        "<p>Judged by colours and outlines at 16 x 16 px, without a network: of the nearest neighbours within the two "
        "classes, the share that is of the other class. 50 % means no visible difference. Check that these classes "
        "are labelled by one rule; a network may still tell them apart.</p>"
    )
    parts = []
    for pair in look.inspection.alike_classes:
        drawn = "".join(
            _captioned(look, picture) for name in (pair.first, pair.second) for picture in _some(look, name, 3)
        )
        heading = f"{text(pair.first)} and {text(pair.second)}: {pair.mixed:.0%} mixed"
        parts.append(f'<h3>{heading}</h3><div class="grid">{drawn}</div>')
    return said + "".join(parts)


def _left_out(look: Look) -> str:
    if not look.report.skipped:
        return ""
    parts = [f"<p>{look.report.skipped:,} pictures are not in the dataset. Why, and what to do, stands above.</p>"]
    reasons = {finding.code: finding.message for finding in reversed(look.report.findings)}
    kinds: dict[str, list[str]] = {}
    for missing in look.inspection.left_out if look.inspection else ():
        kinds.setdefault(missing.code, []).append(
            pictures.loose(missing.thumbnail, f"left out: {missing.path}", text(missing.path))
        )
    for code, figures in kinds.items():
        heading = reasons.get(code, code.replace("_", " "))
        count = look.report.counts.get(code, len(figures))
        parts.append(f'<h3>{count:,}: {text(heading)}</h3><div class="grid">{"".join(figures)}</div>')
    return "".join(parts)


def _by_class(look: Look) -> str:
    parts = []
    if len(_shown(look.report)) > len(look.samples) > 0:
        parts.append(f"<p>The first {len(look.samples)} of {len(_shown(look.report))} classes.</p>")
    if look.album.full:
        parts.append(f"<p>The page holds {pictures.MOST} pictures at most; some classes have fewer than others.</p>")
    for name, splits in look.samples.items():
        shown = "".join(
            _captioned(look, picture)
            for found in splits.values()
            for sample in found
            if (picture := look.album.get(sample.index)) is not None
        )
        annotated = look.dataset.task != "classification"
        swatch, wide = (_swatch(look, name), " wide") if annotated else ("", "")
        parts.append(f'<h3>{swatch}{text(name)}</h3><div class="grid{wide}">{shown}</div>')
    return "".join(parts) if look.samples else ""


def _some(look: Look, name: str, most: int) -> Iterator[Picture]:
    found: Iterable[Sample] = look.samples.get(name, {}).get("train", ())[:most]
    for sample in found:
        if (picture := look.album.get(sample.index)) is not None:
            yield picture


def _captioned(look: Look, picture: Picture) -> str:
    sample = picture.sample
    label = f"<b>{text(sample.class_name)}</b>" if look.dataset.task == "classification" else ""
    last = sample.path.rsplit("/", 1)[-1]
    size = f"{sample.width} x {sample.height}"
    return figure(picture, f"{label}{sample.split}, {size}, {text(last)}", colour=_hue)


def _swatch(look: Look, name: str) -> str:
    if (number := look.numbers.get(name)) is None:
        return ""
    colour = _hue(number) if look.dataset.task == "detection" else _shade(number)
    return f'<span class="swatch" style="background:{colour}"></span>'


def _hue(number: int) -> str:
    """Of the boxes of a class."""
    return f"hsl({number * 137.5 % 360:.0f} 90% 50%)"


def _shade(number: int) -> str:
    """As the service paints the class in masks."""
    return f"rgb({number * 67 % 256} {number * 131 % 256} {number * 29 % 256})"
