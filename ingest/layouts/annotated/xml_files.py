"""XML out of a stranger's archive: parsed without entities, document types or outside references."""

from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from ingest import names
from ingest.notes import Unusable


def parse(path: str, content: bytes, fix: str) -> Element:
    """The root element. Raises Unusable."""
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        why = "it declares entities or a document type" if isinstance(error, DefusedXmlException) else str(error)
        message = f"its annotation {path!r} is no sound XML: {names.printable(why)[:200]}"
        raise Unusable("annotation_unreadable", message, fix) from error
    return root


def number(text: str | None, what: str, fix: str) -> float:
    """Raises Unusable."""
    try:
        return float(text or "")
    except ValueError as error:
        shown = names.printable(text or "")[:50]
        raise Unusable("box_malformed", f"the {what} of a box is {shown!r}, not a number", fix) from error
