"""XML that a store answers with: a page of a listing, or keys. It is foreign text."""

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from fairlead.sources.answers import unreachable


def parsed(body: bytes, what: str) -> ET.Element:
    """The root element. Raises ``SourceError``. Entities are not asked for: none are expanded."""
    if b"<!" in body.replace(b"<![CDATA[", b""):
        raise unreachable(f"{what} answers with XML that declares a document type.")
    try:
        return ET.fromstring(body)
    except ET.ParseError as error:
        raise unreachable(f"{what} answers with what is no XML ({error}).") from error


def each(root: ET.Element, name: str) -> Iterator[ET.Element]:
    """Every element of this name, in whichever namespace."""
    return (element for element in root.iter() if _local(element) == name)


def text(root: ET.Element, name: str) -> str:
    """The text of the first element of this name; empty where there is none."""
    return next((element.text or "" for element in each(root, name)), "")


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
