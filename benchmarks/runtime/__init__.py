"""The scoring runtime against its peers: the same ``score.py``, the same core, one run."""
