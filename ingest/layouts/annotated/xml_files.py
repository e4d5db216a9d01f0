"""XML out of a stranger's archive: parsed without entities, document types or outside references."""

import io
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring, iterparse

from ingest import names
from ingest.notes import Unusable

_SMALL = 1 << 16  # bytes; too few to do harm, and read at once in half the time
_DEEPEST = 64  # annotations stay below ten
_MOST_ELEMENTS = 200_000  # of one image's file


def parse(path: str, content: bytes, fix: str) -> Element:
    """The root element of one image's annotation. Raises Unusable."""
    if len(content) <= _SMALL:
        return _parsed(path, content, fix)
    root: Element | None = None
    for number_, element in enumerate(_elements(path, content, fix)):
        root = element
        if number_ > _MOST_ELEMENTS:
            raise _unsound(path, f"It has more than {_MOST_ELEMENTS:,} elements.", fix)
    if root is None:
        raise _unsound(path, "It is empty.", fix)
    return root


def _parsed(path: str, content: bytes, fix: str) -> Element:
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise _broken(path, error, fix) from error
    return root


def stream(path: str, content: bytes, wanted: set[str], fix: str) -> Iterator[Element]:
    """Each element of these names once it is complete; it is emptied when the next is asked for. Raises Unusable."""
    for element in _elements(path, content, fix, keep=False):
        if element.tag in wanted:
            yield element
            element.clear()


def _elements(path: str, content: bytes, fix: str, *, keep: bool = True) -> Iterator[Element]:
    """Every element at its end, the root last; without its children where they are not to be kept."""
    depth, root = 0, None
    try:
        for event, element in iterparse(io.BytesIO(content), ("start", "end"), forbid_dtd=True):
            depth += 1 if event == "start" else -1
            root = element if root is None else root
            if depth > _DEEPEST:
                raise _unsound(path, "It is nested too deeply.", fix)
            if event == "end":
                yield element
                if depth == 1 and not keep:
                    root.clear()
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise _broken(path, error, fix) from error


def _broken(path: str, error: Exception, fix: str) -> Unusable:
    why = "it declares entities or a document type" if isinstance(error, DefusedXmlException) else str(error)
    return _unsound(path, why, fix)


def _unsound(path: str, why: str, fix: str) -> Unusable:
    message = f"Its annotation {path!r} is no sound XML: {names.printable(why)[:200]}."
    return Unusable("annotation_unreadable", message, fix)


def number(text: str | None, what: str, fix: str) -> float:
    """Raises Unusable."""
    try:
        return float(text or "")
    except ValueError as error:
        shown = names.printable(text or "")[:50]
        raise Unusable("box_malformed", f"The {what} of a box is {shown!r}, not a number.", fix) from error
