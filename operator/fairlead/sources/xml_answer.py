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


def each(root: ET.Element, path: str) -> Iterator[ET.Element]:
    """Every element at a path of names from ``root``, such as ``Blobs/Blob``, in whichever
    namespace. Only children are looked at: nested elements of one name cost no more than others.
    """
    name, _, rest = path.partition("/")
    found = (element for element in root if _local(element) == name)
    return (inner for element in found for inner in each(element, rest)) if rest else found


def text(root: ET.Element, path: str) -> str:
    """The text of the first element at a path; empty where there is none."""
    return next((element.text or "" for element in each(root, path)), "")


def first(root: ET.Element, name: str) -> ET.Element | None:
    """The first element of this name, however deep."""
    return next((element for element in root.iter() if _local(element) == name), None)


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
