"""Fairlead's stand-in for ``azureml.contrib.services``: raw HTTP under its old name."""
