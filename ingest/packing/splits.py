"""Which image trains, which validates, which tests: the dataset's own splits, or made ones that are the same each time.

Made splits are stratified. An image's place depends on its pixels, its class and the seed only, never on the order of
the archive, and copies of one image stay together.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from contract.pack.manifest import Split
from contract.specs.splits import SplitRequest
from ingest.findings import Findings, Refused
from ingest.packing.staging import UNDECIDED, Columns

LEFT_OUT = -2
Splits = NDArray[np.int8]
Mask = NDArray[np.bool_]


def decide(columns: Columns, request: SplitRequest | None, findings: Findings) -> Splits:
    """A split for each image, before leaks are looked for. Raises Refused where nothing is left to train on."""
    asked = request or SplitRequest()
    given = {Split(value) for value in np.unique(columns.split).tolist() if value != UNDECIDED}
    if not given & {Split.VAL, Split.TEST} or (len(given) == 1 and not (columns.split == UNDECIDED).any()):
        findings.add(
            "info", "splits_made", f"Split by class: val {asked.val:g}, test {asked.test:g}, seed {asked.seed}."
        )
        return _carve(columns, np.ones(len(columns.label), bool), asked)
    if request is not None:
        findings.add(
            "info", "splits_given", "The dataset has its own splits; they are kept, and the fractions are not used."
        )
    undecided = int((columns.split == UNDECIDED).sum())
    if undecided:
        message = f"{undecided} of {len(columns.split)} images are in no split, but others are. They count as training."
        findings.add(
            "warning", "split_missing", message, fix="Put them into a split, or leave them out with `--ignore`."
        )
    splits = np.where(columns.split == UNDECIDED, np.int8(Split.TRAIN), columns.split)
    if not (splits == Split.TRAIN).any():
        raise Refused(
            "no_training_split", "The dataset has held-out splits but no training split.", "Add a train split."
        )
    if Split.TEST not in given:
        findings.add("info", "evaluated_on_val", "There is no test split; figures are reported on val.")
    elif Split.VAL not in given and asked.val > 0:
        findings.add("info", "val_made", f"There is no val split; {asked.val:g} of train was set aside.")
        training = splits == Split.TRAIN
        carved = _carve(columns, training, asked.model_copy(update={"test": 0.0}), held_out_elsewhere=True)
        splits = np.where(training, carved, splits)
    return splits


def keep_per_class(columns: Columns, splits: Splits, request: SplitRequest | None, findings: Findings) -> Splits:
    """Only so many training images of each class, if that was asked for."""
    if request is None or request.train_per_class is None:
        return splits
    training = np.flatnonzero(splits == Split.TRAIN)
    order = training[np.lexsort((_keys(columns.sha256[training], request.seed), columns.label[training]))]
    surplus = order[_rank(columns.label[order]) >= request.train_per_class]
    kept = splits.copy()
    kept[surplus] = LEFT_OUT
    if len(surplus):
        message = f"{len(surplus)} training images beyond {request.train_per_class} a class were left out, as asked."
        findings.add("info", "training_reduced", message)
        findings.skipped += len(surplus)
    return kept


def _carve(columns: Columns, pool: Mask, asked: SplitRequest, *, held_out_elsewhere: bool = False) -> Splits:
    """Split the images of `pool` class by class; every class keeps two images to train on, if it has them."""
    members = np.flatnonzero(pool)
    keys = _keys(columns.sha256[members], asked.seed)
    order = members[by_class := np.lexsort((keys, columns.label[members]))]
    label, keys = columns.label[order], keys[by_class]
    first = np.r_[True, (label[1:] != label[:-1]) | (keys[1:] != keys[:-1])]  # of the copies of one image
    counts = np.bincount(label[first], minlength=len(columns.classes))
    room = np.maximum(counts - 2, 0)
    test = _quota(counts, asked.test, room, at_least_one=True)
    val = _quota(counts, asked.val, room - test, at_least_one=asked.test == 0 and not held_out_elsewhere)
    rank = np.cumsum(first) - 1 - (np.cumsum(counts) - counts)[label]
    splits = np.full(len(columns.label), Split.TRAIN, np.int8)
    held_out = np.where(rank < test[label], np.int8(Split.TEST), np.int8(Split.VAL))
    splits[order] = np.where(rank < (test + val)[label], held_out, np.int8(Split.TRAIN))
    return splits


def _quota(
    counts: NDArray[np.int64], fraction: float, room: NDArray[np.int64], *, at_least_one: bool
) -> NDArray[np.int64]:
    """How many of each class: the whole is met as closely as can be, by largest remainders."""
    if fraction == 0:
        return np.zeros_like(counts)
    exact = counts * fraction
    quota: NDArray[np.int64] = np.floor(exact + 1e-9).astype(np.int64)
    missing = round(float(exact.sum())) - int(quota.sum())
    if missing > 0:
        quota[np.argsort(quota - exact, kind="stable")[:missing]] += 1
    np.clip(quota, np.minimum(int(at_least_one), room), room, out=quota)
    return quota


def _keys(sha256: NDArray[np.bytes_], seed: int) -> NDArray[np.uint64]:
    """A number for each image that looks random, but follows from its pixels and the seed."""
    salt = seed.to_bytes(8, "little")
    hashed = b"".join(hashlib.blake2b(digest, digest_size=8, salt=salt).digest() for digest in sha256.tolist())
    return np.frombuffer(hashed, np.uint64)


def _rank(sorted_labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """0, 1, 2 ... within each run of equal labels."""
    starts = np.r_[True, sorted_labels[1:] != sorted_labels[:-1]] if len(sorted_labels) else np.zeros(0, bool)
    index = np.arange(len(sorted_labels))
    return index - np.maximum.accumulate(np.where(starts, index, 0))
