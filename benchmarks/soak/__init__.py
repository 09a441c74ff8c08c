"""The scoring runtime under a mix of good, bad, slow, huge and aborted requests, for minutes."""
