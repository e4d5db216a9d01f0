"""How patchswap speaks, as far as a program can tell: shape of a sentence, length, turns that people stumble on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.sentences.reading import GAP

LONGEST_WORDS = 45  # of one sentence
_BEGINS = re.compile(rf"[A-Z0-9`'\"(\[{GAP}<*~-]|(?:int8|fp16|fp32|timm|scikit|x1|val)\b")
_ENDS = re.compile(rf"[.?!:{GAP}]\)?$")
_PIECE = re.compile(r"[ ,;(]$")  # more is added to it
_PASTED = re.compile(
    r"(patchswap|python|pip) [^`]*[A-Z]$|(patchswap) [^.`]*$|/ui/$"
)  # a command at the end, to be copied as it stands

# Each was read aloud and stumbled on. VOICE: plain words, the verb early, one idea a sentence.
BANNED = {
    "so many": "Give the number its name: N, this many.",
    "so long": "Say for how long, or until when.",
    "is to be had": "is available",
    "are to be had": "are available",
    "can be had": "is available",
    "cannot be meant": "is not acceptable",
    "somebody else has got": "it leaked",
    "to be told": "known",
    "is told nothing": "is not sent",
    "of what is there": "of those that remain",
    "whatever newer ones": "when newer ones arrive",
    "for you to know": "Display name.",
    "goes on where it stopped": "continues where it stopped",
    "is no more": "ended",
    "rounds otherwise": "differs",
    "ends itself": "exits",
    "be of worth": "help",
    "learnt": "learned",
    "absurdly": "too",
}


def faults(text: str) -> Iterator[str]:
    """What is wrong with one text that a customer reads."""
    text = " ".join(text.split()) if "\n" in text else text
    if not _BEGINS.match(text):
        yield "It does not begin with a capital letter."
    if not (_ENDS.search(text.rstrip()) or _PIECE.search(text) or _PASTED.search(text)):
        yield "It does not end with a full stop."
    for sentence in re.split(r"(?<=[.?!]) ", text):
        if len(sentence.split()) > LONGEST_WORDS:
            yield f"A sentence has more than {LONGEST_WORDS} words: {sentence[:60]} ..."
    for turn, better in BANNED.items():
        if re.search(rf"\b{turn}\b", text, re.IGNORECASE):
            yield f"It says {turn!r}. Better: {better}"
