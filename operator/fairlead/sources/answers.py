"""What a web server answers in a file's place, told as what it is and in the server's own words."""

import json
import re
from dataclasses import dataclass
from http import HTTPStatus

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.redact import one_line
from fairlead.sources.base import SourceError

MAX_ANSWER_BYTES = 8192  # that are looked at of an answer that is no file
MAX_SAID_CHARS = 300
TRANSIENT_STATUSES = {408, 425, 429}  # and every 5xx
RETRY_REMEDY = "Nothing to change if the address is right: it is tried again."
_EXPIRED = re.compile(  # S3 answers 400 to them
    rb"<Code>(?:ExpiredToken|InvalidToken|TokenRefreshRequired|AuthorizationHeaderMalformed)</Code>"
)
_PAGE_TYPES = {"text/html", "application/xhtml+xml"}
_PAGE = re.compile(r"\ufeff?\s{0,100}<(?:!doctype\s{1,9}html|html|head|body|!--)", re.IGNORECASE)
_TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{1,300})", re.IGNORECASE)
_XML_MESSAGE = re.compile(r"<(?:Message|message)>([^<]{1,1000})<")  # of S3 and Azure Storage
_JSON_KEYS = ("message", "error_description", "detail", "title", "error")


@dataclass(frozen=True)
class Remedies:
    """What to do where a source does not let us in, and where it has no such thing."""

    denied: str
    missing: str = "Correct spec.source.uri, or put the file there."


BY_ADDRESS = Remedies(
    "Fairlead sends no credentials: let the file be read without, or give an address that is "
    "signed; if this one is, it may have expired."
)


def is_transient(status: int) -> bool:
    """Whether a server that answers so may answer otherwise in a moment."""
    return status in TRANSIENT_STATUSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def not_a_file(
    what: str, status: int, kind: str, body: bytes, remedies: Remedies = BY_ADDRESS
) -> SourceError:
    """The error for an answer other than 200 of this media type, whose body begins so."""
    said = words(kind, body)
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return SourceError(
            Reason.MODEL_SOURCE_NOT_FOUND,
            f"{what} answers {status}: there is no such file{said}.",
            remedies.missing,
            retryable=True,
        )
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) or _EXPIRED.search(body):
        return SourceError(
            Reason.MODEL_SOURCE_DENIED,
            f"{what} answers {status}: it does not let us read the file{said}.",
            remedies.denied,
            FailureClass.AUTH,
            retryable=True,
        )
    phrase = f" ({HTTPStatus(status).phrase})" if status in set(HTTPStatus) else ""
    if is_transient(status):
        return unreachable(f"{what} answers {status}{phrase}{said}.")
    if status < HTTPStatus.BAD_REQUEST:
        return unreachable(f"{what} answers {status}{phrase}, which is not a file{said}.")
    return SourceError(
        Reason.MODEL_SOURCE_DENIED,
        f"{what} answers {status}{phrase}: it refuses to hand out the file{said}.",
        "Do what the server asks for, or offer the file elsewhere; it is tried again.",
        retryable=True,
    )


def may_be_page(kind: str) -> bool:
    """Whether a server says so of what it sends. Some say it of whatever they do not know."""
    return media_type(kind) in _PAGE_TYPES


def is_page(beginning: bytes) -> bool:
    """Whether what begins so is a web page for people, whatever the address was meant to be."""
    return _PAGE.match(_text(beginning)) is not None


def page(what: str, beginning: bytes) -> SourceError:
    """The error for a web page: a sign-in page, or the one that a file is downloaded from."""
    found = _TITLE.search(_text(beginning))
    title = f', "{one_line(found[1])[:MAX_SAID_CHARS]}",' if found else ""
    return SourceError(
        Reason.MODEL_SOURCE_DENIED,
        f"{what} answers with a web page{title} and not with a file: perhaps one to sign in at.",
        "Give the address of the file itself, one that can be read without signing in.",
        FailureClass.AUTH,
        retryable=True,
    )


def changed(what: str) -> SourceError:
    """The error for a file that is not what it was when it was looked at."""
    return SourceError(
        Reason.MODEL_SOURCE_CHANGED,
        f"{what} changed while it was read.",
        "Nothing to do if the new content is meant: it is tried again.",
        FailureClass.DEPENDENCY,
        retryable=True,
    )


def unreachable(message: str) -> SourceError:
    return SourceError(
        Reason.MODEL_SOURCE_UNREACHABLE, message, RETRY_REMEDY, FailureClass.NETWORK, retryable=True
    )


def words(kind: str, body: bytes) -> str:
    """What the server says, in brackets, to end a sentence with; empty where it says nothing."""
    text = _text(body)
    if may_be_page(kind) or _PAGE.match(text):
        found = _TITLE.search(text)
        said = found[1] if found else ""
    elif found := _XML_MESSAGE.search(text):
        said = found[1]
    else:
        said = _of_json(text) if text.lstrip()[:1] == "{" else text
    shown = one_line(said)[:MAX_SAID_CHARS].rstrip(". ")
    return f' ("{shown}")' if shown else ""


def media_type(kind: str) -> str:
    return kind.partition(";")[0].strip().lower()


def _of_json(text: str) -> str:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    inner = found.get("error")
    for level in (inner if isinstance(inner, dict) else {}, found):
        for key in _JSON_KEYS:
            if isinstance(level.get(key), str):
                return str(level[key])
    return ""


def _text(body: bytes) -> str:
    """The text where it is one: what is binary says nothing."""
    try:
        return body[:MAX_ANSWER_BYTES].decode("utf-8")
    except UnicodeDecodeError as error:
        cut_off = error.end >= len(body[:MAX_ANSWER_BYTES]) - 3 and error.start > 0
        return body[: error.start].decode("utf-8") if cut_off else ""
