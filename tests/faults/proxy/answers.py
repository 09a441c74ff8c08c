"""What the proxy does to a request itself, before or in place of the API server."""

import asyncio
import json
import socket
import struct

from aiohttp import web

from tests.faults.proxy.crash_point import stopped
from tests.faults.proxy.rules import Answer, Fault, Hang, Reset, Slow

REASONS = {
    410: "Expired",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


async def before(fault: Fault | None, request: web.BaseRequest) -> web.Response | None:
    """Do what comes before a request is forwarded; return the answer where it is not."""
    if isinstance(fault, Hang):
        await stopped()
    if isinstance(fault, Slow):
        await asyncio.sleep(fault.seconds)
    if isinstance(fault, Reset) and not fault.forwarded:
        reset(request)
        return web.Response(status=502)  # nobody gets it
    return refusal(fault) if isinstance(fault, Answer) else None


def refusal(fault: Answer) -> web.Response:
    """As the API server words it."""
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": REASONS.get(fault.status, "Unknown"),
        "code": fault.status,
        "message": f"{fault.status} (by the fault proxy)",
    }
    headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
    return web.Response(
        status=fault.status, text=json.dumps(status), content_type="application/json",
        headers=headers,
    )  # fmt: skip


def reset(request: web.BaseRequest) -> None:
    """Close the client's connection with a TCP reset, whatever was under way in it."""
    transport = request.transport
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:  # else the client was faster
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
