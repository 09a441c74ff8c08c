"""Fairlead's shim for ``azureml.contrib.services``: raw HTTP under its old name."""
