"""When something that failed is tried again. Pure."""


def backoff_s(failures: int, first_s: float = 1.0, max_s: float = 60.0) -> float:
    """Seconds to wait after ``failures`` failures in a row, from 0: 1, 2, 4 ... up to a minute."""
    return float(min(first_s * 2 ** min(max(failures, 0), 16), max_s))
