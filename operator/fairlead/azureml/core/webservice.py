"""v1's ``azureml.core.webservice``."""

from fairlead.azureml.cluster_service import AciWebservice, AksEndpoint, AksWebservice
from fairlead.azureml.local_service import LocalWebservice
from fairlead.azureml.webservice import Webservice

__all__ = ["AciWebservice", "AksEndpoint", "AksWebservice", "LocalWebservice", "Webservice"]
