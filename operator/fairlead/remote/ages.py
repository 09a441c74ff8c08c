"""How long ago something was, as kubectl says it. Pure."""

from datetime import datetime, timedelta

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


def moment(text: object) -> datetime | None:
    """A time of the API; None where it is none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None


def age(text: object, now: datetime) -> str:
    """``12s``, ``3m``, ``5h``, ``4d``; empty for what is no time."""
    then = moment(text)
    return words(now - then) if then else ""


def words(span: timedelta) -> str:
    seconds = max(int(span.total_seconds()), 0)
    for unit, length in (("d", DAY_S), ("h", HOUR_S), ("m", MINUTE_S)):
        if seconds >= 2 * length or (unit == "m" and seconds >= length):
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
