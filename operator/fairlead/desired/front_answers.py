"""What a front answers itself: statuses, causes and words of its configuration, and their count."""

import json

REASONS = (
    "starting",
    "unschedulable",
    "queue_timeout",
    "queue_full",
    "at_max_replicas",
    "draining",
    "busy",
    "body_budget",
    "crashing",
)
"""Of 503: the front's own, and those of a replica that it passes on."""
QUEUE_FULL = "Every replica is busy and the queue is full. Try again later."
NO_REPLICA_FREE = "No replica was free for as long as a request may wait. Try again later."
NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check "
    "your spelling and try again."
)
NO_ANSWER = "The replica has not answered in time."
BROKEN = "The connection to the replica broke before it had answered."
REASON_HEADER = "x-fairlead-503-reason"
JSON = "content-type application/json"
NOT_FAILED = "hdr x-ms-run-function-failed False"
NOW = (
    "nbsrv(scoring),bool,iif(up,down),concat(-,txn.{0}),concat(~,txn.{0}_down),"
    "regsub(^down-.*~$,{1}),regsub(^down-.*~,),regsub(^up-,),regsub(~.*,)"
)
"""A variable's value, unless no replica is ready any more, for while a request waited they may go:
then that of the one named ``_down``, where it is set, else what is given."""


def _starting(service: str) -> str:
    """What the front cannot know the status says."""
    return f"No replica is ready. {_told(service)}"


def _nowhere(service: str) -> str:
    return f"No replica is ready, and no node takes one. {_told(service)}"


def _unplaced(service: str) -> str:
    return f"Every replica is busy, and no node takes another one. {_told(service)}"


def _told(service: str) -> str:
    return f"The status of Webservice {service} says why. Try again later."


def _at_most(replicas: int) -> str:
    return (
        f"Every replica is busy, and there are as many as autoscale.maxReplicas ({replicas}) "
        "allows. Try again later."
    )


def none_ready(service: str) -> str:
    """Rules for what comes while there is no replica."""
    rules = (
        f"{_unavailable(_nowhere(service), 'unschedulable')} if starting unplaced",
        f"{_unavailable(_starting(service), 'starting')} if starting",
    )
    return "\n".join(f"    {rule}" for rule in rules)


def busy(service: str, at_most: int | None) -> str:
    """Why a request gets no replica, or will have waited for one in vain: the front sees all of
    them itself, so it knows when the autoscaler may make no more."""
    unplaced, limited = _unplaced(service), list[str]()
    rules = [
        f"{_unavailable(unplaced, 'unschedulable')} if full unplaced",
        f"{_unavailable(QUEUE_FULL, 'queue_full')} if full",
        *_cause("", "queue_timeout", NO_REPLICA_FREE),
        *_cause("", "unschedulable", unplaced, " if unplaced"),
    ]
    if at_most is not None:
        words = _at_most(at_most)
        limited = [
            f"acl at_most nbsrv(scoring) ge {at_most}",
            f"{_unavailable(words, 'at_max_replicas')} if full at_most",
        ]
        rules += _cause("", "at_max_replicas", words, " if at_most")
    rules += _cause("_down", "unschedulable", _nowhere(service), " if unplaced")
    return "\n".join(f"    {rule}" for rule in (*limited, *rules))


def _cause(which: str, reason: str, words: str, condition: str = "") -> tuple[str, str]:
    """Note what is to be said where a request that may wait has waited in vain."""
    return (
        f"http-request set-var(txn.cause{which}) str({reason}){condition}",
        f'http-request set-var-fmt(txn.why{which}) "{words}"{condition}',
    )


def gives_up(service: str) -> str:
    """What is answered where HAProxy itself ends a request that it has begun to pass on."""
    cause = f"%[{NOW.format('cause', 'starting')}]"
    why = f"%[{NOW.format('why', _starting(service))}]"
    rules = (
        _error(502, BROKEN),
        f"{_error(503, why, cause)} hdr {REASON_HEADER} {cause} hdr retry-after 1",
        _error(504, NO_ANSWER),
    )
    return "\n".join(f"    {rule}" for rule in rules)


def counter(reason: str) -> str:
    """The variable that counts one of ``REASONS``."""
    return f"proc.unavailable_{reason}"


def counted() -> str:
    """Rules that count each 503. There is one thread: no two requests count at the same time."""
    return "\n".join(
        f"    http-after-response set-var({counter(one)}) var({counter(one)}),add(1) "
        f"if {{ var(txn.reason) -m str {one} }}"
        for one in REASONS
    )


def answer(status: int, message: str, reason: str = "") -> str:
    """A rule that answers at once, in the form of the runtime's own errors."""
    body = _body(message, reason)
    return f"http-request return status {status} {JSON} string '{body}' {NOT_FAILED}"


def _unavailable(message: str, reason: str) -> str:
    return f"{answer(503, message, reason)} hdr {REASON_HEADER} {reason} hdr retry-after 1"


def _error(status: int, message: str, reason: str = "") -> str:
    """What is answered where HAProxy itself gives up; ``reason`` may be an expression."""
    kind = "lf-string" if reason else "string"  # of the latter HAProxy keeps one copy
    return f"http-error status {status} {JSON} {kind} '{_body(message, reason)}' {NOT_FAILED}"


def _body(message: str, reason: str) -> str:
    fields = {"message": message, **({"reason": reason} if reason else {})}
    return json.dumps(fields)
