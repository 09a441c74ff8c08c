"""Fairlead's shim for ``azureml.monitoring``: what scripts collect is not kept."""

import logging

__all__ = ["ModelDataCollector"]

NOTHING_COLLECTED = "ModelDataCollector collects nothing here: log what is to be kept."


class ModelDataCollector:
    """What a ``score.py`` calls; the data went to a storage account of the workspace."""

    def __init__(self, *_arguments: object, **_named: object) -> None:
        logging.getLogger(__name__).warning(NOTHING_COLLECTED)

    def collect(self, *_arguments: object, **_named: object) -> None:
        """Do nothing."""

    def add_correlations(self, *_arguments: object, **_named: object) -> None:
        """Do nothing."""
