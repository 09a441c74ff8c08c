"""Numbers as people read them, for the columns of ``kubectl get``."""

KIBI = 1024
MAX_SHOWN = 9999  # that is shown in a unit


def size(count: int) -> str:
    """``642Ki`` for 657 408 bytes: at most four digits, rounded up so that nothing shows as 0."""
    value, unit = float(count), "B"
    for unit in ("B", "Ki", "Mi", "Gi", "Ti"):
        if value <= MAX_SHOWN or unit == "Ti":
            break
        value /= KIBI
    return f"{-int(-value // 1)}{unit}"


def duration(seconds: float) -> str:
    """``48s``, ``3m12s``, ``1h05m``."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02}m"
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


def count(number: int, noun: str) -> str:
    """``1 file``, ``3 files``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
