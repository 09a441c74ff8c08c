"""What is answered about a log: plain text that no browser takes for anything else."""

from dataclasses import dataclass

from aiohttp import web

PIECE_CHARS = 64 * 1024
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Found:
    """What is answered: the log, or, with another status, why there is none."""

    text: str
    status: int = 200


BUSY = Found("Too many logs are being read: ask again.\n", 503)
AGAIN_IN_A_SECOND = {"Retry-After": "1"}


def text_response(status: int = 200, headers: dict[str, str] | None = None) -> web.StreamResponse:
    """A response of plain text that is written piece by piece."""
    response = web.StreamResponse(status=status, headers={**HEADERS, **(headers or {})})
    response.content_type, response.charset = "text/plain", "utf-8"
    return response


async def send(
    request: web.Request, found: Found, headers: dict[str, str] | None = None
) -> web.StreamResponse:
    """Send a text no faster than it is read."""
    response = text_response(found.status, headers)
    try:
        await response.prepare(request)
        for at in range(0, len(found.text), PIECE_CHARS):
            await response.write(found.text[at : at + PIECE_CHARS].encode(errors="replace"))
        await response.write_eof()
    except ConnectionResetError:
        pass  # who asked has gone: there is nobody to tell
    return response
