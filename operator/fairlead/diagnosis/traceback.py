"""A Python traceback in a log: where in the user's files it happened."""

import re

APP_ROOT = "/var/azureml-app/"
FRAME = re.compile(rf'File "{re.escape(APP_ROOT)}([^"]+)", line (\d+)')


def user_location(log: str) -> str | None:
    """Return ``score.py:12``: the innermost frame in the user's files, of the last traceback."""
    frames = FRAME.findall(log)
    return "{}:{}".format(*frames[-1]) if frames else None
