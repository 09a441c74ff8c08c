"""Azure ML SDK v1's classes and calls, over local web services and the cluster's objects.

``from fairlead.azureml.core.model import Model`` and so on: v1's modules. With ``import
fairlead.azureml.compat`` in front, v1's own names do: ``from azureml.core.model import Model``.
"""
