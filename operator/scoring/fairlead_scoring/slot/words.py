"""What a client is told of a failure, in the reference server's words: by the slot, or for it."""

from __future__ import annotations

RUN_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
INTERNAL = "An unexpected internal error occurred. Check the logs for more info."
TIMEOUT = "Scoring timeout after {} ms"
