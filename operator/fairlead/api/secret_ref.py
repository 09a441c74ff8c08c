"""A reference to a Secret: its name is all that the operator ever knows of it."""

from fairlead.api.fields import SecretName
from fairlead.api.wire import Wire


class SecretRef(Wire):
    """A Secret of type kubernetes.io/dockerconfigjson in the same namespace."""

    name: SecretName
    """Its name, as `kubectl create secret docker-registry <name>` was given it."""
