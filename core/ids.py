"""Typed ids: a prefix that says what it names, and a UUIDv7, so that ids sort by time of birth."""

from typing import Literal

import uuid_utils

Prefix = Literal[
    "tnt",
    "key",
    "upl",
    "ds",
    "dsv",
    "job",
    "ckpt",
    "model",
    "exp",
    "prf",
    "prd",
    "cmp",
    "swp",
    "aud",
    "whk",
    "whd",
    "wts",
    "als",
    "alc",
]


def new_id(prefix: Prefix) -> str:
    return f"{prefix}_{uuid_utils.uuid7().hex}"
