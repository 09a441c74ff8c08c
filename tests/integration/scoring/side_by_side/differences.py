"""Where our answers are meant to differ from the reference server's, and why."""

import json
from dataclasses import dataclass
from typing import Any

from fairlead_scoring.slot.responses import RUN_FAILED_MESSAGE
from fairlead_scoring.slot.scoring import INVALID_RESPONSE_MESSAGE
from tests.integration.scoring.side_by_side.cases import HOST
from tests.integration.scoring.side_by_side.servers import Answer

SENT = {"Host": HOST}


@dataclass(frozen=True)
class Difference:
    """``ours`` is what we answer: status, failed or not, and the message."""

    reason: str
    ours: tuple[int, str | None, Any]


def told(answer: Answer) -> tuple[int, str | None, Any]:
    """The answer in short: what a difference is described by."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = answer.body
    return answer.status, dict(answer.headers).get("x-ms-run-function-failed"), body


NO_HTML = "gunicorn's HTML page is no answer to a client of JSON; ours has the message and the ids"
DIFFERENT = {
    **{
        f"plain: text '{how}'": Difference(NO_HTML, (500, "True", {"message": RUN_FAILED_MESSAGE}))
        for how in ("exit", "cancelled", "keyboard", "generator exit", "base exception")
    },
    "raw: integer": Difference(NO_HTML, (500, "True", {"message": RUN_FAILED_MESSAGE})),
    "raw: status 99": Difference(NO_HTML, (500, "False", {"message": INVALID_RESPONSE_MESSAGE})),
    "raw: status 1000": Difference(NO_HTML, (500, "False", {"message": INVALID_RESPONSE_MESSAGE})),
    "raw: status 600": Difference(
        "HTTP has no status above 599", (500, "False", {"message": INVALID_RESPONSE_MESSAGE})
    ),
    "plain: two hosts": Difference(
        NO_HTML, (400, "False", {"message": "The request has more than one Host header."})
    ),
    "plain: headers: types": Difference(
        "gunicorn answers a second Content-Type with an HTML page; the last one counts",
        (200, "False", ["dict", {**SENT, "Content-Type": "text/plain", "Content-Length": "7"}]),
    ),
    "raw: own length": Difference(
        "two Content-Length headers are no valid HTTP; we send one", (200, "False", b"abc")
    ),
}
