"""What a profile is asked to do, as the operator writes it."""

import json
from dataclasses import dataclass
from pathlib import Path

from fairlead_scoring.front.config.values import SettingsError
from fairlead_scoring.front.smoke_test import SmokeTest, read_order

MAX_REQUESTS, MAX_SECONDS = 1000, 30.0  # where the order names none


@dataclass(frozen=True)
class Profile:
    """``trial`` has the sample, and how long everything may take together. At most ``requests``
    are measured, for at most ``seconds``."""

    trial: SmokeTest
    requests: int = MAX_REQUESTS
    seconds: float = MAX_SECONDS


def read_profile(path: Path) -> Profile:
    """Return what the file asks for. Raise ``SettingsError`` if it is none."""
    trial = read_order(path, "--profile")
    if trial.sample is None and trial.file is None:
        raise SettingsError(f"--profile cannot be used: {path} holds no sample.")
    order = json.loads(path.read_bytes())
    try:
        requests = int(order.get("requests") or MAX_REQUESTS)
        return Profile(trial, requests, float(order.get("seconds") or MAX_SECONDS))
    except (ValueError, TypeError, OverflowError) as error:
        raise SettingsError(f"--profile cannot be used: {path} ({error}).") from error
